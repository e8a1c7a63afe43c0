"""CustomResourceDefinitions: what one must say, what its status says, and the resources it makes.

Names are accepted and the definition is established in the write that creates it, so a client that
has its answer can use the kind at once; a real server takes a moment. Versions differ in
`apiVersion` only (conversion None); webhook conversion is refused. A definition that is deleted
first deletes its objects, then lets go of itself.
Upstream: k8s.io/apiextensions-apiserver pkg/apis/apiextensions/validation, pkg/controller/{status,
establish,finalizer}.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import orjson

from sampan.apiserver.backend import Backend
from sampan.apiserver.calls import Call
from sampan.apiserver.delete import DeleteOptions, delete
from sampan.apiserver.resources import Custom, Resource, ScalePaths
from sampan.apiserver.schemas import Schema, Subresource, crd_problems
from sampan.apiserver.traits import Path, Trait
from sampan.apiserver.update import replace
from sampan.kube import formats, names
from sampan.kube.component import Rules
from sampan.kube.errors import ApiStatus, NotFound, Problem, invalid, required, unsupported
from sampan.kube.keys import Key, Manifest
from sampan.store.records import Event

_log = logging.getLogger(__name__)
_SCOPES = ("Cluster", "Namespaced")


class Definitions:
    """Keeps the served resources in step with the stored definitions."""

    def __init__(self, backend: Backend, changed: Callable[[str], None]) -> None:
        """`changed(kind)` is called when a kind is served differently, or no more."""
        self._backend = backend
        self._changed = changed
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._specs: dict[str, Any] = {}
        self.rules = Rules(default=_default, prepare=self._prepare, validate=self._validate)
        self._stop: Callable[[], None] | None = None

    def start(self) -> None:
        """Serve what is stored, and follow changes."""
        store = self._backend.store
        for record in store.records(names.CRD):
            self._serve(self._backend.manifest(record))
        self._stop = store.subscribe(names.CRD, self._tell)

    async def close(self) -> None:
        if self._stop is not None:
            self._stop()
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    # -- serving ------------------------------------------------------------------------------

    def _tell(self, event: Event) -> None:
        crd = self._backend.manifest(event.record)
        if event.type == "DELETED":
            self._specs.pop(crd["metadata"]["name"], None)
            self._backend.resources.remove(_kind(crd))
            self._changed(_kind(crd))
        else:
            self._serve(crd)

    def _serve(self, crd: Manifest) -> None:
        name, kind = crd["metadata"]["name"], _kind(crd)
        deleting = bool(crd["metadata"].get("deletionTimestamp"))
        served = (crd["spec"], deleting)
        if _is_true(crd, "Established") and self._specs.get(name) != served:
            changed = name in self._specs and self._specs[name][0] != crd["spec"]
            self._specs[name] = served
            resources = list(resources_of(crd))
            self._backend.resources.remove(kind)
            for resource in resources:
                self._backend.resources.add(resource)
            if changed:
                self._changed(kind)
        if deleting and name not in self._tasks:
            task = asyncio.get_running_loop().create_task(self._clear(name))
            self._tasks[name] = task
            task.add_done_callback(lambda _: self._tasks.pop(name, None))

    async def _clear(self, name: str) -> None:
        """Delete all objects of the definition, wait until they are gone, let go of it."""
        key = Key(names.CRD, "", name)
        crd = self._backend.get(key)
        if crd is None:
            return
        kind, emptied = _kind(crd), asyncio.Event()
        stop = self._backend.store.subscribe(kind, lambda _: emptied.set())
        try:
            while self._backend.store.count(kind):
                emptied.clear()
                await self._delete_all(kind)
                if self._backend.store.count(kind):
                    await emptied.wait()
            await self._let_go(name)
        except ApiStatus as error:
            _log.warning("the objects of %s could not be deleted: %s", name, error)
        finally:
            stop()

    async def _delete_all(self, kind: str) -> None:
        resource = self._backend.resources.stored(kind)
        if resource is None:
            return
        pending = [
            delete(
                self._backend, resource, record.key.namespace, record.key.name, DeleteOptions(),
                Call(),
            )
            for record in self._backend.store.records(kind)
            if not self._backend.manifest(record)["metadata"].get("deletionTimestamp")
        ]  # fmt: skip
        for result in await asyncio.gather(*pending, return_exceptions=True):
            if isinstance(result, BaseException) and not isinstance(result, NotFound):
                raise result

    async def _let_go(self, name: str) -> None:
        resource = self._backend.resources.stored(names.CRD)
        assert resource is not None
        try:
            record, old = self._backend.newest(resource, "", name)
        except NotFound:
            return
        new = orjson.loads(orjson.dumps(old))
        held = new["metadata"].get("finalizers") or []
        new["metadata"]["finalizers"] = [f for f in held if f != names.FINALIZER_CRD]
        await replace(self._backend, resource, record, old, new, Call())

    # -- admission ----------------------------------------------------------------------------

    def _prepare(self, crd: Manifest, old: Manifest | None) -> None:
        """Finalizer and status: what a real server's controllers write a moment later."""
        if old is None:
            held = crd["metadata"].setdefault("finalizers", [])
            if names.FINALIZER_CRD not in held:
                held.append(names.FINALIZER_CRD)
        spec = crd.get("spec")
        if not isinstance(spec, dict) or not spec.get("names") or not spec.get("versions"):
            return
        clash = self._clash(crd)
        status = dict((old or {}).get("status") or {})
        before = {c["type"]: c for c in status.get("conditions") or ()}
        wanted = [
            _condition(
                "NamesAccepted", not clash, *(clash or ("NoConflicts", "no conflicts found"))
            ),
            _condition(
                "Established",
                not clash,
                *(
                    ("NotAccepted", "not all names are accepted")
                    if clash
                    else ("InitialNamesAccepted", "the initial names have been accepted")
                ),
            ),
        ]
        if crd["metadata"].get("deletionTimestamp"):
            text = "CustomResource deletion is in progress"
            wanted.append(_condition("Terminating", True, "InstanceDeletionInProgress", text))
        now = self._backend.now()
        status["conditions"] = [_since(condition, before, now) for condition in wanted]
        status["acceptedNames"] = status.get("acceptedNames", {}) if clash else spec["names"]
        stored = status.get("storedVersions") or []
        current = [v["name"] for v in spec["versions"] if v.get("storage")]
        status["storedVersions"] = [*stored, *(v for v in current if v not in stored)]
        crd["status"] = status

    def _clash(self, crd: Manifest) -> tuple[str, str] | None:
        """Another resource of the group that has one of the names: (reason, message)."""
        spec = crd["spec"]
        mine = spec["names"]
        words = {mine.get("plural"), mine.get("singular"), *(mine.get("shortNames") or ())}
        for other in self._backend.resources:
            custom = other.custom and other.custom.definition
            if other.group != spec.get("group") or custom == crd["metadata"].get("name"):
                continue
            taken = {other.plural, other.singular, *other.short_names}
            if both := sorted(words & taken - {None}):
                return "PluralConflict", f'"{both[0]}" is already in use'
            if mine.get("kind") in (other.object_kind, other.list_kind):
                return "KindConflict", f'"{mine["kind"]}" is already in use'
        return None

    def _validate(self, crd: Manifest, old: Manifest | None) -> list[Problem]:
        found = list(_spec_problems(crd, crd.get("spec") or {}))
        if not found:
            found = crd_problems(crd)
        if old is not None and not found:
            for field in ("group", "scope"):
                if old["spec"].get(field) != crd["spec"].get(field):
                    found.append(invalid(f"spec.{field}", crd["spec"][field], "field is immutable"))
            if old["spec"]["names"]["kind"] != crd["spec"]["names"]["kind"]:
                text = "field is immutable"
                found.append(invalid("spec.names.kind", crd["spec"]["names"]["kind"], text))
        return found


