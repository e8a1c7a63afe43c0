"""What was reported of a Trial, as its status has it, and whether that will do.

Each metric that the Trial asks for is there; those that were not reported are "unavailable".
Upstream: pkg/controller.v1beta1/trial/trial_controller_util.go getMetrics.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from sampan.kinds.katib import phases
from sampan.kube.katib import UNAVAILABLE
from sampan.kube.searching import Metric, ObservationAnswer


def of(objective: Mapping[str, Any], answer: ObservationAnswer) -> dict[str, Any]:
    """`status.observation`."""
    known = {metric.name: metric for metric in answer.metrics}
    asked = [str(each.get("name")) for each in objective.get("metricStrategies") or ()]
    return {
        "metrics": [
            msgspec.to_builtins(known.get(name) or _nothing(name)) for name in dict.fromkeys(asked)
        ]
    }


def _nothing(name: str) -> Metric:
    return Metric(name=name, min=UNAVAILABLE, max=UNAVAILABLE, latest=UNAVAILABLE)


def told_by(job: Mapping[str, Any] | None) -> ObservationAnswer:
    """What the object says of its metrics itself, as TrainJobs do: the latest value of each."""
    progress = ((job or {}).get("status") or {}).get("trainerStatus") or {}
    listed = (
        (str(each.get("name")), str(each.get("value"))) for each in progress.get("metrics") or ()
    )
    return ObservationAnswer(
        metrics=tuple(Metric(name=name, min=text, max=text, latest=text) for name, text in listed)
    )


def silence(spec: Mapping[str, Any]) -> str:
    """Who would have had to report, where nobody did."""
    collector = (spec.get("metricsCollector") or {}).get("collector") or {}
    if collector.get("kind") == "Push":
        return "the program has reported nothing"
    if collector.get("kind") == "Custom":
        own = (collector.get("customCollector") or {}).get("name")
        return f"container {own} has reported nothing"
    labels = spec.get("primaryPodLabels") or {}
    said = ", ".join(f"{name}={value}" for name, value in labels.items())
    return f"no pod with labels {said} was read" if said else "no pod was read"


def fault(
    objective: Mapping[str, Any], observation: Mapping[str, Any], why: str, silence: str = ""
) -> str:
    """Why the observation makes no success; "" when it does. `why`: what was looked for."""
    value = phases.value_of(objective, observation)
    if phases.is_usable(value):
        return ""
    name = objective.get("objectiveMetricName")
    if value == UNAVAILABLE:
        return why or f"{name} was not reported{f': {silence}' if silence else ''}"
    return why or f'{name} is "{value}", which is no number to compare'
