"""Joining specs: what a workflow says goes before what its template says, and that before defaults.

Lists of templates, volumes, parameters, … merge by name, others replace each other. Two things do
not merge: hooks and labelsFrom of one name are taken whole, and `suspend` is the workflow's own.
Upstream: argo-workflows workflow/util/merge.go, workflow/controller/operator.go
mergedTemplateDefaultsInto.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kube.strategic import Table, strategic

Spec = dict[str, Any]

_LISTS = Table({
    "templates": "name", "volumes": "name", "initContainers": "name", "sidecars": "name",
    "tasks": "name", "parameters": "name", "artifacts": "name", "imagePullSecrets": "name",
    "tolerations": "key", "hostAliases": "ip", "env": "name", "volumeMounts": "mountPath",
    "volumeDevices": "devicePath", "ports": "containerPort",
})  # fmt: skip
"""Lists that merge, and the fields that tell their items apart."""
TYPES = (
    "container", "containerSet", "script", "steps", "dag", "resource", "suspend", "data", "http",
    "plugin",
)  # fmt: skip
"""What a template may be, by the field that says so."""


def joined(own: Mapping[str, Any], *below: Mapping[str, Any] | None) -> Spec:
    """The spec of a workflow over that of its template and the defaults, in this order."""
    layers = [own, *(each or {} for each in below)]
    spec = dict(own)
    for layer in layers[1:]:
        spec = _over(layer, spec)
    spec.pop("suspend", None)
    if own.get("suspend") is not None:
        spec["suspend"] = own["suspend"]
    arguments = spec.get("arguments") or {}
    for field, chosen in (("parameters", _parameter), ("artifacts", _artifact)):
        if listed := arguments.get(field):
            above = [_named(layer, field) for layer in layers[:2]]
            arguments = {**arguments, field: [chosen(each, above) for each in listed]}
            spec["arguments"] = arguments
    return spec


def defaulted(spec: Mapping[str, Any], defaults: Mapping[str, Any]) -> Spec:
    """The spec over the defaults, where there is no template."""
    return _over(defaults, spec)


def template(own: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """A template over `templateDefaults`, of which only the parts for its type count."""
    kinds = {field for field in TYPES if own.get(field) is not None}
    fitting = {k: v for k, v in defaults.items() if k not in TYPES or k in kinds}
    return _merged(fitting, own)


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> Spec:
    lower, upper = _apart(below), _apart(above)
    spec = _merged(lower[0], upper[0])
    if hooks := {**lower[1], **upper[1]}:
        spec["hooks"] = hooks
    if labels := {**lower[2], **upper[2]}:
        spec["workflowMetadata"] = {**(spec.get("workflowMetadata") or {}), "labelsFrom": labels}
    return spec


def _apart(spec: Mapping[str, Any]) -> tuple[Spec, Spec, Spec]:
    """The spec without what does not merge, its hooks, its labelsFrom."""
    rest = {key: value for key, value in spec.items() if key not in ("hooks", "workflowMetadata")}
    about = dict(spec.get("workflowMetadata") or {})
    labels = about.pop("labelsFrom", None) or {}
    return {**rest, "workflowMetadata": about} if about else rest, spec.get("hooks") or {}, labels


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Empty values above say nothing, as Go leaves them out."""
    said = {key: value for key, value in above.items() if value not in (None, "", [])}
    merged: dict[str, Any] = strategic(dict(below), said, _LISTS)
    return merged


def _named(spec: Mapping[str, Any], field: str) -> dict[str, Any]:
    listed = (spec.get("arguments") or {}).get(field) or ()
    return {each["name"]: each for each in listed}


def _parameter(merged: dict[str, Any], above: list[dict[str, Any]]) -> dict[str, Any]:
    """One that has a value is that of the highest layer which gives it one, whole."""
    if _valued(merged):
        for layer in above:
            found: dict[str, Any] | None = layer.get(merged["name"])
            if found is not None and _valued(found):
                return found
    return merged


def _valued(parameter: Mapping[str, Any]) -> bool:
    return any(parameter.get(field) is not None for field in ("value", "default", "valueFrom"))


_LOCATIONS = (
    "s3", "git", "http", "artifactory", "hdfs", "raw", "oss", "gcs", "azure", "plugin",
)  # fmt: skip


def _artifact(merged: dict[str, Any], above: list[dict[str, Any]]) -> dict[str, Any]:
    """That of the highest layer; fields of the same kind of place come from below."""
    for layer in above:
        found: dict[str, Any] | None = layer.get(merged["name"])
        if found is None:
            continue
        place = next((each for each in _LOCATIONS if found.get(each)), "")
        if place and merged.get(place):
            return {**found, place: strategic(merged[place], found[place], _LISTS)}
        return found
    return merged
