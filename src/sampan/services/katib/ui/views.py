"""What is shown of experiments and trials. Pure.

Tables are texts of lines and commas, without quotes, as the interface reads them: a value with a
comma in it makes a line longer.
Upstream: pkg/ui/v1beta1/{hp,util}.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sampan.kube import meta
from sampan.kube.conditions import is_true
from sampan.kube.keys import Manifest
from sampan.records.katib.log import Entry, written
from sampan.records.katib.summary import number

_PIPELINE_RUN = "kubeflow-kale.org/kfp-run-uuid"
_SHOWN = ("Succeeded", "EarlyStopped")
"""Trials of which there are metrics."""
_SECOND = len("2006-01-02T15:04:05")


def experiment(manifest: Manifest) -> dict[str, Any]:
    """A row of the list."""
    status = manifest.get("status") or {}
    return {
        **status,
        "name": meta.name_of(manifest),
        "namespace": meta.namespace_of(manifest),
        "type": "nas" if (manifest.get("spec") or {}).get("nasConfig") else "hp",
        "status": _last(status),
    }


def trials(of: Manifest, listed: Sequence[Manifest]) -> str:
    """The trials of an Experiment: what each was given, and the best that came of it."""
    spec = of.get("spec") or {}
    objective = spec.get("objective") or {}
    metrics = _metrics(objective)
    parameters = [str(each.get("name")) for each in spec.get("parameters") or ()]
    runs = [meta.annotations_of(each).get(_PIPELINE_RUN, "") for each in listed]
    head = ["Status", "trialName", *metrics, *parameters, *(["KFP Run"] if any(runs) else [])]
    lines = [head]
    for trial, run in zip(listed, runs, strict=True):
        status = trial.get("status") or {}
        seen = _best(status, objective)
        given = {
            each.get("name"): str(each.get("value", ""))
            for each in (trial.get("spec") or {}).get("parameterAssignments") or ()
        }
        lines.append(
            [
                _last(status),
                meta.name_of(trial),
                *(seen.get(name, "") for name in metrics),
                *(given.get(name, "") for name in parameters),
                *([run] if any(runs) else []),
            ]
        )
    return "\n".join(",".join(line) for line in lines)


def log(trial: Manifest, entries: Iterable[Entry]) -> str:
    """The metrics of a Trial by second, the best of each. What is no number is left out; upstream
    fails of it."""
    maximize = ((trial.get("spec") or {}).get("objective") or {}).get("type") == "maximize"
    rows: dict[tuple[str, str], tuple[float, str]] = {}
    for entry in entries:
        value = number(entry.value)
        if value is None:
            continue
        key = entry.metric, written(entry.time)[:_SECOND]
        known = rows.get(key)
        if known is None or (value > known[0] if maximize else value < known[0]):
            rows[key] = value, entry.value
    lines = ["metricName,time,value"]
    lines += [f"{name},{time},{text}" for (name, time), (_, text) in rows.items()]
    return "\n".join(lines) + "\n"


def pod_of(pods: Sequence[Manifest]) -> Manifest | None:
    """Whose log is shown: one that runs or has succeeded, else one that has failed."""
    for phases in (("Succeeded", "Running"), ("Failed",)):
        for pod in pods:
            if (pod.get("status") or {}).get("phase") in phases:
                return pod
    return None


def _best(status: Mapping[str, Any], objective: Mapping[str, Any]) -> dict[str, str]:
    if not any(is_true(status.get("conditions"), each) for each in _SHOWN):
        return {}
    how = "max" if objective.get("type") == "maximize" else "min"
    found = {}
    for metric in (status.get("observation") or {}).get("metrics") or ():
        best = metric.get(how)
        text = metric.get("latest") if best in (None, "unavailable") else best
        found[str(metric.get("name"))] = str(text or "")
    return found


def _metrics(objective: Mapping[str, Any]) -> list[str]:
    more = objective.get("additionalMetricNames") or ()
    return [str(objective.get("objectiveMetricName") or ""), *map(str, more)]


def _last(status: Mapping[str, Any]) -> str:
    conditions = status.get("conditions") or ()
    return str(conditions[-1].get("type") or "") if conditions else ""
