"""The CEL types of a custom resource, from its OpenAPI schema, and its values as CEL wants them.

JSON has one kind of number and no times; a schema knows better. Most schemas need no conversion,
and then `converter` is None and the manifest is used as it is.
Upstream: k8s.io/apiserver pkg/cel/common/schemas.go, pkg/cel/escaping.go.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

from sampan.lib.cel.faults import EvaluationError
from sampan.lib.cel.standard import duration, timestamp
from sampan.lib.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    Type,
    list_of,
    map_of,
    object_of,
)

Schema = Mapping[str, Any]
Convert = Callable[[Any], Any]

_LARGEST = 3 << 20  # characters of a request

_RESERVED = frozenset({
    "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function",
    "if", "import", "let", "loop", "package", "namespace", "return",
})  # fmt: skip
_ESCAPES = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_SIGNS = re.compile(r"__|[./-]")
_IDENTIFIER = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_SCALARS = {"boolean": BOOL, "integer": INT, "number": DOUBLE}
_TEXTS = {"byte": BYTES, "duration": DURATION, "date": TIMESTAMP, "date-time": TIMESTAMP}
_META = object_of("metadata", {"name": ("name", STRING), "generateName": ("generateName", STRING)})


def escaped(name: str) -> str | None:
    """The name of a field as an expression writes it; None when it cannot be written."""
    if name in _RESERVED:
        return f"__{name}__"
    found = _SIGNS.sub(lambda sign: _ESCAPES[sign[0]], name)
    return found if _IDENTIFIER.fullmatch(found) else None


def type_of(schema: Schema, *, resource: bool = False) -> Type | None:
    """None for what an expression cannot see: fields of no type. `resource`: this is the root."""
    if schema.get("x-kubernetes-int-or-string"):
        return DYN
    kind = schema.get("type")
    if kind == "array":
        items = type_of(schema.get("items") or {})
        return None if items is None else list_of(items, most_items(schema))
    if kind == "string":
        return _TEXTS.get(schema.get("format") or "", STRING)
    if kind == "object" or resource:
        return _object(schema, resource=resource)
    return _SCALARS.get(kind or "")


def _object(schema: Schema, *, resource: bool) -> Type | None:
    other = schema.get("additionalProperties")
    if other and not schema.get("properties"):
        values = type_of(other) if isinstance(other, dict) else DYN
        return None if values is None else map_of(STRING, values, most_items(schema))
    fields: dict[str, tuple[str, Type]] = {}
    for name, inner in (schema.get("properties") or {}).items():
        found = type_of(inner)
        if found is not None:
            fields[name] = (name, found)
            if written := escaped(name):
                fields[written] = (name, found)
    if resource or schema.get("x-kubernetes-embedded-resource"):
        fields |= {"apiVersion": ("apiVersion", STRING), "kind": ("kind", STRING)}
        fields["metadata"] = ("metadata", _META)
    return object_of("object", fields)


def most_items(schema: Schema) -> int:
    """How many items a list or a map can have: as many as it may, or as fit into a request."""
    inner = schema.get("items") if schema.get("type") == "array" else None
    given = schema.get("maxItems" if inner is not None else "maxProperties")
    if given is not None:
        return int(given)
    if inner is None:
        inner = schema.get("additionalProperties")
        return _LARGEST // (_least(inner if isinstance(inner, dict) else {}) + 4)
    return _LARGEST // (_least(inner) + 1)


def _least(schema: Schema) -> int:
    """Characters that a value takes in JSON at least."""
    match schema.get("type"):
        case "string":
            shortest = min((len(str(one)) for one in schema.get("enum") or ()), default=0)
            return 2 + max(shortest, schema.get("minLength") or 0)
        case "boolean":
            return 4
        case "array":
            least = schema.get("minItems") or 0
            return 2 + least * (1 + _least(schema.get("items") or {}))
        case "object":
            properties = schema.get("properties") or {}
            needed = (name for name in schema.get("required") or () if name in properties)
            return 2 + sum(4 + len(name) + _least(properties[name]) for name in needed)
    return 1


def converter(schema: Schema) -> Convert | None:
    """What makes CEL values of JSON values; None when they are the same."""
    kind = schema.get("type")
    if schema.get("x-kubernetes-int-or-string"):
        return None
    if kind == "number":
        return _double
    if kind == "string":
        return _CONVERTED.get(schema.get("format") or "")
    if kind == "array":
        items = converter(schema.get("items") or {})
        return None if items is None else _list(items)
    return _fields(schema)


def _fields(schema: Schema) -> Convert | None:
    other = schema.get("additionalProperties")
    if isinstance(other, dict) and not schema.get("properties"):
        values = converter(other)
        return None if values is None else _map(values)
    found = {name: converter(inner) for name, inner in (schema.get("properties") or {}).items()}
    changed = {name: convert for name, convert in found.items() if convert is not None}
    if not changed:
        return None

    def convert(value: Any) -> Any:
        if value.__class__ is not dict:
            return value
        return value | {key: change(value[key]) for key, change in changed.items() if key in value}

    return convert


def _list(items: Convert) -> Convert:
    return lambda value: [items(one) for one in value] if value.__class__ is list else value


def _map(values: Convert) -> Convert:
    def convert(value: Any) -> Any:
        if value.__class__ is not dict:
            return value
        return {key: values(one) for key, one in value.items()}

    return convert


def _double(value: Any) -> Any:
    return float(value) if value.__class__ is int else value


def _readable(read: Callable[[Any], Any]) -> Convert:
    """What cannot be read stays text; the schema's format has said so already."""

    def convert(value: Any) -> Any:
        try:
            return read(value) if value.__class__ is str else value
        except (EvaluationError, binascii.Error, ValueError):
            return value

    return convert


_CONVERTED: dict[str, Convert] = {
    "byte": _readable(base64.b64decode),
    "duration": _readable(duration),
    "date-time": _readable(timestamp),
    "date": _readable(lambda text: timestamp(f"{text}T00:00:00Z")),
}
