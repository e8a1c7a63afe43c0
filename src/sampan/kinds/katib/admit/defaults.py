"""Defaults of an Experiment. Each one is written into the object, so that clients see it.

What has another type than it should is left as it is, for validation to tell of.
Upstream: pkg/apis/controller/experiments/v1beta1/{experiment_defaults,constants}.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampan.kinds.katib.extensions import question
from sampan.kube import names
from sampan.kube.keys import Manifest

_PARALLEL = 3
_RESUME = "Never"
_CONDITION = 'status.conditions.#(type=="{}")#|#(status=="True")#'
_MASTER = {names.LABEL_JOB_ROLE: "master"}
_NODE = {
    "jobset.sigs.k8s.io/replicatedjob-name": "node",
    "batch.kubernetes.io/job-completion-index": "0",
}
_KINDS: dict[str, tuple[str, dict[str, str]]] = {
    "Job": ("Complete", {}),
    "TrainJob": ("Complete", _NODE),
    **dict.fromkeys(("TFJob", "PyTorchJob", "XGBoostJob", "MPIJob"), ("Succeeded", _MASTER)),
}
"""By the kind of a trial's object: the condition of success, and what the primary pod wears."""
_PATHS: dict[str, dict[str, str]] = {
    "File": {"kind": "File", "path": "/var/log/katib/metrics.log", "format": "TEXT"},
    "TensorFlowEvent": {"kind": "Directory", "path": "/var/log/katib/tfevent/"},
}
_STRATEGY = {"minimize": "min", "maximize": "max"}


def fill(experiment: Manifest) -> None:
    """In place."""
    spec = experiment.get("spec")
    spec = experiment["spec"] = {} if spec is None else spec
    if not isinstance(spec, dict):
        return
    if spec.get("parallelTrialCount") is None:
        spec["parallelTrialCount"] = _PARALLEL
    if not spec.get("resumePolicy"):
        spec["resumePolicy"] = _RESUME
    for space in _spaces(spec):
        _fill_space(space)
    if isinstance(spec.get("objective"), dict):
        _fill_objective(spec["objective"], _own(spec.get("algorithm")))
    if isinstance(spec.get("trialTemplate"), dict):
        _fill_template(spec["trialTemplate"])
    _fill_collector(spec)


def _spaces(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    listed = spec.get("parameters")
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict):
            space = each.get("feasibleSpace")
            space = each["feasibleSpace"] = {} if space is None else space
            if isinstance(space, dict):
                yield space


def _fill_space(space: dict[str, Any]) -> None:
    """Upstream's SDK writes the choices of `search.categorical` into `distribution`
    (kubeflow/katib#2625); it is meant what was written."""
    if isinstance(space.get("distribution"), list) and not space.get("list"):
        space["list"] = space.pop("distribution")
    if not space.get("distribution"):
        space["distribution"] = "uniform"


def _own(algorithm: Any) -> dict[Any, str]:
    """How values become one of metrics that the algorithm's settings speak of: the best of other
    objectives, and the last of what is constrained."""
    try:
        found = question.of({"algorithm": algorithm})
    except (AttributeError, TypeError, ValueError):
        return {}  # what is wrong is told by validation
    constrained: dict[Any, str] = {each.metric: "latest" for each in found.constraints}
    more = found.objectives if found.several else ()
    return constrained | {each.metric: "min" if each.minimize else "max" for each in more}


def _fill_objective(objective: dict[str, Any], own: dict[Any, str]) -> None:
    given = objective.get("metricStrategies")
    given = [] if given is None else given
    metrics = [objective.get("objectiveMetricName"), *_listed(objective, "additionalMetricNames")]
    if not isinstance(given, list):
        return
    known = {each.get("name") for each in given if isinstance(each, dict)}
    value = _STRATEGY.get(str(objective.get("type")), "latest")
    usual = {name: own.get(name, value) for name in metrics[1:]}
    usual = {metrics[0]: value} | usual
    more = [{"name": name, "value": how} for name, how in usual.items() if name not in known]
    objective["metricStrategies"] = [*given, *more]


def _listed(parent: dict[str, Any], field: str) -> list[Any]:
    value = parent.get(field)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _fill_template(template: dict[str, Any]) -> None:
    trial = template.get("trialSpec")
    known = _KINDS.get(str(trial.get("kind"))) if isinstance(trial, dict) else None
    if known is None:
        return
    success, labels = known
    if not template.get("successCondition"):
        template["successCondition"] = _CONDITION.format(success)
    if not template.get("failureCondition"):
        template["failureCondition"] = _CONDITION.format("Failed")
    if labels and not template.get("primaryPodLabels"):
        template["primaryPodLabels"] = dict(labels)


def _fill_collector(spec: dict[str, Any]) -> None:
    given = spec.get("metricsCollectorSpec")
    given = spec["metricsCollectorSpec"] = {} if given is None else given
    if not isinstance(given, dict):
        return
    if given.get("collector") is None:
        given["collector"] = {"kind": "StdOut"}
    kind = given["collector"].get("kind") if isinstance(given["collector"], dict) else None
    if kind in _PATHS:
        _fill_part(given, "fileSystemPath", _PATHS[kind])
    elif kind == "PrometheusMetric":
        _fill_part(given, "httpGet", {"path": "/metrics", "port": 8080})


def _fill_part(collector: dict[str, Any], field: str, defaults: dict[str, Any]) -> None:
    """Fields of a part of `source` that are not given."""
    source = collector.get("source")
    source = collector["source"] = {} if source is None else source
    if not isinstance(source, dict):
        return
    part = source.get(field)
    part = source[field] = {} if part is None else part
    if isinstance(part, dict):
        part |= {name: value for name, value in defaults.items() if not part.get(name)}
