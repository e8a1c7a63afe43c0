"""The CRD: upstream's fields, defaults and rules, which the API server checks.

Upstream: pkg/apis/trainer/v1alpha1/optimizationjob_types.go.
"""

from __future__ import annotations

from typing import Any

from sampan.kube import custom, names
from sampan.kube.keys import Manifest

Schema = dict[str, Any]
_NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
_BELOW = ("double(self.min) < double(self.max)", "min must be strictly less than max")
_ABOVE_NOTHING = ("double(self.min) > 0.0", "min must be strictly greater than 0")
_SPEC_RULES = (
    ("self == oldSelf", "OptimizationJobSpec is immutable and cannot be updated after creation"),
    ("self.parallelTrials <= self.numTrials", "parallelTrials cannot exceed numTrials"),
    (
        "!has(self.searchAlgorithm.grid) || self.parameters.all(p, has(p.searchSpace.categorical))",
        "Grid search requires all parameters to be Categorical; Uniform and LogUniform are not "
        "supported.",
    ),
)
_TEMPLATE_RULE = (
    "!has(self.name) && !has(self.namespace)",
    "name and namespace cannot be set in a template.",
)


def load() -> Manifest:
    spec, status = {"spec": _spec(), "status": _status()}, ["spec"]
    schema = {"type": "object", "properties": spec, "required": status}
    return custom.crd(names.OPTIMIZATION_JOB, "v1alpha1", schema)


def _spec() -> Schema:
    objective = _object(
        {
            "metric": _text(64),
            "direction": {"enum": ["Maximize", "Minimize"], "default": "Minimize", **_text()},
        },
        "metric",
    )
    parameter = _object({"name": _text(64), "searchSpace": _space()}, "name", "searchSpace")
    algorithm = {
        **_one_of({"random": _object({"seed": _integer("int64")}), "grid": _object({})}),
        "default": {"random": {}},
    }
    count = {**_integer("int32"), "minimum": 1, "maximum": 100, "default": 1}
    properties = {
        "objectives": _listed(objective, "metric", 1),
        "searchAlgorithm": algorithm,
        "parameters": _listed(parameter, "name", 100),
        "numTrials": count,
        "parallelTrials": count,
        "trainJobTemplate": _template(),
    }
    whole = _object(properties, "objectives", "parameters", "trainJobTemplate")
    return {**whole, **_rules(*_SPEC_RULES)}


def _space() -> Schema:
    choices = {
        "type": "array", "items": {"type": "string", "maxLength": 64}, "minItems": 1,
        "maxItems": 100, "x-kubernetes-list-type": "set",
    }  # fmt: skip
    return _one_of(
        {
            "uniform": {**_range(), **_rules(_BELOW)},
            "logUniform": {**_range(), **_rules(_ABOVE_NOTHING, _BELOW)},
            "categorical": _object({"choices": choices}, "choices"),
        }
    )


def _range() -> Schema:
    number = {**_text(64), "pattern": _NUMBER}
    kind = {**_text(), "enum": ["Int", "Float"], "default": "Float"}
    return _object({"min": number, "max": number, "type": kind}, "min", "max")


def _template() -> Schema:
    """What a TrainJob may say is known to its own kind."""
    open_ = {"x-kubernetes-preserve-unknown-fields": True}
    metadata = _object({"name": {"type": "string"}, "namespace": {"type": "string"}})
    return _object(
        {
            "metadata": {**metadata, **open_, **_rules(_TEMPLATE_RULE)},
            "spec": {"type": "object", **open_},
        },
        "spec",
    )


def _status() -> Schema:
    return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def _object(properties: Schema, *required: str) -> Schema:
    found: Schema = {"type": "object", "properties": properties}
    return {**found, "required": list(required)} if required else found


def _one_of(properties: Schema) -> Schema:
    given = ",".join(f"has(self.{name})" for name in properties)
    rule = f"[{given}].filter(x,x==true).size() == 1"
    message = f"exactly one of the fields in [{' '.join(properties)}] must be set"
    return {**_object(properties), **_rules((rule, message))}


def _listed(item: Schema, key: str, most: int) -> Schema:
    return {
        "type": "array", "items": item, "minItems": 1, "maxItems": most,
        "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key],
    }  # fmt: skip


def _text(most: int = 0) -> Schema:
    return {"type": "string", **({"minLength": 1, "maxLength": most} if most else {})}


def _integer(format: str) -> Schema:
    return {"type": "integer", "format": format}


def _rules(*rules: tuple[str, str]) -> Schema:
    found = [{"rule": rule, "message": message} for rule, message in rules]
    return {"x-kubernetes-validations": found}
