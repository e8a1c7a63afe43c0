"""Compile the OpenAPI schema of a CRD into nodes: the structure, without the validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.apiserver.schemas.nodes import LIST, STRUCT, TEXT, List, Map, Node, Scalar, Struct

_SCALARS: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "boolean": (bool,), "number": (int, float),
}  # fmt: skip


def compile_crd(schema: Mapping[str, Any], metadata: Node) -> Struct:
    """The root node of a custom resource; `metadata` is the node of ObjectMeta."""
    root = _node(schema)
    struct = root if isinstance(root, Struct) else Struct()
    _embed(struct, metadata)
    struct.fields["metadata"] = metadata.variant(always=False)
    _embed_below(struct, schema, metadata)
    return struct


def _embed(struct: Struct, metadata: Node) -> None:
    """apiVersion, kind and metadata are there whether the schema names them or not."""
    for name in ("apiVersion", "kind"):
        struct.fields[name] = TEXT
        struct.leaf[name] = str
    struct.fields.setdefault("metadata", metadata)


def _embed_below(node: Node, schema: Mapping[str, Any], metadata: Node) -> None:
    """The same for embedded resources, wherever the schema marks one."""
    if isinstance(node, Struct):
        for name, inner in (schema.get("properties") or {}).items():
            _embedded(node.fields[name], inner, metadata)
        other = schema.get("additionalProperties")
        if node.values is not None and isinstance(other, dict):
            _embedded(node.values, other, metadata)
    elif isinstance(node, Map) and isinstance(schema.get("additionalProperties"), dict):
        _embedded(node.values, schema["additionalProperties"], metadata)
    elif isinstance(node, List) and isinstance(schema.get("items"), dict):
        _embedded(node.items, schema["items"], metadata)


def _embedded(node: Node, schema: Mapping[str, Any], metadata: Node) -> None:
    if schema.get("x-kubernetes-embedded-resource") and isinstance(node, Struct):
        _embed(node, metadata)
        node.fields["metadata"] = metadata.variant(always=False)
    _embed_below(node, schema, metadata)


def _node(schema: Mapping[str, Any]) -> Node:
    made = _shaped(schema)
    if schema.get("nullable"):
        made.nullable = True
    if "default" in schema:
        made.default, made.has_default = schema["default"], True
    if made.shape == LIST:
        assert isinstance(made, List)
        made.list_type = schema.get("x-kubernetes-list-type") or "atomic"
        made.atomic = made.list_type == "atomic"
        made.keys = tuple(sorted(schema.get("x-kubernetes-list-map-keys") or ()))
    else:
        made.atomic = schema.get("x-kubernetes-map-type") == "atomic"
    return made


def _shaped(schema: Mapping[str, Any]) -> Node:
    keeps = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    kind = schema.get("type")
    if kind == "array":
        return List(_node(schema.get("items") or {}))
    if kind in _SCALARS:
        types = _SCALARS[kind]
        return Scalar("", types[0] if len(types) == 1 else None)
    if schema.get("x-kubernetes-int-or-string"):
        return Scalar("", None)
    other = schema.get("additionalProperties")
    if isinstance(other, dict) and not schema.get("properties"):
        return Map(_node(other))
    if other is True and not schema.get("properties"):
        return Map(Node())
    if kind != "object" and not schema.get("properties") and not _embeds(schema):
        return Node() if keeps or not kind else Struct()
    return _struct(schema, keeps)


def _embeds(schema: Mapping[str, Any]) -> bool:
    return bool(schema.get("x-kubernetes-embedded-resource"))


def _struct(schema: Mapping[str, Any], keeps: bool) -> Struct:
    struct = Struct()
    struct.keeps = keeps
    for name, inner in (schema.get("properties") or {}).items():
        struct.fields[name] = _node(inner)
    other = schema.get("additionalProperties")
    if other:
        struct.values = _node(other) if isinstance(other, dict) else Node()
    struct.required = tuple(schema.get("required") or ())
    assert struct.shape == STRUCT
    struct.seal()
    return struct
