"""Schemas of OpenAPI v3, put into v2 as kubectl can read it.

Logic (allOf, oneOf, …) and null have no words in v2, and kubectl cannot cope with unknown fields
beside known ones: there a schema is left open, so that it refuses too little rather than too much.
kubectl reads all definitions or none; hence only what is well-formed is let through from a CRD.
Upstream: apiextensions-apiserver pkg/controller/openapi/v2, kube-openapi pkg/util/proto.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any

from sampan.apiserver.components import REFERENCE, Document

MAX_DEPTH = 100
"""Levels of a schema; what lies deeper is left open."""

_NUMBER, _COUNT = (int, float), (int,)
_KEPT: Mapping[str, tuple[type, ...]] = {
    "type": (str,), "format": (str,), "title": (str,), "description": (str,), "pattern": (str,),
    "default": (object,), "enum": (list,), "additionalProperties": (bool,),
    "multipleOf": _NUMBER, "maximum": _NUMBER, "minimum": _NUMBER,
    "exclusiveMaximum": (bool,), "exclusiveMinimum": (bool,), "uniqueItems": (bool,),
    "maxLength": _COUNT, "minLength": _COUNT, "maxItems": _COUNT, "minItems": _COUNT,
    "maxProperties": _COUNT, "minProperties": _COUNT,
}  # fmt: skip
_SCALAR = frozenset({"string", "integer", "number", "boolean"})
_BESIDE_REFERENCES = ("description", "default")
_EMBEDDED: Document = {"apiVersion": {}, "kind": {}, "metadata": {}}


def definitions(schemas: Mapping[str, Document]) -> Document:
    """The definitions of v2 for the components of v3."""
    return {name: _definition(body, schemas.keys()) for name, body in schemas.items()}


def reference(target: str) -> Document:
    """A reference to a definition, from one to a component."""
    return {"$ref": "#/definitions/" + target.removeprefix(REFERENCE)}


def _definition(body: Document, known: Set[str]) -> Document:
    if "oneOf" in body and "type" not in body:  # Quantity, IntOrString: as text or as a number
        return {"type": "string", **{key: body[key] for key in body if key == "format"}}
    return _schema(body, known, 0)


def _schema(schema: Mapping[str, Any], known: Set[str], depth: int) -> Document:
    if depth > MAX_DEPTH:
        return {}
    target = _target(schema)
    if target and target.removeprefix(REFERENCE) in known:
        return reference(target) | _beside(schema, _BESIDE_REFERENCES)
    if schema.get("nullable") or schema.get("x-kubernetes-preserve-unknown-fields"):
        return _beside(schema, ("description",))
    made: Document = {}
    for key, value in schema.items():
        if key in _KEPT:
            if isinstance(value, _KEPT[key]):
                made[key] = value
        elif key.startswith("x-"):
            made[key] = value
    if made.get("type") not in _SCALAR:
        _add_inner(made, schema, known, depth + 1)
    return made


def _add_inner(made: Document, schema: Mapping[str, Any], known: Set[str], depth: int) -> None:
    """Put in the schemas of items and properties, which lie this deep."""
    items, other = schema.get("items"), schema.get("additionalProperties")
    if isinstance(items, dict):
        made["items"] = _schema(items, known, depth)
    elif made.get("type") == "array":
        del made["type"]  # kubectl insists on one schema for the items of an array
    if isinstance(other, dict):
        made["additionalProperties"] = _schema(other, known, depth)
    if properties := _dicts(schema.get("properties")):
        made["properties"] = {
            name: _schema(inner, known, depth) for name, inner in properties.items()
        }
        if schema.get("x-kubernetes-embedded-resource"):
            made["properties"] = _EMBEDDED | made["properties"]
    if required := _required(schema.get("required") or (), properties):
        made["required"] = required


def _target(schema: Mapping[str, Any]) -> str:
    """Where a reference leads, which in v3 stands in allOf when something stands beside it."""
    if "$ref" not in schema and "allOf" not in schema:
        return ""
    parts = schema.get("allOf") or (schema,)
    target = parts[0].get("$ref")
    return target if isinstance(target, str) else ""


def _beside(schema: Mapping[str, Any], also: Iterable[str]) -> Document:
    return {key: value for key, value in schema.items() if key.startswith("x-") or key in also}


def _dicts(value: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(value, dict):
        return {}
    return {name: inner for name, inner in value.items() if isinstance(inner, dict)}


def _required(names: Iterable[Any], properties: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Without those that may be null, which kubectl takes for missing."""
    return [
        name
        for name in names
        if isinstance(name, str) and not properties.get(name, {}).get("nullable")
    ]
