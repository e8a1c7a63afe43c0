"""MemoryApi: a small API server in a dict, for tests of controllers and of the engine.

`LocalCluster(MemoryApi())` passes `ClusterContract` and starts in microseconds. It knows revisions,
uids, conflicts, finalizers, generateName, merge patches, server-side apply with one field set per
manager, the status subresource and namespaces; deletion of a pod on a node waits for a delete with
grace 0. It has no schemas: nothing is defaulted, validated or pruned, lists are atomic for apply,
JSON and strategic patches are refused. Whatever depends on those is tested on the real server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from sampan.engine.cluster import Change, ChangeType, PatchType
from sampan.kube import labels, meta, names
from sampan.kube.errors import (
    AlreadyExists,
    BadRequest,
    Conflict,
    Invalid,
    NotFound,
    UnsupportedMediaType,
    forbidden,
    required,
)
from sampan.kube.keys import Key, Manifest, key_of, kind_of, split_kind
from sampan.kube.selectors import EVERYTHING, LabelSelector
from sampan.kube.times import rfc3339
from sampan.lib.clock import Clock, ManualClock

START = datetime(2026, 1, 1, tzinfo=UTC)
CLUSTER_SCOPED = {
    names.NAMESPACE, names.NODE, names.PERSISTENT_VOLUME, names.STORAGE_CLASS, names.CRD,
    names.CLUSTER_ROLE, names.CLUSTER_ROLE_BINDING, names.PRIORITY_CLASS,
}  # fmt: skip


class MemoryApi:
    """An `Api`. `lacks` are kinds that it does not serve until a CRD is created for them."""

    def __init__(self, *, clock: Clock | None = None, lacks: Iterable[str] = ()) -> None:
        self.revision = 0
        self.writes = 0
        self._clock = clock or ManualClock(START)
        self._lacks = set(lacks)
        self._objects: dict[Key, Manifest] = {}
        self._applied: dict[tuple[Key, str], Manifest] = {}
        self._listeners: list[tuple[str, Callable[[Change], None]]] = []
        self._uids = 0

    # -- reading ----------------------------------------------------------------------------------
    def get(self, key: Key) -> Manifest | None:
        return self._objects.get(key)

    def list(
        self, kind: str, namespace: str = "", selector: LabelSelector = EVERYTHING
    ) -> Sequence[Manifest]:
        return self._where(
            lambda key, manifest: (
                key.kind == kind
                and namespace in ("", key.namespace)
                and selector.matches(labels.of(manifest))
            )
        )

    def owned(self, uid: str, kind: str = "", namespace: str = "") -> Sequence[Manifest]:
        return self._where(
            lambda key, manifest: (
                kind in ("", key.kind)
                and namespace in ("", key.namespace)
                and uid in meta.owner_uids(manifest)
            )
        )

    def versions(self, uid: str, kind: str, namespace: str = "") -> Sequence[tuple[Key, int | str]]:
        found = self.owned(uid, kind, namespace)
        return [(key_of(each), each["metadata"]["resourceVersion"]) for each in found]

    def contents(self, namespace: str) -> Sequence[Manifest]:
        return self._where(lambda key, _: key.namespace == namespace)

    def has_kind(self, kind: str) -> bool:
        return kind not in self._lacks

    def subscribe(self, kind: str, tell: Callable[[Change], None]) -> Callable[[], None]:
        listener = (kind, tell)
        self._listeners.append(listener)
        for key, manifest in sorted(self._objects.items(), key=lambda item: item[0]):
            if kind in ("*", key.kind):
                tell(Change("ADDED", key, manifest))
        return lambda: self._listeners.remove(listener)

    # -- writing ----------------------------------------------------------------------------------
    async def create(self, manifest: Manifest, *, manager: str) -> Manifest:
        key = self._place(manifest)
        if key in self._objects:
            raise AlreadyExists(f'{_resource(key)} "{key.name}" already exists', _details(key))
        if key.namespace and Key(names.NAMESPACE, "", key.namespace) not in self._objects:
            raise NotFound(f'namespaces "{key.namespace}" not found')
        self._uids += 1
        manifest.pop("status", None)
        manifest["metadata"] |= {
            "uid": f"00000000-0000-4000-8000-{self._uids:012}",
            "creationTimestamp": rfc3339(self._clock.now()),
            "generation": 1,
        }
        if key.kind == names.NAMESPACE:
            manifest["spec"] = {"finalizers": ["kubernetes"]}
            manifest["status"] = {"phase": "Active"}
        return self._commit("ADDED", key, manifest)

    async def post(self, key: Key, subresource: str, manifest: Manifest) -> Manifest:
        live = self._live(key)
        if (key.kind, subresource) != (names.POD, "binding"):
            raise NotFound("the server could not find the requested resource")
        bound = {**live, "spec": {**live["spec"], "nodeName": manifest["target"]["name"]}}
        self._commit("MODIFIED", key, bound)
        return {"kind": "Status", "apiVersion": "v1", "status": "Success"}

    async def replace(self, manifest: Manifest, *, subresource: str, manager: str) -> Manifest:
        key = self._place(manifest)
        live = self._live(key)
        wanted = manifest["metadata"].get("resourceVersion")
        if wanted and wanted != live["metadata"]["resourceVersion"]:
            raise _conflict(key)
        if subresource:
            return self._update(key, _subresource(live, manifest, subresource))
        kept = {"status": live["status"]} if "status" in live else {}
        manifest.pop("status", None)
        return self._update(key, {**manifest, **kept})

    async def patch(
        self, key: Key, patch: Any, *, type: PatchType, subresource: str, manager: str, force: bool
    ) -> Manifest:
        if type == "apply":
            return await self._apply(key, patch, manager)
        if type != "merge":
            raise UnsupportedMediaType(f"{type} patches are not served by this fake")
        live = self._live(key)
        wanted = (patch.get("metadata") or {}).get("resourceVersion")
        if wanted and wanted != live["metadata"]["resourceVersion"]:
            raise _conflict(key)
        merged = _merged(live, patch)
        if subresource:
            return self._update(key, _subresource(live, merged, subresource))
        return self._update(
            key, {**merged, "status": live["status"]} if "status" in live else merged
        )

    async def delete(self, key: Key, options: Mapping[str, Any]) -> Manifest:
        live = self._live(key)
        uid = (options.get("preconditions") or {}).get("uid")
        if uid and uid != live["metadata"]["uid"]:
            raise _conflict(key)
        finalizers = set(meta.finalizers(live))
        if options.get("propagationPolicy") == "Foreground":
            finalizers.add(names.FINALIZER_FOREGROUND)
        if options.get("propagationPolicy") == "Orphan":
            finalizers.add(names.FINALIZER_ORPHAN)
        graceful = key.kind == names.POD and "nodeName" in live.get("spec", {})
        if options.get("gracePeriodSeconds") == 0:
            graceful = False
        since = live["metadata"].get("deletionTimestamp") or rfc3339(self._clock.now())
        dying: Manifest = {
            "deletionTimestamp": since,
            "deletionGracePeriodSeconds": 30 if graceful else 0,
        }
        if finalizers:
            dying["finalizers"] = sorted(finalizers)
        if dying.items() <= live["metadata"].items():
            return live
        marked = {**live, "metadata": {**live["metadata"], **dying}}
        if key.kind == names.NAMESPACE:
            marked["status"] = {**live.get("status", {}), "phase": "Terminating"}
        return self._commit("MODIFIED", key, marked)

    # -- how it works -----------------------------------------------------------------------------
    def _where(self, wanted: Callable[[Key, Manifest], bool]) -> Sequence[Manifest]:
        return [
            self._objects[key] for key in sorted(self._objects) if wanted(key, self._objects[key])
        ]

    def _live(self, key: Key) -> Manifest:
        live = self._objects.get(key)
        if live is None:
            raise NotFound(f'{_resource(key)} "{key.name}" not found', _details(key))
        return live

    def _place(self, manifest: Manifest) -> Key:
        """The key; a name is generated, and the scope is checked."""
        where = manifest.setdefault("metadata", {})
        kind = kind_of(manifest["apiVersion"], manifest["kind"])
        if kind in self._lacks:
            raise NotFound("the server could not find the requested resource")
        if not where.get("name") and where.get("generateName"):
            where["name"] = f"{where['generateName']}{self.revision:05}"
        if not where.get("name"):
            problem = required("metadata.name", "name or generateName is required")
            raise Invalid.of(*split_kind(kind), "", [problem])
        if kind not in CLUSTER_SCOPED and not where.get("namespace"):
            raise BadRequest("an empty namespace may not be set during creation")
        return Key(kind, where.get("namespace") or "", where["name"])

    async def _apply(self, key: Key, manifest: Manifest, manager: str) -> Manifest:
        asked = {**manifest, "metadata": dict(manifest["metadata"])}
        before = self._applied.get((key, manager), {})
        live = self._objects.get(key)
        if live is None:
            result = await self.create(orjson.loads(orjson.dumps(manifest)), manager=manager)
        else:
            others = [m for (at, who), m in self._applied.items() if at == key and who != manager]
            merged = _applied(live, before, asked, others)
            result = self._update(
                key, {**merged, **({"status": live["status"]} if "status" in live else {})}
            )
        self._applied[key, manager] = asked
        return result

    def _update(self, key: Key, manifest: Manifest) -> Manifest:
        live = self._objects[key]
        kept = ("uid", "creationTimestamp", "generation", "deletionTimestamp",
                "deletionGracePeriodSeconds", "resourceVersion")  # fmt: skip
        given = manifest["metadata"] | {
            f: live["metadata"][f] for f in kept if f in live["metadata"]
        }
        new = {**manifest, "metadata": given}
        added = set(meta.finalizers(new)) - set(meta.finalizers(live))
        if meta.deleting(live) and added:
            text = "no new finalizers can be added if the object is being deleted"
            raise Invalid.of(
                *split_kind(key.kind), key.name, [forbidden("metadata.finalizers", text)]
            )
        if new == live:
            return live
        if new.get("spec") != live.get("spec"):
            given["generation"] += 1
        return self._commit("MODIFIED", key, new)

    def _commit(self, type: ChangeType, key: Key, manifest: Manifest) -> Manifest:
        self.revision += 1
        self.writes += 1
        manifest = {**manifest, "metadata": {**manifest["metadata"]}}
        manifest["metadata"]["resourceVersion"] = str(self.revision)
        if _gone(key, manifest):
            type = "DELETED"
            self._objects.pop(key, None)
            for at in [at for at in self._applied if at[0] == key]:
                del self._applied[at]
        else:
            self._objects[key] = manifest
        if type == "ADDED" and key.kind == names.CRD:
            spec = manifest["spec"]
            self._lacks.discard(f"{spec['names']['kind']}.{spec['group']}")
        for kind, tell in tuple(self._listeners):
            if kind in ("*", key.kind):
                tell(Change(type, key, manifest))
        return manifest


def _gone(key: Key, manifest: Manifest) -> bool:
    """Deletion was asked for and nothing holds the object any more."""
    where = manifest["metadata"]
    held = where.get("finalizers") or where.get("deletionGracePeriodSeconds")
    if key.kind == names.NAMESPACE:
        held = held or manifest["spec"].get("finalizers")
    return meta.deleting(manifest) and not held


def _subresource(live: Manifest, given: Manifest, name: str) -> Manifest:
    if name == "status":
        return {**live, "status": given.get("status") or {}}
    if name == "finalize":
        finalizers = (given.get("spec") or {}).get("finalizers") or []
        return {**live, "spec": {**live["spec"], "finalizers": finalizers}}
    raise NotFound("the server could not find the requested resource")


def _merged(old: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for field, value in patch.items():
        if value is None:
            result.pop(field, None)
        else:
            result[field] = _merged(result.get(field), value)
    return result


def _applied(live: Any, before: Any, asked: Any, others: Sequence[Any]) -> Any:
    """`live` with what is asked, without what only this manager had asked before."""
    if not isinstance(live, dict) or not isinstance(asked, dict):
        return asked
    result = dict(live)
    for field in before if isinstance(before, dict) else ():
        if field not in asked and not any(field in o for o in others if isinstance(o, dict)):
            result.pop(field, None)
    for field, value in asked.items():
        deeper = [o.get(field) for o in others if isinstance(o, dict)]
        previous = before.get(field) if isinstance(before, dict) else None
        result[field] = _applied(live.get(field), previous, value, deeper)
    return result


def _resource(key: Key) -> str:
    kind, group = split_kind(key.kind)
    plural = kind.lower() + ("es" if kind.endswith("s") else "s")
    return f"{plural}.{group}" if group else plural


def _details(key: Key) -> dict[str, Any]:
    kind, group = split_kind(key.kind)
    details = {"name": key.name, "group": group, "kind": _resource(Key(kind, "", ""))}
    return {field: value for field, value in details.items() if value}


def _conflict(key: Key) -> Conflict:
    text = (
        f'Operation cannot be fulfilled on {_resource(key)} "{key.name}": the object has been '
        "modified; please apply your changes to the latest version and try again"
    )
    return Conflict(text, _details(key))
