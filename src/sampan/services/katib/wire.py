"""Experiments and trials as messages of gRPC, and back. Pure.

Which trials are sent, and what of them, is upstream's choice: those without metrics are not, and of
the conditions only the last. What comes back is read into the objects that were sent.
Upstream: pkg/controller.v1beta1/suggestion/suggestionclient/suggestionclient.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sampan.kinds.katib.extensions.question import Question
from sampan.kube import meta
from sampan.kube.conditions import is_true
from sampan.kube.keys import Manifest
from sampan.kube.searching import Rule
from sampan.lib.proto import Message, get
from sampan.lib.search.problem import Rule as Found
from sampan.lib.search.problem import Trial
from sampan.services.katib import api, problems

_DISTRIBUTIONS = ("", "uniform", "logUniform", "normal", "logNormal")
_OBJECTIVES = ("", "minimize", "maximize")
_CONDITIONS = ("Created", "Running", "Succeeded", "Killed", "Failed", "MetricsUnavailable",
               "EarlyStopped")  # fmt: skip
_COMPARISONS = ("equal", "equal", "less", "greater")
"""As upstream reads them; the first one is unknown."""


# -- there ----------------------------------------------------------------------------------------
def experiment(manifest: Manifest, told: Mapping[str, str]) -> Message:
    """`told`: what the algorithm answered last, which overlays the settings."""
    spec = manifest.get("spec") or {}
    algorithm = spec.get("algorithm") or {}
    settings = {**problems.settings(algorithm), **told}
    stopping = spec.get("earlyStopping")
    return {
        "name": meta.name_of(manifest),
        "spec": {
            "parameter_specs": {"parameters": _parameters(spec.get("parameters"))},
            "objective": _objective(spec.get("objective") or {}),
            "algorithm": _algorithm(algorithm.get("algorithmName"), settings),
            "early_stopping": stopping_of(stopping) if stopping else None,
            "parallel_trial_count": spec.get("parallelTrialCount") or 0,
            "max_trial_count": spec.get("maxTrialCount") or 0,
            "nas_config": _nas(spec["nasConfig"]) if spec.get("nasConfig") else None,
        },
    }


def stopping_of(given: Mapping[str, Any]) -> Message:
    return _algorithm(given.get("algorithmName"), problems.settings(given))


def trials(manifests: Iterable[Manifest]) -> list[Message]:
    return [_trial(each) for each in manifests if _is_sent(each)]


def _is_sent(trial: Manifest) -> bool:
    status = trial.get("status") or {}
    said = status.get("conditions")
    if is_true(said, "MetricsUnavailable"):
        return False
    return not is_true(said, "EarlyStopped") or _is_observed(trial)


def _is_observed(trial: Manifest) -> bool:
    spec, status = trial.get("spec") or {}, trial.get("status") or {}
    name = (spec.get("objective") or {}).get("objectiveMetricName")
    metrics = (status.get("observation") or {}).get("metrics") or ()
    return any(
        each.get("name") == name and "unavailable" not in (each.get("latest"), None)
        for each in metrics
    )


def _trial(trial: Manifest) -> Message:
    spec, status = trial.get("spec") or {}, trial.get("status") or {}
    conditions = status.get("conditions") or ()
    type = conditions[-1].get("type") if conditions else "Created"
    assignments = spec.get("parameterAssignments") or ()
    return {
        "name": meta.name_of(trial),
        "spec": {
            "objective": _objective(spec.get("objective") or {}),
            "parameter_assignments": {
                "assignments": [
                    {"name": str(each.get("name")), "value": str(each.get("value", ""))}
                    for each in assignments
                ]
            },
            "labels": spec.get("labels") or {},
        },
        "status": {
            "start_time": status.get("startTime") or "",
            "completion_time": status.get("completionTime") or "",
            "condition": _place(_CONDITIONS, type, api.STATUSES.index("UNKNOWN")),
            "observation": {"metrics": _metrics(spec, status)},
        },
    }


def _metrics(spec: Mapping[str, Any], status: Mapping[str, Any]) -> list[Message]:
    """Each as its strategy takes it, or the latest value where there is no such."""
    strategies = (spec.get("objective") or {}).get("metricStrategies") or ()
    how = {each.get("name"): each.get("value") for each in strategies}
    found = []
    for metric in (status.get("observation") or {}).get("metrics") or ():
        name = metric.get("name")
        value = metric.get(how.get(name) or "")
        if value in (None, "unavailable"):
            value = metric.get("latest")
        found.append({"name": str(name), "value": str(value or "")})
    return found


def _objective(given: Mapping[str, Any]) -> Message:
    return {
        "type": _place(_OBJECTIVES, given.get("type"), 0),
        "goal": float(given.get("goal") or 0),
        "objective_metric_name": given.get("objectiveMetricName") or "",
        "additional_metric_names": list(given.get("additionalMetricNames") or ()),
    }


def _algorithm(name: Any, settings: Mapping[str, str]) -> Message:
    listed = [{"name": each, "value": value} for each, value in settings.items()]
    return {"algorithm_name": str(name or ""), "algorithm_settings": listed}


def _parameters(given: Any) -> list[Message]:
    return [_parameter(each) for each in given or ()]


def _parameter(given: Mapping[str, Any]) -> Message:
    space = given.get("feasibleSpace") or {}
    kind = str(given.get("parameterType") or "")
    return {
        "name": str(given.get("name") or ""),
        "parameter_type": _place(api.TYPES, kind.upper(), 0),
        "feasible_space": {
            **{name: str(space.get(name) or "") for name in ("max", "min", "step")},
            "list": [str(each) for each in space.get("list") or ()],
            "distribution": _place(_DISTRIBUTIONS, space.get("distribution"), 0),
        },
    }


def _nas(given: Mapping[str, Any]) -> Message:
    graph = given.get("graphConfig") or {}
    return {
        "graph_config": {
            "num_layers": graph.get("numLayers") or 0,
            "input_sizes": list(graph.get("inputSizes") or ()),
            "output_sizes": list(graph.get("outputSizes") or ()),
        },
        "operations": {
            "operation": [
                {
                    "operation_type": str(each.get("operationType") or ""),
                    "parameter_specs": {"parameters": _parameters(each.get("parameters"))},
                }
                for each in given.get("operations") or ()
            ]
        },
    }


def rule(found: Found) -> Message:
    return {
        "name": found.name,
        "value": found.value,
        "comparison": _place(_COMPARISONS, found.comparison, 0) or 1,
        "start_step": found.start_step,
    }


def _place(names: Sequence[str], name: Any, otherwise: int) -> int:
    return names.index(name) if name in names else otherwise


# -- and back -------------------------------------------------------------------------------------
def rules_of(listed: Iterable[Message]) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            name=get(each, "name"),
            value=get(each, "value"),
            comparison=_named(_COMPARISONS, get(each, "comparison", default=0)) or "equal",
            startStep=get(each, "start_step", default=0),
        )
        for each in listed
    )


def settings_of(given: Message) -> dict[str, str]:
    listed = get(given, "algorithm_settings", default=())
    return {get(each, "name"): get(each, "value") for each in listed}


def algorithm_of(given: Message) -> dict[str, Any]:
    settings = [{"name": name, "value": value} for name, value in settings_of(given).items()]
    return {"algorithmName": get(given, "algorithm_name"), "algorithmSettings": settings}


def experiment_of(message: Message) -> Manifest:
    """Enough of an Experiment to search by. Its name stands for its uid."""
    spec = get(message, "spec", default={})
    name = get(message, "name")
    stopping = algorithm_of(get(spec, "early_stopping", default={}))
    return {
        "metadata": {"name": name, "uid": name},
        "spec": {
            "parameters": _parameters_of(get(spec, "parameter_specs", default={})),
            "objective": _objective_of(get(spec, "objective", default={})),
            "algorithm": algorithm_of(get(spec, "algorithm", default={})),
            **({"earlyStopping": stopping} if stopping["algorithmName"] else {}),
            "parallelTrialCount": get(spec, "parallel_trial_count", default=0) or None,
            "maxTrialCount": get(spec, "max_trial_count", default=0) or None,
            **({"nasConfig": _nas_of(spec["nas_config"])} if "nas_config" in spec else {}),
        },
    }


def trials_of(listed: Iterable[Message], asked: Question) -> tuple[Trial, ...]:
    return tuple(_trial_of(each, asked) for each in listed)


def _trial_of(message: Message, asked: Question) -> Trial:
    """With the value that was sent, whatever the strategy: who sent it has taken that."""
    spec, status = get(message, "spec", default={}), get(message, "status", default={})
    condition = _named(_CONDITIONS, get(status, "condition", default=0))
    metrics = [
        {"name": get(each, "name"), **dict.fromkeys(("min", "max", "latest"), get(each, "value"))}
        for each in get(status, "observation", "metrics", default=())
    ]
    suggested = {
        "name": get(message, "name"),
        "parameterAssignments": get(spec, "parameter_assignments", "assignments", default=()),
        "labels": get(spec, "labels", default={}),
    }
    made = {
        "metadata": {"name": get(message, "name")},
        "status": {
            "startTime": get(status, "start_time") or None,
            "completionTime": get(status, "completion_time") or None,
            "conditions": [{"type": condition, "status": "True"}],
            "observation": {"metrics": metrics},
        },
    }
    return problems.trial(suggested, made, asked)


def _objective_of(given: Message) -> dict[str, Any]:
    return {
        "type": _named(_OBJECTIVES, get(given, "type", default=0)),
        "goal": given.get("goal"),
        "objectiveMetricName": get(given, "objective_metric_name"),
        "additionalMetricNames": get(given, "additional_metric_names", default=()),
    }


def _parameters_of(given: Message) -> list[dict[str, Any]]:
    return [_parameter_of(each) for each in get(given, "parameters", default=())]


def _parameter_of(given: Message) -> dict[str, Any]:
    space = get(given, "feasible_space", default={})
    kind = _named(api.TYPES, get(given, "parameter_type", default=0))
    return {
        "name": get(given, "name"),
        "parameterType": kind.lower() if kind in api.TYPES[1:] else "unknown",
        "feasibleSpace": {
            **{name: get(space, name) for name in ("max", "min", "step")},
            "list": get(space, "list", default=()),
            "distribution": _named(_DISTRIBUTIONS, get(space, "distribution", default=0)),
        },
    }


def _nas_of(given: Message) -> dict[str, Any]:
    graph = get(given, "graph_config", default={})
    return {
        "graphConfig": {
            "numLayers": get(graph, "num_layers", default=0),
            "inputSizes": get(graph, "input_sizes", default=()),
            "outputSizes": get(graph, "output_sizes", default=()),
        },
        "operations": [
            {
                "operationType": get(each, "operation_type"),
                "parameters": _parameters_of(get(each, "parameter_specs", default={})),
            }
            for each in get(given, "operations", "operation", default=())
        ],
    }


def _named(names: Sequence[str], number: int) -> str:
    return names[number] if 0 <= number < len(names) else ""
