"""A mirror: all objects of one kind, kept in memory by list and watch.

    list ──> watch ──end──> watch from the last revision …  ──410──> list, told as a difference

A broken connection is taken up again with back-off; nothing is told twice and nothing is missed
but the states in between, which a level-triggered reader does not need.
Upstream's counterpart: k8s.io/client-go tools/cache reflector.go.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from sampan.engine.cluster import Change
from sampan.engine.discovery import Resource
from sampan.engine.queue import Backoff
from sampan.engine.transport import Transport
from sampan.kube import meta
from sampan.kube.errors import Expired, SampanError, from_status
from sampan.kube.keys import Key, Manifest, kind_of

log = logging.getLogger(__name__)

PAGE = 500
WATCH_SECONDS = 300
RECONNECT = Backoff(first=0.1, cap=30)

Tell = Callable[[Change], None]


class Mirror:
    def __init__(self, transport: Transport, resource: Resource) -> None:
        self._transport = transport
        self._resource = resource
        self._kind = kind_of(resource.api_version, resource.kind)
        self._objects: dict[Key, Manifest] = {}
        self._order: list[Key] = []
        self._owned: dict[str, set[Key]] = {}
        self._listeners: list[Tell] = []
        self._waiters: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._version = ""
        self.revision = 0

    # -- reading ----------------------------------------------------------------------------------
    def get(self, key: Key) -> Manifest | None:
        return self._objects.get(key)

    def list(self, namespace: str = "") -> Sequence[Manifest]:
        first, end = 0, len(self._order)
        if namespace:
            first = bisect_left(self._order, Key(self._kind, namespace, ""))
            end = bisect_left(self._order, Key(self._kind, namespace + "\0", ""))
        return [self._objects[key] for key in self._order[first:end]]

    def owned(self, uid: str, namespace: str = "") -> Sequence[Manifest]:
        keys = sorted(self._owned.get(uid, ()))
        return [self._objects[key] for key in keys if namespace in ("", key.namespace)]

    def versions(self, uid: str, namespace: str = "") -> Sequence[tuple[Key, int | str]]:
        return [
            (key, self._objects[key]["metadata"]["resourceVersion"])
            for key in self._owned.get(uid, ())
            if namespace in ("", key.namespace)
        ]

    def subscribe(self, tell: Tell) -> Callable[[], None]:
        for key in self._order:
            tell(Change("ADDED", key, self._objects[key]))
        self._listeners.append(tell)
        return lambda: self._listeners.remove(tell) if tell in self._listeners else None

    async def until(self, truth: Callable[[], bool]) -> None:
        """Wait until it holds; looked at after each change."""
        if not truth():
            future = asyncio.get_running_loop().create_future()
            self._waiters.append((truth, future))
            await future

    # -- keeping ----------------------------------------------------------------------------------
    async def fill(self) -> None:
        """List everything. Raises what the server or the network says."""
        query = f"?limit={PAGE}"
        found: list[Manifest] = []
        while True:
            page = await self._transport.request("GET", self._resource.path() + query)
            found += page.get("items") or ()
            version = page["metadata"]["resourceVersion"]
            token = page["metadata"].get("continue")
            if not token:
                break
            query = f"?limit={PAGE}&continue={token}"
        self._take_all([self._typed(item) for item in found])
        self._reached(version)

    async def run(self) -> None:
        """Follow the changes until cancelled."""
        failures = 0
        stale = False
        while True:
            try:
                if stale:
                    await self.fill()
                    stale = False
                before = self._version
                await self._watch()
                failures = 0 if self._version != before else failures + 1
            except Expired:
                stale, failures = True, failures + 1
            except SampanError as error:
                failures += 1
                log.warning("mirror of %s: %s", self._kind, error)
            except Exception:
                # A server's nonsense or our own mistake: a mirror that stops would freeze its kind.
                stale, failures = True, failures + 1
                log.exception("mirror of %s", self._kind)
            if failures > 1:
                await asyncio.sleep(RECONNECT.delay(failures - 1))

    async def _watch(self) -> None:
        path = self._resource.path() + (
            f"?watch=true&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}"
            f"&resourceVersion={self._version}"
        )
        async for line in self._transport.lines(path, silence=WATCH_SECONDS + 30):
            event = orjson.loads(line)
            manifest = event["object"]
            match event["type"]:
                case "ERROR":
                    raise from_status(manifest)
                case "BOOKMARK":
                    pass
                case "DELETED":
                    self._drop(self._typed(manifest))
                case _:
                    self._take(self._typed(manifest))
            self._reached(manifest["metadata"]["resourceVersion"])

    # -- the index --------------------------------------------------------------------------------
    def _typed(self, item: Manifest) -> Manifest:
        """Items of a list do not say what they are."""
        return {"apiVersion": self._resource.api_version, "kind": self._resource.kind, **item}

    def _take_all(self, found: Sequence[Manifest]) -> None:
        present = {self._key(manifest) for manifest in found}
        for key in [key for key in self._order if key not in present]:
            self._drop(self._objects[key])
        for manifest in found:
            self._take(manifest)

    def _take(self, manifest: Manifest) -> None:
        key = self._key(manifest)
        old = self._objects.get(key)
        if old is not None:
            if old["metadata"]["resourceVersion"] == manifest["metadata"]["resourceVersion"]:
                return
            if old["metadata"].get("uid") != manifest["metadata"].get("uid"):
                self._drop(old)  # it went while nobody was watching, and this is another one
                old = None
            else:
                self._unindex(key, old)
        if old is None:
            insort(self._order, key)
        self._objects[key] = manifest
        for uid in meta.owner_uids(manifest):
            self._owned.setdefault(uid, set()).add(key)
        self._tell(Change("MODIFIED" if old else "ADDED", key, manifest))

    def _drop(self, manifest: Manifest) -> None:
        key = self._key(manifest)
        old = self._objects.pop(key, None)
        if old is None:
            return
        self._unindex(key, old)
        del self._order[bisect_left(self._order, key)]
        self._tell(Change("DELETED", key, manifest))

    def _unindex(self, key: Key, old: Manifest) -> None:
        for uid in meta.owner_uids(old):
            keys = self._owned.get(uid, set())
            keys.discard(key)
            if not keys:
                self._owned.pop(uid, None)

    def _key(self, manifest: Manifest) -> Key:
        return Key(self._kind, meta.namespace_of(manifest), meta.name_of(manifest))

    def _tell(self, change: Change) -> None:
        for tell in tuple(self._listeners):
            tell(change)

    def _reached(self, version: str) -> None:
        self._version = version
        self.revision = max(self.revision, number(version))
        if not self._waiters:
            return
        waiting, self._waiters = self._waiters, []
        for truth, future in waiting:
            if future.done():
                continue
            if truth():
                future.set_result(None)
            else:
                self._waiters.append((truth, future))


def number(version: Any) -> int:
    """Revisions are one growing number in every Kubernetes server; 0 for something else."""
    return int(version) if str(version).isdecimal() else 0
