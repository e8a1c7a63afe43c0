"""RemoteCluster: any Kubernetes API server, over HTTP.

Reads come from mirrors (`mirror.py`), one per kind, which start when a kind is first asked for.
Writes are requests; apply is server-side with force. A delete returns when the mirror shows it, and
`settled` waits for other writes, so that a controller never decides on what it has already changed.
Reads across all kinds are not offered: a real cluster collects its garbage itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Self
from urllib.parse import urlencode

from sampan.engine.cluster import Change, EmbeddedOnly, NotMirrored, PatchType
from sampan.engine.discovery import Discovery, Resource
from sampan.engine.kubeconfig import Access
from sampan.engine.local import delete_options
from sampan.engine.mirror import Mirror, number
from sampan.engine.transport import Transport
from sampan.kube import labels, meta, names
from sampan.kube.errors import Timeout
from sampan.kube.keys import Key, Manifest, key_of, kind_of
from sampan.kube.selectors import EVERYTHING, LabelSelector

PATIENCE = 30.0
"""Seconds until a mirror that does not show a write is taken for broken."""

PATCHES: dict[PatchType, str] = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}


class RemoteCluster:
    """A `Cluster` over HTTP. Make it with `connect`, end it with `close`."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._discovery = Discovery(transport)
        self._mirrors: dict[str, Mirror] = {}
        self._starting: dict[str, asyncio.Lock] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def connect(cls, access: Access) -> Self:
        """Ask the server what it serves. Raises Unreachable or ApiStatus."""
        cluster = cls(Transport(access))
        try:
            await cluster._discovery.refresh()
        except BaseException:
            await cluster.close()
            raise
        return cluster

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self.transport.close()

    # -- reading ----------------------------------------------------------------------------------
    def get(self, key: Key) -> Manifest | None:
        return self._mirror(key.kind).get(key)

    def list(
        self, kind: str, namespace: str = "", selector: LabelSelector = EVERYTHING
    ) -> Sequence[Manifest]:
        found = self._mirror(kind).list(namespace)
        return found if selector.empty else [m for m in found if selector.matches(labels.of(m))]

    def owned(self, uid: str, kind: str, namespace: str = "") -> Sequence[Manifest]:
        return self._mirror(kind).owned(uid, namespace)

    def versions(self, uid: str, kind: str, namespace: str = "") -> Sequence[tuple[Key, int | str]]:
        return self._mirror(kind).versions(uid, namespace)

    def dependents(self, uid: str) -> Sequence[Manifest]:
        raise EmbeddedOnly("dependents of every kind")

    def contents(self, namespace: str) -> Sequence[Manifest]:
        raise EmbeddedOnly("contents of a namespace")

    async def mirror(self, kind: str) -> None:
        async with self._starting.setdefault(kind, asyncio.Lock()):
            if kind in self._mirrors:
                return
            if self._discovery.find(kind) is None:
                await self._discovery.refresh()
            resource = self._discovery.find(kind)
            if resource is None:
                return
            mirror = Mirror(self.transport, resource)
            await mirror.fill()
            self._mirrors[kind] = mirror
            self._tasks.append(asyncio.create_task(mirror.run()))

    def subscribe(self, kind: str, tell: Callable[[Change], None]) -> Callable[[], None]:
        if kind == "*":
            raise EmbeddedOnly("changes of every kind")
        return self._mirror(kind).subscribe(tell)

    def has_kind(self, kind: str) -> bool:
        return self._discovery.find(kind) is not None

    # -- writing ----------------------------------------------------------------------------------
    async def create(self, manifest: Manifest) -> Manifest:
        resource = await self._resource(manifest)
        path = resource.path(meta.namespace_of(manifest), version=_version(manifest))
        return await self._send("POST", path, manifest, fieldManager=names.MANAGER)

    async def post(self, key: Key, subresource: str, manifest: Manifest) -> Manifest:
        resource = await self._discovery.need(key.kind)
        path = resource.path(key.namespace, key.name, subresource)
        return await self._send("POST", path, manifest, fieldManager=names.MANAGER)

    async def apply(self, manifest: Manifest, *, manager: str = names.MANAGER) -> Manifest:
        resource = await self._resource(manifest)
        key = key_of(manifest)
        path = resource.path(key.namespace, key.name, version=_version(manifest))
        return await self._send(
            "PATCH", path, manifest, PATCHES["apply"], fieldManager=manager, force="true"
        )

    async def replace(self, manifest: Manifest, *, subresource: str = "") -> Manifest:
        resource = await self._resource(manifest)
        key = key_of(manifest)
        path = resource.path(key.namespace, key.name, subresource, version=_version(manifest))
        return await self._send("PUT", path, manifest, fieldManager=names.MANAGER)

    async def patch(
        self,
        key: Key,
        patch: Any,
        *,
        type: PatchType = "merge",
        subresource: str = "",
        manager: str = names.MANAGER,
    ) -> Manifest:
        resource = await self._discovery.need(key.kind)
        path = resource.path(key.namespace, key.name, subresource)
        query = {"fieldManager": manager}
        if type == "apply":
            query["force"] = "true"
        return await self._send("PATCH", path, patch, PATCHES[type], **query)

    async def delete(
        self,
        key: Key,
        *,
        uid: str = "",
        grace: int | None = None,
        propagation: str = "Background",
    ) -> None:
        resource = await self._discovery.need(key.kind)
        path = resource.path(key.namespace, key.name)
        mirror = self._mirrors.get(key.kind)
        before = mirror.get(key) if mirror is not None else None
        await self.transport.request("DELETE", path, delete_options(uid, grace, propagation))
        if mirror is not None and before is not None:
            await self._until(mirror, lambda: _is_going(mirror.get(key), before))

    async def settled(self, written: Manifest) -> None:
        version = number((written.get("metadata") or {}).get("resourceVersion"))
        mirror = self._mirrors.get(kind_of(written["apiVersion"], written["kind"]))
        if mirror is not None:
            await self._until(mirror, lambda: mirror.revision >= version)

    # -- how it works -----------------------------------------------------------------------------
    def _mirror(self, kind: str) -> Mirror:
        mirror = self._mirrors.get(kind)
        if mirror is None:
            raise NotMirrored(kind)
        return mirror

    async def _resource(self, manifest: Manifest) -> Resource:
        return await self._discovery.need(kind_of(manifest["apiVersion"], manifest["kind"]))

    async def _send(
        self,
        method: str,
        path: str,
        body: Any,
        content_type: str = "application/json",
        **query: str,
    ) -> Manifest:
        answer = await self.transport.request(
            method, f"{path}?{urlencode(query)}", body, content_type=content_type
        )
        return dict(answer)

    async def _until(self, mirror: Mirror, truth: Callable[[], bool]) -> None:
        try:
            await asyncio.wait_for(mirror.until(truth), PATIENCE)
        except TimeoutError as error:
            raise Timeout(f"a write was not seen again within {PATIENCE:.0f} s") from error


def _version(manifest: Manifest) -> str:
    return str(manifest["apiVersion"]).rpartition("/")[2]


def _is_going(live: Manifest | None, before: Manifest) -> bool:
    """The object that was there is gone, another one, or on its way."""
    return live is None or meta.uid_of(live) != meta.uid_of(before) or meta.deleting(live)
