"""An Experiment and what was tried of it, as `lib.search` reads them. Pure.

What can be no number is left out, or refused by the algorithm that needs it: admission has read
both before.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sampan.kube import meta, names
from sampan.kube.keys import Manifest
from sampan.kube.times import parse
from sampan.lib.search import checkpoints
from sampan.lib.search.problem import (
    Architecture,
    Objective,
    Operation,
    Parameter,
    Problem,
    State,
    Trial,
)

_STATES: Sequence[tuple[str, State]] = (
    ("Succeeded", "succeeded"),
    ("EarlyStopped", "stopped"),
    ("MetricsUnavailable", "unavailable"),
    ("Failed", "failed"),
    ("Killed", "failed"),
    ("Running", "running"),
)
_SEED_BITS = 32
_PREFIXES = checkpoints.LABELS, names.POPULATION_PREFIX


def problem(experiment: Manifest, told: Mapping[str, str]) -> Problem:
    """`told`: what the algorithm answered last, which overlays the settings."""
    spec = experiment.get("spec") or {}
    return Problem(
        name=meta.name_of(experiment),
        parameters=_parameters(spec.get("parameters")),
        objectives=(_objective(spec.get("objective") or {}),),
        settings={**settings(spec.get("algorithm")), **told},
        seed=seed(meta.uid_of(experiment)),
        max_trials=spec.get("maxTrialCount"),
        parallel=spec.get("parallelTrialCount") or 1,
        architecture=_architecture(spec.get("nasConfig")),
    )


def settings(algorithm: Mapping[str, Any] | None) -> dict[str, str]:
    """Of an algorithm, or of early stopping."""
    listed = (algorithm or {}).get("algorithmSettings") or ()
    return {str(each.get("name")): str(each.get("value") or "") for each in listed}


def seed(uid: str) -> int:
    """Another one for each experiment, the same one after a restart."""
    return int.from_bytes(hashlib.sha256(uid.encode()).digest()[: _SEED_BITS // 8])


def _parameters(given: Iterable[Mapping[str, Any]] | None) -> tuple[Parameter, ...]:
    return tuple(_parameter(each) for each in given or ())


def _parameter(given: Mapping[str, Any]) -> Parameter:
    space = given.get("feasibleSpace") or {}
    return Parameter(
        name=str(given.get("name") or ""),
        kind=given.get("parameterType") or "double",
        min=number(space.get("min")),
        max=number(space.get("max")),
        step=number(space.get("step")),
        choices=tuple(map(str, space.get("list") or ())),
        distribution=space.get("distribution") or "uniform",
    )


def _objective(given: Mapping[str, Any]) -> Objective:
    return Objective(
        metric=given.get("objectiveMetricName") or "",
        minimize=given.get("type") == "minimize",
        goal=given.get("goal"),
    )


def _architecture(given: Mapping[str, Any] | None) -> Architecture | None:
    if not given:
        return None
    graph = given.get("graphConfig") or {}
    return Architecture(
        layers=graph.get("numLayers") or 0,
        inputs=tuple(graph.get("inputSizes") or ()),
        outputs=tuple(graph.get("outputSizes") or ()),
        operations=tuple(
            Operation(
                kind=str(each.get("operationType") or ""),
                parameters=_parameters(each.get("parameters")),
            )
            for each in given.get("operations") or ()
        ),
    )


def number(text: Any) -> float | None:
    """A finite number, or None."""
    try:
        found = float(text)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def trial(
    suggested: Mapping[str, Any], made: Manifest | None, objective: Mapping[str, Any]
) -> Trial:
    """`made`: None while there is no such trial."""
    listed = suggested.get("parameterAssignments") or ()
    status = (made or {}).get("status") or {}
    since, until = (_at(status.get(each)) for each in ("startTime", "completionTime"))
    return Trial(
        name=str(suggested.get("name")),
        assignments={str(each["name"]): str(each.get("value", "")) for each in listed},
        state=_state(made),
        values=(value(made, objective),),
        labels=heard(suggested.get("labels") or {}),
        since=since,
        seconds=max(0.0, until - since) if since and until else 0.0,
    )


def _at(time: str | None) -> float:
    return parse(time).timestamp() if time else 0.0


def reports(values: Sequence[str]) -> tuple[tuple[float, float], ...]:
    """Those that are numbers, each with its place among all, counted from 1."""
    found = ((float(place), number(each)) for place, each in enumerate(values, 1))
    return tuple((place, each) for place, each in found if each is not None)


def _state(made: Manifest | None) -> State:
    conditions = ((made or {}).get("status") or {}).get("conditions") or ()
    true = {each.get("type") for each in conditions if each.get("status") == "True"}
    return next((state for name, state in _STATES if name in true), "created")


def value(trial: Manifest | None, objective: Mapping[str, Any]) -> float | None:
    """The objective as its metricStrategy takes it; None where there is no number."""
    observation = ((trial or {}).get("status") or {}).get("observation") or {}
    name = objective.get("objectiveMetricName")
    for metric in observation.get("metrics") or ():
        if metric.get("name") == name:
            return number(metric.get(_strategy(objective)))
    return None


def _strategy(objective: Mapping[str, Any]) -> str:
    for each in objective.get("metricStrategies") or ():
        if each.get("name") == objective.get("objectiveMetricName"):
            return str(each.get("value"))
    return "min" if objective.get("type") == "minimize" else "max"


def told(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels of a trial, with the prefix that upstream's have where an algorithm has one for us."""
    ours, theirs = _PREFIXES
    return {
        theirs + name.removeprefix(ours) if name.startswith(ours) else name: value
        for name, value in labels.items()
    }


def heard(labels: Mapping[str, str]) -> dict[str, str]:
    """The reverse of `told`."""
    ours, theirs = _PREFIXES
    return {
        ours + name.removeprefix(theirs) if name.startswith(theirs) else name: value
        for name, value in labels.items()
    }
