"""Components: the schemas in OpenAPI documents, as OpenAPI v3 has them.

Made from the schema facts for Kubernetes' own kinds and from the schemas of CRDs for custom ones,
with all that these refer to. Descriptions are our own and few (`sentences`). Pure functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from sampan.apiserver import sentences
from sampan.apiserver.schemas import Schema, facts

Document = dict[str, Any]

REFERENCE = "#/components/schemas/"
"""What begins a reference to a component; its name follows."""

_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_LIST_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"
_TYPE = {
    field: {"type": "string", "description": sentences.FIELDS[field]}
    for field in ("apiVersion", "kind")
}


class Served(Protocol):
    """What is needed of a served resource (`resources.Resource` has it)."""

    group: str
    version: str
    object_kind: str
    list_kind: str
    plural: str
    namespaced: bool
    verbs: tuple[str, ...]

    @property
    def schema(self) -> Schema: ...

    @property
    def selectable_fields(self) -> Sequence[str]: ...


def schemas(resources: Iterable[Served]) -> Document:
    """The schemas of resources and of lists of them, and all that these need, by name."""
    found: Document = {}
    for resource in resources:
        named = schema_name(resource)
        source = resource.schema.source
        if source is None:
            _reach(named, found)
        else:
            found[named] = _custom(resource, source)
            _reach(_META, found)
        if "list" in resource.verbs:
            found.setdefault(list_name(resource), _list(resource))
            _reach(_LIST_META, found)
    return dict(sorted(found.items()))


def schema_name(resource: Served) -> str:
    """What the schema of a resource is called among the components."""
    if not resource.schema.is_custom:
        return resource.schema.name
    domain = ".".join(reversed(resource.group.split(".")))
    return f"{domain}.{resource.version}.{resource.object_kind}"


def list_name(resource: Served) -> str:
    """What the schema of lists of a resource is called."""
    return f"{schema_name(resource).rpartition('.')[0]}.{resource.list_kind}"


def reference(named: str) -> Document:
    """A schema that is the one of this name."""
    return {"$ref": REFERENCE + named}


def qualified(resource: Served, kind: str) -> Document:
    """What the extension x-kubernetes-group-version-kind holds."""
    return {"group": resource.group, "version": resource.version, "kind": kind}


def _list(resource: Served) -> Document:
    return {
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": _TYPE["apiVersion"],
            "kind": _TYPE["kind"],
            "metadata": reference(_LIST_META),
            "items": {"type": "array", "items": reference(schema_name(resource))},
        },
        "x-kubernetes-group-version-kind": [qualified(resource, resource.list_kind)],
    }


# -- schemas of Kubernetes' own kinds -----------------------------------------------------------

_NAMED: dict[str, tuple[str, Document]] = {
    "q": (
        "io.k8s.apimachinery.pkg.api.resource.Quantity",
        {"oneOf": [{"type": "string"}, {"type": "number"}]},
    ),
    "x": (
        "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
        {"oneOf": [{"type": "integer"}, {"type": "string"}], "format": "int-or-string"},
    ),
    "t": (
        "io.k8s.apimachinery.pkg.apis.meta.v1.Time",
        {"type": "string", "format": "date-time"},
    ),
    "T": (
        "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime",
        {"type": "string", "format": "date-time"},
    ),
}
_SCALARS: dict[str, Document] = {
    "s": {"type": "string"}, "i": {"type": "integer", "format": "int32"},
    "l": {"type": "integer", "format": "int64"}, "d": {"type": "number", "format": "double"},
    "b": {"type": "boolean"}, "y": {"type": "string", "format": "byte"},
    "o": {"type": "object"}, "j": {},
}  # fmt: skip
_ATTRIBUTES = {
    "l": "x-kubernetes-list-type", "k": "x-kubernetes-list-map-keys", "m": "x-kubernetes-map-type",
    "g": "x-kubernetes-patch-merge-key", "p": "x-kubernetes-patch-strategy", "D": "default",
}  # fmt: skip


def _reach(name: str, schemas: dict[str, Any]) -> None:
    """Add a definition and all that it needs."""
    todo = [name]
    while todo:
        current = todo.pop()
        if current not in schemas:
            definition = facts().definitions[current]
            schemas[current] = _definition(current, definition)
            bodies = definition.get("f", {}).values()
            codes = (body if isinstance(body, str) else body[0] for body in bodies)
            inner = [code.lstrip("[{@") for code in codes]
            todo.extend(code for code in inner if "." in code)
            schemas.update(_NAMED[code] for code in inner if code in _NAMED)


def _definition(name: str, definition: Mapping[str, Any]) -> Document:
    if "c" in definition:
        return dict(_SCALARS[definition["c"]])
    kind = name.rsplit(".", 1)[1]
    made: Document = {"type": "object"}
    if kind in sentences.KINDS:
        made["description"] = sentences.KINDS[kind]
    if definition["f"]:
        made["properties"] = {
            field: _property(kind, field, body) for field, body in definition["f"].items()
        }
    if "r" in definition:
        made["required"] = definition["r"]
    if "m" in definition:
        made["x-kubernetes-map-type"] = definition["m"]
    if "g" in definition:
        made["x-kubernetes-group-version-kind"] = [
            {"group": group, "version": version, "kind": kind}
            for group, version, kind in definition["g"]
        ]
    return made


def _property(owner: str, field: str, body: Any) -> Document:
    code, attributes = (body, {}) if isinstance(body, str) else body
    made = _typed(code)
    more = {_ATTRIBUTES[key]: value for key, value in attributes.items() if key != "z"}
    text = sentences.FIELDS.get(f"{owner}.{field}") or sentences.FIELDS.get(field)
    if text:
        more["description"] = text
    if "$ref" in made and more:
        made = {"allOf": [made]}  # what stands beside a reference is not read
    return {**made, **more}


def _typed(code: str) -> Document:
    if code.startswith("["):
        return {"type": "array", "items": _typed(code[1:])}
    if code.startswith("{"):
        return {"type": "object", "additionalProperties": _typed(code[1:])}
    if code.startswith("@"):
        return reference(code[1:])
    if code in _NAMED:
        return reference(_NAMED[code][0])
    return dict(_SCALARS[code])


# -- schemas of custom resources ----------------------------------------------------------------


def _custom(resource: Served, source: Mapping[str, Any]) -> Document:
    """The schema of a custom resource from an openAPIV3Schema, with what every object has."""
    own = source.get("properties") or {}
    metadata = {"allOf": [reference(_META)], "description": sentences.FIELDS["metadata"]}
    every = {**_TYPE, "metadata": metadata}
    fields = [{"fieldPath": field} for field in resource.selectable_fields]
    return {
        **source,
        "type": "object",
        "properties": every | own | every,
        "x-kubernetes-group-version-kind": [qualified(resource, resource.object_kind)],
        **({"x-kubernetes-selectable-fields": fields} if fields else {}),
    }
