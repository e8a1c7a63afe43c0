"""What tags stand for, apart from a template's own inputs: the catalogue of variables.

Every function answers with names, as they stand in tags, and values. Upstream: argo-workflows
util/variables/keys, docs/variables.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sampan.kinds.workflows.language.arguments import (
    Arguments,
    ConfigMaps,
    compact,
    default_of,
    stringified,
    text,
    value_of,
)
from sampan.kinds.workflows.language.faults import Missing, NotFound
from sampan.kube import names
from sampan.kube.keys import Manifest
from sampan.kube.times import parse

_LETTERS = "aAbBdHImMpSyYzZ"


def of_workflow(manifest: Manifest, spec: Mapping[str, Any], maps: ConfigMaps) -> dict[str, Any]:
    """`workflow.…` in every template. spec: the one that is run. Raises Missing."""
    meta = manifest["metadata"]
    found: dict[str, Any] = {
        "workflow.name": meta["name"],
        "workflow.namespace": meta.get("namespace") or "",
        "workflow.uid": meta.get("uid") or "",
        "workflow.mainEntrypoint": spec.get("entrypoint") or "",
        "workflow.serviceAccountName": spec.get("serviceAccountName") or "",
    }
    if created := meta.get("creationTimestamp"):
        found |= _moment("workflow.creationTimestamp", parse(created))
    if spec.get("priority") is not None:
        found["workflow.priority"] = str(spec["priority"])
    if scheduled := (meta.get("annotations") or {}).get(names.ANNOTATION_SCHEDULED_TIME):
        found["workflow.scheduledTime"] = scheduled
    found |= _metadata(meta, spec.get("workflowMetadata") or {})
    return found | _parameters(spec, maps) | of_outputs(manifest.get("status") or {})


def _metadata(meta: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Labels and annotations; one that an expression is going to set is not known before."""
    found: dict[str, Any] = {}
    for field in ("labels", "annotations"):
        pairs = meta.get(field) or {}
        later = (given.get("labelsFrom") or {}) if field == "labels" else {}
        every = {**pairs, **(given.get(field) or {})}
        found |= {
            f"workflow.{field}.{k}": v for k, v in every.items() if k not in later or k in pairs
        }
        found[f"workflow.{field}"] = found[f"workflow.{field}.json"] = compact(pairs)
    return found


def _parameters(spec: Mapping[str, Any], maps: ConfigMaps) -> dict[str, Any]:
    listed = (spec.get("arguments") or {}).get("parameters") or ()
    found = {f"workflow.parameters.{each['name']}": _value(each, maps) for each in listed}
    shown = [stringified(each) for each in listed]
    found["workflow.parameters"] = found["workflow.parameters.json"] = compact(shown)
    return found


def _value(parameter: Mapping[str, Any], maps: ConfigMaps) -> str:
    """The value of an argument of the workflow. Raises Missing."""
    if (value := default_of(parameter)) is not None:
        return value
    name, source = parameter["name"], (parameter.get("valueFrom") or {})
    if (key := source.get("configMapKeyRef")) is None:
        if source.get("default") is not None:
            return text(source["default"])
        why = "either value or valueFrom must be specified in order to set global parameter"
        raise Missing(f"{why} {name}")
    try:
        return value_of(maps, key["name"], key["key"])
    except Missing as missing:
        if source.get("default") is not None and isinstance(missing, NotFound):
            return text(source["default"])
        where = f"with name {key['name']} and key {key['key']}"
        why = f"failed to set global parameter {name} from configmap {where}: {missing}"
        raise Missing(why) from missing


def of_run(status: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """How the workflow stands. `workflow.status` is told anew when it is over."""
    began = status.get("startedAt")
    seconds = (now - parse(began)).total_seconds() if began else 0.0
    phase = status.get("phase") or "Running"
    return {"workflow.status": phase, "workflow.duration": f"{seconds:f}"}


def arguments_of(spec: Mapping[str, Any], known: Mapping[str, Any]) -> Arguments:
    """What the entry template is given: the workflow's own arguments, each with its value."""
    own = spec.get("arguments") or {}
    parameters = [
        {"name": each["name"], "value": known[f"workflow.parameters.{each['name']}"]}
        for each in own.get("parameters") or ()
    ]
    found = {"parameters": parameters, "artifacts": list(own.get("artifacts") or ())}
    return {field: listed for field, listed in found.items() if listed}


def of_outputs(status: Mapping[str, Any]) -> dict[str, Any]:
    """`workflow.outputs.…`: what templates gave a globalName."""
    outputs = status.get("outputs") or {}
    found: dict[str, Any] = {
        f"workflow.outputs.parameters.{each['name']}": text(each["value"])
        for each in outputs.get("parameters") or ()
        if each.get("value") is not None
    }
    for each in outputs.get("artifacts") or ():
        found[f"workflow.outputs.artifacts.{each['name']}"] = each
    return found


def _moment(name: str, moment: datetime) -> dict[str, str]:
    """A time, whole and by the letters of strftime."""
    letters = {f"{name}.{each}": moment.strftime(f"%{each}") for each in _LETTERS}
    letters[f"{name}.L"] = ".000"  # upstream's milliseconds, of which these moments have none
    whole = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    return {
        **letters,
        f"{name}.Z": "UTC",
        f"{name}.L": f".{moment.microsecond // 1000:03d}",
        name: whole,
        f"{name}.s": str(int(moment.timestamp())),
        f"{name}.RFC3339": whole,
    }
