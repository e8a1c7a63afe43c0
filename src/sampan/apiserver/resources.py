"""Resource: one served version of one kind, and the registry of all that are served now.

Built-in resources come from the schema facts, custom ones from CustomResourceDefinitions while the
server runs. A stored object has the version in which its kind is stored; another served version of
it differs in `apiVersion` only (conversion None), so presenting it swaps the first bytes. Few of
Kubernetes' own kinds have versions in other words (`conversions`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import orjson
from msgspec import Struct

from sampan.apiserver.conversions import CONVERSIONS, Conversion
from sampan.apiserver.schemas import Schema, Subresource, facts
from sampan.apiserver.traits import ORDINARY, TRAITS, Trait
from sampan.kube.errors import (
    AlreadyExists,
    Conflict,
    Forbidden,
    Invalid,
    MethodNotAllowed,
    NotFound,
    Problem,
)
from sampan.kube.keys import Key, Manifest
from sampan.lib.later import later

if TYPE_CHECKING:
    from sampan.apiserver.expressions.rules import Place

STANDARD_VERBS = (
    "create", "delete", "deletecollection", "get", "list", "patch", "update", "watch",
)  # fmt: skip


_REVISION = re.compile(rb'"resourceVersion":"(\d+)"')
_HEAD = b'{"apiVersion":"'


class ScalePaths(Struct, frozen=True):
    """Where a kind keeps what its scale subresource shows."""

    replicas: tuple[str, ...] = ("spec", "replicas")
    status_replicas: tuple[str, ...] = ("status", "replicas")
    selector: tuple[str, ...] = ()


class Custom(Struct, frozen=True):
    """What only custom resources have. `columns` are additionalPrinterColumns. Objects that were
    stored before the revision `defaulted` may lack defaults that the schema has by now."""

    definition: str
    columns: tuple[Mapping[str, Any], ...] = ()
    deprecation: str = ""
    terminating: bool = False
    defaulted: int = 0


class Resource:
    """`kind` is Sampan's name (`Deployment.apps`) of what is stored, `object_kind` the manifest's
    (`Deployment`)."""

    def __init__(
        self,
        *,
        group: str,
        version: str,
        object_kind: str,
        plural: str,
        singular: str,
        list_kind: str,
        short_names: Sequence[str] = (),
        categories: Sequence[str] = (),
        namespaced: bool,
        trait: Trait,
        schema: Callable[[], Schema | None],
        verbs: Sequence[str] = STANDARD_VERBS,
        subresources: Iterable[Subresource] = (),
        storage_version: str = "",
        scale: ScalePaths | None = None,
        custom: Custom | None = None,
        conversion: Conversion | None = None,
    ) -> None:
        self.group = group
        self.version = version
        self.object_kind = object_kind
        self.plural = plural
        self.singular = singular
        self.list_kind = list_kind
        self.short_names = tuple(short_names)
        self.categories = tuple(categories)
        self.namespaced = namespaced
        self.trait = trait
        self.verbs = tuple(verbs)
        self.subresources = {sub.name: sub for sub in subresources}
        self.scale = scale
        self.custom = custom
        self._defaulted = custom.defaulted if custom else 0
        self.conversion = conversion
        self.kind = f"{object_kind}.{group}" if group else object_kind
        self.api_version = f"{group}/{version}" if group else version
        self.label = f"{plural}.{group}" if group else plural
        self.has_status = "status" in self.subresources
        self._schema = schema
        stored = storage_version or version
        self.stored_as = f"{group}/{stored}" if group else stored
        if conversion is not None:
            self.kind, self.stored_as = conversion.stored
        self._head = b'{"apiVersion":"%b"' % self.api_version.encode()

    @cached_property
    def schema(self) -> Schema:
        """Compiled when it is first needed."""
        found = self._schema()
        if found is None:
            raise LookupError(f"there is no schema of {self.api_version} {self.object_kind}")
        return found

    @cached_property
    def rules(self) -> Place | None:
        """The CEL rules of a custom resource; None when it has none. Compiled when first needed."""
        if self.custom is None or not self.schema.has_rules:
            return None
        rules = later("sampan.apiserver.expressions.rules")
        found: Place | None = rules.compiled(self.schema.source)
        return found

    def key(self, namespace: str, name: str) -> Key:
        return Key(self.kind, namespace if self.namespaced else "", name)

    def present(self, data: bytes) -> bytes:
        """Stored bytes (of whatever version was stored then) in the version of this resource."""
        if self._defaulted:
            data = self._filled(data)
        if data.startswith(self._head) or not data.startswith(_HEAD):
            return data
        if self.conversion is not None:
            return orjson.dumps(self.shown(orjson.loads(data)))
        return self._head + data[data.index(b'"', len(_HEAD)) + 1 :]

    def _filled(self, data: bytes) -> bytes:
        """The object with the defaults of its schema, if it was stored before the schema was."""
        match = _REVISION.search(data)
        if match is None or int(match[1]) >= self._defaulted or not self.schema.root.fills:
            return data
        manifest = orjson.loads(data)
        self.schema.fill(manifest)
        return orjson.dumps(manifest)

    @property
    def selectable_fields(self) -> Sequence[str]:
        """Fields that a field selector may name, beside those of metadata."""
        return tuple(self.trait.fields)

    def shown(self, manifest: Manifest) -> Manifest:
        """The same for a decoded object, which is not changed."""
        if manifest["apiVersion"] == self.api_version:
            return manifest
        if self.conversion is not None:
            return self.conversion.from_stored(manifest)
        return manifest | {"apiVersion": self.api_version}

    # -- errors in the words of a real server --------------------------------------------------

    def details(self, name: str) -> dict[str, Any]:
        found = {"name": name, "group": self.group, "kind": self.plural}
        return {key: value for key, value in found.items() if value}

    def not_found(self, name: str) -> NotFound:
        return NotFound(f'{self.label} "{name}" not found', self.details(name))

    def exists(self, name: str) -> AlreadyExists:
        return AlreadyExists(f'{self.label} "{name}" already exists', self.details(name))

    def modified(self, name: str) -> Conflict:
        return self.conflict(
            name,
            "the object has been modified; please apply your changes to the latest version and"
            " try again",
        )

    def conflict(self, name: str, text: str) -> Conflict:
        return Conflict(
            f'Operation cannot be fulfilled on {self.label} "{name}": {text}', self.details(name)
        )

    def forbidden(self, name: str, text: str) -> Forbidden:
        return Forbidden(f'{self.label} "{name}" is forbidden: {text}', self.details(name))

    def invalid(self, name: str, problems: Sequence[Problem]) -> Invalid:
        return Invalid.of(self.object_kind, self.group, name, problems)

    def no_such_verb(self) -> MethodNotAllowed:
        return MethodNotAllowed(
            "the server does not allow this method on the requested resource", {}
        )


class Resources:
    """Everything that is served. `changed` grows with each change, for caches of documents."""

    def __init__(self) -> None:
        self._by_path: dict[tuple[str, str, str], Resource] = {}
        self._by_kind: dict[str, list[Resource]] = {}
        self._groups: dict[str, list[str]] = {}
        self.changed = 0
        for resource in _built_in():
            self.add(resource)

    def at(self, group: str, version: str, plural: str) -> Resource | None:
        return self._by_path.get((group, version, plural))

    def of(self, api_version: str, object_kind: str) -> Resource | None:
        """The resource in which manifests of this apiVersion and kind are kept."""
        group, _, version = api_version.rpartition("/")
        kind = f"{object_kind}.{group}" if group else object_kind
        if converted := CONVERSIONS.get((api_version, object_kind)):
            kind = converted.stored[0]
        known = self._by_kind.get(kind, ())
        return next((r for r in known if (r.group, r.version) == (group, version)), None)

    def stored(self, kind: str) -> Resource | None:
        """The resource of the version in which the kind is stored; None if it is not served."""
        found = self._by_kind.get(kind)
        if not found:
            return None
        return next((r for r in found if r.api_version == r.stored_as), found[0])

    def versions(self, kind: str) -> Sequence[Resource]:
        return self._by_kind.get(kind, ())

    def groups(self) -> Mapping[str, Sequence[str]]:
        """Group -> versions, preferred first."""
        return self._groups

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._by_path.values())

    def in_version(self, group: str, version: str) -> list[Resource]:
        return [r for r in self if r.group == group and r.version == version]

    def add(self, resource: Resource) -> None:
        self._by_path[resource.group, resource.version, resource.plural] = resource
        self._by_kind.setdefault(resource.kind, []).append(resource)
        versions = self._groups.setdefault(resource.group, [])
        if resource.version not in versions:
            versions.append(resource.version)
            versions.sort(key=priority)
        self.changed += 1

    def remove(self, kind: str) -> None:
        for resource in self._by_kind.pop(kind, ()):
            del self._by_path[resource.group, resource.version, resource.plural]
            if not any(r for r in self.in_version(resource.group, resource.version)):
                self._groups[resource.group].remove(resource.version)
        self._groups = {group: versions for group, versions in self._groups.items() if versions}
        self.changed += 1


def priority(version: str) -> tuple[int, int, int, str]:
    """A sort key that puts v2 before v1 before v1beta2 before v1alpha1 before other names."""
    rest = version[1:] if version.startswith("v") else ""
    for rank, stage in enumerate(("", "beta", "alpha")):
        major, found, minor = rest.partition(stage) if stage else (rest, "", "")
        if major.isdigit() and (minor.isdigit() if found else not stage):
            return rank, -int(major), -int(minor or 0), ""
    return 3, 0, 0, version


_SERVED_SUBRESOURCES = frozenset({
    "status", "scale", "log", "exec", "attach", "portforward", "binding", "eviction", "token",
    "finalize", "ephemeralcontainers", "proxy", "approval",
})  # fmt: skip
_WITHOUT_PROXY = frozenset({"Node"})  # there is no kubelet to ask
_UNSERVED = frozenset(
    {
        "ComponentStatus",  # deprecated since 1.19; nothing to report
        "FlowSchema.flowcontrol.apiserver.k8s.io",
        "PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io",
    }
)
_SERVED_VERSIONS = ("v1", "v2")
_SCALED = {
    "ReplicationController": ("spec", "selector"),
    "Deployment.apps": ("spec", "selector"),
    "ReplicaSet.apps": ("spec", "selector"),
    "StatefulSet.apps": ("spec", "selector"),
}


def _built_in() -> Iterator[Resource]:
    """Stable versions only, as a real server serves by default."""
    for fact in (*facts().resources(), *facts().reviews()):
        kind = f"{fact.kind}.{fact.group}" if fact.group else fact.kind
        if fact.version not in _SERVED_VERSIONS or kind in _UNSERVED:
            continue
        api_version = f"{fact.group}/{fact.version}" if fact.group else fact.version
        conversion = CONVERSIONS.get((api_version, fact.kind))
        kind = conversion.stored[0] if conversion else kind
        selector = _SCALED.get(kind)
        yield Resource(
            group=fact.group,
            version=fact.version,
            object_kind=fact.kind,
            plural=fact.plural,
            singular=fact.singular,
            list_kind=f"{fact.kind}List",
            short_names=fact.short_names,
            categories=fact.categories,
            namespaced=fact.namespaced,
            trait=TRAITS.get(kind, ORDINARY),
            schema=partial(facts().schema, fact.group, fact.version, fact.kind),
            verbs=fact.verbs,
            subresources=[
                sub
                for sub in fact.subresources
                if sub.name in _SERVED_SUBRESOURCES
                and not (sub.name == "proxy" and kind in _WITHOUT_PROXY)
            ],
            scale=ScalePaths(selector=selector) if selector else None,
            conversion=conversion,
        )