def resources_of(crd: Manifest) -> Iterator[Resource]:
    """One resource for each served version. The definition has been validated."""
    spec = crd["spec"]
    called = spec["names"]
    storage = next(v["name"] for v in spec["versions"] if v["storage"])
    for version in spec["versions"]:
        if not version["served"]:
            continue
        subresources = version.get("subresources") or {}
        schema = (version.get("schema") or {}).get("openAPIV3Schema") or {}
        yield Resource(
            group=spec["group"],
            version=version["name"],
            object_kind=called["kind"],
            plural=called["plural"],
            singular=called["singular"],
            list_kind=called["listKind"],
            short_names=called.get("shortNames") or (),
            categories=called.get("categories") or (),
            namespaced=spec["scope"] == "Namespaced",
            trait=Trait(fields=_selectable(version)),
            schema=partial(Schema.from_crd, schema),
            subresources=_subresources(
                spec["group"], version["name"], called["kind"], subresources
            ),
            storage_version=storage,
            scale=_scale(subresources.get("scale")),
            custom=Custom(
                crd["metadata"]["name"],
                tuple(version.get("additionalPrinterColumns") or ()),
                _deprecation(spec["group"], version, called["kind"]),
                bool(crd["metadata"].get("deletionTimestamp")),
            ),
        )


