"""OpenAPI v3: what kubectl reads before it creates, applies, explains or edits.

One document per group version, made from the schema facts and from the schemas of CRDs when first
asked for, and kept until the served resources change. It holds what kubectl needs and no more: for
each resource its paths with the kinds of patches and the fieldValidation parameter, and the schemas
that can be reached. Descriptions are our own and few (`sentences`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from importlib.resources import files
from typing import Any, Protocol

import orjson

from sampan.apiserver import sentences
from sampan.apiserver.schemas import Schema, facts

PREFIX = "/openapi/v3"
Document = dict[str, Any]

_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_LIST_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"
_JSON_PATCHES = ("application/json-patch+json", "application/merge-patch+json")
_STRATEGIC, _APPLY = "application/strategic-merge-patch+json", "application/apply-patch+yaml"
INFO = {"title": "Kubernetes", "version": "unversioned"}
REFERENCE = "#/components/schemas/"
_TYPE = {
    field: {"type": "string", "description": sentences.FIELDS[field]}
    for field in ("apiVersion", "kind")
}
_QUERY = [
    {"name": name, "in": "query", "schema": {"type": "string"}}
    for name in ("dryRun", "fieldManager", "fieldValidation", "pretty")
]


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


class Registry(Protocol):
    """All that is served now; `changed` grows with every change."""

    changed: int

    def __iter__(self) -> Iterator[Any]: ...


def index(tags: Mapping[str, str]) -> Document:
    """The document at /openapi/v3: the place of each group version (`api/v1`, `apis/apps/v1`).

    tags: by group version, what changes when its document does; part of the address, so that
    clients can keep a document for ever.
    """
    return {
        "paths": {
            place: {"serverRelativeURL": f"{PREFIX}/{place}?hash={tag}"}
            for place, tag in sorted(tags.items())
        }
    }


def document(resources: Iterable[Served]) -> Document:
    """The document of the resources of one group version."""
    return {
        "openapi": "3.0.0",
        "info": INFO,
        "paths": {path: item for each in resources for path, item in paths(each).items()},
        "components": {"schemas": schemas(resources)},
    }


def schemas(resources: Iterable[Served]) -> Document:
    """The schemas of resources and of lists of them, and all that these need, by name."""
    found: Document = {}
    for resource in resources:
        named = schema_name(resource)
        if resource.schema.source is None:
            _reach(named, found)
        else:
            found[named] = custom(resource, resource.schema.source)
            _reach(_META, found)
        if "list" in resource.verbs:
            found[_list_name(resource)] = _list(resource)
            _reach(_LIST_META, found)
    return dict(sorted(found.items()))


def place(group: str, version: str) -> str:
    """`api/v1`, `apis/apps/v1`."""
    return f"apis/{group}/{version}" if group else f"api/{version}"


class Documents:
    """Encoded documents of what a registry serves, made when asked for."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._changed = -1
        self._groups: dict[str, list[Served]] = {}
        self._tags: dict[str, str] = {}
        self._made: dict[str, bytes] = {}

    def serve(self, parts: Sequence[str]) -> tuple[bytes, str] | None:
        """The body below /openapi/v3 and its tag; None when there is none."""
        if self._changed != self._registry.changed:
            self._read()
        at = "/".join(part for part in parts if part)
        if not at:
            body = orjson.dumps(index(self._tags))
            return body, hashlib.blake2b(body, digest_size=16).hexdigest().upper()
        if at not in self._groups:
            return None
        tag = self._tags[at]
        if tag not in self._made:
            self._made[tag] = orjson.dumps(document(self._groups[at]))
        return self._made[tag], tag

    def _read(self) -> None:
        self._changed = self._registry.changed
        self._groups = {}
        for resource in self._registry:
            at = place(resource.group, resource.version)
            self._groups.setdefault(at, []).append(resource)
        self._tags = {at: _tag(found) for at, found in self._groups.items()}
        kept = set(self._tags.values())
        self._made = {tag: body for tag, body in self._made.items() if tag in kept}


