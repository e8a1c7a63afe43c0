"""OpenAPI v3: what kubectl reads before it creates, applies, explains or edits.

One document per group version, made from the schema facts and from the schemas of CRDs when first
asked for, and kept until the served resources change. It holds what kubectl needs and no more: for
each resource its paths with the kinds of patches and the fieldValidation parameter, and the schemas
that can be reached (`components`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from importlib.resources import files
from typing import Any, Protocol

import orjson

from sampan.apiserver.components import (
    Document,
    Served,
    list_name,
    qualified,
    reference,
    schema_name,
    schemas,
)

PREFIX = "/openapi/v3"

_JSON_PATCHES = ("application/json-patch+json", "application/merge-patch+json")
_STRATEGIC, _APPLY = "application/strategic-merge-patch+json", "application/apply-patch+yaml"
INFO = {"title": "Kubernetes", "version": "unversioned"}
_QUERY = [
    {"name": name, "in": "query", "schema": {"type": "string"}}
    for name in ("dryRun", "fieldManager", "fieldValidation", "pretty")
]


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
        seen.update(f"{resource.group} {resource.version} {resource.plural}".encode())
        seen.update(f"{resource.object_kind} {resource.verbs}".encode())
        seen.update(resource.list_kind.encode())
        source = resource.schema.source
        if source is not None:
            seen.update(orjson.dumps(source))
            seen.update(",".join(resource.selectable_fields).encode())
    return seen.hexdigest().upper()


@cache
def _facts_tag() -> bytes:
    here = files("sampan.apiserver")
    seen = hashlib.blake2b(digest_size=16)
    for name in ("schemas/core.json.z", "sentences.py", "components.py", "openapi.py"):
        seen.update((here / name).read_bytes())
    return seen.digest()


def paths(resource: Served) -> Document:
    """The paths of a resource, with what can be done there."""
    base = f"/{place(resource.group, resource.version)}/"
    base += "namespaces/{namespace}/" if resource.namespaced else ""
    base += resource.plural
    own, listed = _content(schema_name(resource)), _content(list_name(resource))
    patches = [*_JSON_PATCHES, *(() if resource.schema.is_custom else (_STRATEGIC,)), _APPLY]
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
        "x-kubernetes-group-version-kind": qualified(resource, resource.object_kind),
        "parameters": _QUERY,
        "responses": {"200": {"description": "OK", "content": answer}},
        **more,
    }


def _content(named: str) -> Document:
    return {"application/json": {"schema": reference(named)}}


def _of(operations: Mapping[str, tuple[str, Document]], verbs: Sequence[str]) -> Document:
    return {method: body for verb, (method, body) in operations.items() if verb in verbs}