def _default(crd: Manifest) -> None:
    spec = crd.get("spec")
    if not isinstance(spec, dict):
        return
    spec.setdefault("conversion", {"strategy": "None"})
    called = spec.get("names")
    if isinstance(called, dict) and called.get("kind"):
        called.setdefault("singular", called["kind"].lower())
        called.setdefault("listKind", f"{called['kind']}List")


def _spec_problems(crd: Manifest, spec: dict[str, Any]) -> Iterator[Problem]:
    group, called = spec.get("group") or "", spec.get("names") or {}
    yield from _group_problems(group)
    if spec.get("scope") not in _SCOPES:
        yield unsupported("spec.scope", spec.get("scope") or "", _SCOPES)
    for field in ("plural", "kind"):
        if not called.get(field):
            yield required(f"spec.names.{field}")
        elif fault := formats.dns_label(called[field].lower()):
            yield invalid(f"spec.names.{field}", called[field], fault)
    name, wanted = crd["metadata"].get("name"), f"{called.get('plural')}.{group}"
    if name != wanted:
        yield invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group')
    strategy = (spec.get("conversion") or {}).get("strategy", "None")
    if strategy == "Webhook":
        text = "Sampan calls no conversion webhooks: use None"
        yield invalid("spec.conversion.strategy", strategy, text)
    elif strategy != "None":
        yield unsupported("spec.conversion.strategy", strategy, ("None", "Webhook"))
    yield from _version_problems(spec.get("versions") or [])


def _group_problems(group: str) -> Iterator[Problem]:
    if not group:
        yield required("spec.group")
    elif fault := formats.dns_subdomain(group):
        yield invalid("spec.group", group, fault)
    elif "." not in group:
        yield invalid("spec.group", group, "should be a domain with at least one dot")


def _version_problems(versions: list[dict[str, Any]]) -> Iterator[Problem]:
    if not versions:
        yield required("spec.versions", "must have exactly one version marked as storage version")
        return
    seen: set[str] = set()
    for position, version in enumerate(versions):
        path = f"spec.versions[{position}].name"
        name = version.get("name") or ""
        if fault := formats.dns_label(name):
            yield invalid(path, name, fault)
        if name in seen:
            yield invalid(path, name, "must be unique")
        seen.add(name)
        version.setdefault("served", False)
        version.setdefault("storage", False)
    if sum(bool(version.get("storage")) for version in versions) != 1:
        text = "must have exactly one version marked as storage version"
        yield invalid("spec.versions", "", text)


def _kind(crd: Manifest) -> str:
    return f"{crd['spec']['names']['kind']}.{crd['spec']['group']}"


def _is_true(crd: Manifest, condition: str) -> bool:
    conditions = (crd.get("status") or {}).get("conditions") or ()
    return any(c["type"] == condition and c["status"] == "True" for c in conditions)


def _condition(type: str, holds: bool, reason: str, message: str) -> dict[str, Any]:
    status = "True" if holds else "False"
    return {"type": type, "status": status, "reason": reason, "message": message}


def _since(
    condition: dict[str, Any], before: dict[str, dict[str, Any]], now: str
) -> dict[str, Any]:
    former = before.get(condition["type"])
    if former and former["status"] == condition["status"]:
        now = former.get("lastTransitionTime") or now
    return condition | {"lastTransitionTime": now}


def _subresources(
    group: str, version: str, kind: str, found: dict[str, Any]
) -> Iterator[Subresource]:
    verbs = ("get", "patch", "update")
    if "status" in found:
        yield Subresource("status", group, version, kind, verbs)
    if found.get("scale"):
        yield Subresource("scale", "autoscaling", "v1", "Scale", verbs)


def _scale(found: dict[str, Any] | None) -> ScalePaths | None:
    if not found:
        return None
    return ScalePaths(
        _path(found["specReplicasPath"]),
        _path(found["statusReplicasPath"]),
        _path(found.get("labelSelectorPath") or ""),
    )


def _path(text: str) -> Path:
    return tuple(part for part in text.split(".") if part)


def _selectable(version: dict[str, Any]) -> dict[str, tuple[Path, str]]:
    found = [field["jsonPath"] for field in version.get("selectableFields") or ()]
    return {path.lstrip("."): (_path(path), "") for path in found}


def _deprecation(group: str, version: dict[str, Any], kind: str) -> str:
    if not version.get("deprecated"):
        return ""
    text = version.get("deprecationWarning")
    return text or f"{group}/{version['name']} {kind} is deprecated"