def _tag(resources: Iterable[Served]) -> str:
    """Changes when a document of these resources would: with what is said of them, and how."""
    seen = hashlib.blake2b(_facts_tag(), digest_size=16)
    for resource in resources:
        seen.update(f"{resource.plural} {resource.object_kind} {resource.verbs}".encode())
        if resource.schema.source is not None:
            seen.update(orjson.dumps(resource.schema.source))
    return seen.hexdigest().upper()


@cache
def _facts_tag() -> bytes:
    here = files("sampan.apiserver")
    seen = hashlib.blake2b(digest_size=16)
    for name in ("schemas/core.json.z", "sentences.py", "openapi.py"):
        seen.update((here / name).read_bytes())
    return seen.digest()


# -- paths ------------------------------------------------------------------------------------


def schema_name(resource: Served) -> str:
    """What the schema of a resource is called among the components."""
    if resource.schema.source is None:
        return resource.schema.name
    domain = ".".join(reversed(resource.group.split(".")))
    return f"{domain}.{resource.version}.{resource.object_kind}"


def _list_name(resource: Served) -> str:
    return f"{schema_name(resource).rpartition('.')[0]}.{resource.list_kind}"


def paths(resource: Served) -> Document:
    """The paths of a resource, with what can be done there."""
    base = f"/{place(resource.group, resource.version)}/"
    base += "namespaces/{namespace}/" if resource.namespaced else ""
    base += resource.plural
    own, listed = _content(schema_name(resource)), _content(_list_name(resource))
    patches = [*_JSON_PATCHES, *((_STRATEGIC,) if resource.schema.source is None else ()), _APPLY]
    patch = {"content": {kind: {"schema": {"type": "object"}} for kind in patches}}
    operation = partial(_operation, resource)
    collection = {
        "list": ("get", operation("list", listed)),
        "create": ("post", operation("post", own, requestBody={"content": own})),
    }
    item = {
        "get": ("get", operation("get", own)),
        "update": ("put", operation("put", own, requestBody={"content": own})),
        "patch": ("patch", operation("patch", own, requestBody=patch)),
        "delete": ("delete", operation("delete", own)),
    }
    found = {base: _of(collection, resource.verbs), base + "/{name}": _of(item, resource.verbs)}
    return {path: operations for path, operations in found.items() if operations}


def _operation(resource: Served, action: str, answer: Document, **more: Any) -> Document:
    return {
        "operationId": action + resource.object_kind,
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": _kind(resource, resource.object_kind),
        "parameters": _QUERY,
        "responses": {"200": {"description": "OK", "content": answer}},
        **more,
    }


def _content(named: str) -> Document:
    return {"application/json": {"schema": {"$ref": _ref(named)}}}


def _kind(resource: Served, kind: str) -> Document:
    return {"group": resource.group, "version": resource.version, "kind": kind}


def _of(operations: Mapping[str, tuple[str, Document]], verbs: Sequence[str]) -> Document:
    return {method: body for verb, (method, body) in operations.items() if verb in verbs}


def _ref(named: str) -> str:
    return REFERENCE + named


def _list(resource: Served) -> Document:
    return {
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": _TYPE["apiVersion"],
            "kind": _TYPE["kind"],
            "metadata": {"$ref": _ref(_LIST_META)},
            "items": {"type": "array", "items": {"$ref": _ref(schema_name(resource))}},
        },
        "x-kubernetes-group-version-kind": [_kind(resource, resource.list_kind)],
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
        return {"$ref": _ref(code[1:])}
    if code in _NAMED:
        return {"$ref": _ref(_NAMED[code][0])}
    return dict(_SCALARS[code])


# -- schemas of custom resources ----------------------------------------------------------------


def custom(resource: Served, source: Mapping[str, Any]) -> Document:
    """The schema of a custom resource from an openAPIV3Schema, with what every object has."""
    own = source.get("properties") or {}
    metadata = {"allOf": [{"$ref": _ref(_META)}], "description": sentences.FIELDS["metadata"]}
    every = {**_TYPE, "metadata": metadata}
    return {
        **source,
        "type": "object",
        "properties": every | own | every,
        "x-kubernetes-group-version-kind": [_kind(resource, resource.object_kind)],
    }
