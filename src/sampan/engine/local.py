"""LocalCluster: the embedded API server in the same process, called as functions.

Reads see the committed store, so nothing has to be mirrored and a write is settled when it
returns. The API server owns what it is given, and reads are shared: hence the one copy here, by
encoding (a tenth of what `deepcopy` costs).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from sampan.engine.cluster import Api, Change, PatchType
from sampan.kube import names
from sampan.kube.keys import Key, Manifest, key_of
from sampan.kube.selectors import EVERYTHING, LabelSelector


class LocalCluster:
    """A `Cluster` over an `Api`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def get(self, key: Key) -> Manifest | None:
        return self._api.get(key)

    def list(
        self, kind: str, namespace: str = "", selector: LabelSelector = EVERYTHING
    ) -> Sequence[Manifest]:
        return self._api.list(kind, namespace, selector)

    def owned(self, uid: str, kind: str, namespace: str = "") -> Sequence[Manifest]:
        return self._api.owned(uid, kind, namespace)

    def versions(self, uid: str, kind: str, namespace: str = "") -> Sequence[tuple[Key, int | str]]:
        return self._api.versions(uid, kind, namespace)

    def dependents(self, uid: str) -> Sequence[Manifest]:
        return self._api.owned(uid)

    def contents(self, namespace: str) -> Sequence[Manifest]:
        return self._api.contents(namespace)

    async def mirror(self, kind: str) -> None:
        return None

    def subscribe(self, kind: str, tell: Callable[[Change], None]) -> Callable[[], None]:
        return self._api.subscribe(kind, tell)

    def has_kind(self, kind: str) -> bool:
        return self._api.has_kind(kind)

    async def create(self, manifest: Manifest) -> Manifest:
        return await self._api.create(_copy(manifest), manager=names.MANAGER)

    async def post(self, key: Key, subresource: str, manifest: Manifest) -> Manifest:
        return await self._api.post(key, subresource, _copy(manifest))

    async def apply(self, manifest: Manifest, *, manager: str = names.MANAGER) -> Manifest:
        return await self._api.patch(
            key_of(manifest),
            _copy(manifest),
            type="apply",
            subresource="",
            manager=manager,
            force=True,
        )

    async def replace(self, manifest: Manifest, *, subresource: str = "") -> Manifest:
        return await self._api.replace(
            _copy(manifest), subresource=subresource, manager=names.MANAGER
        )

    async def patch(
        self,
        key: Key,
        patch: Any,
        *,
        type: PatchType = "merge",
        subresource: str = "",
        manager: str = names.MANAGER,
    ) -> Manifest:
        return await self._api.patch(
            key, _copy(patch), type=type, subresource=subresource, manager=manager, force=True
        )

    async def delete(
        self,
        key: Key,
        *,
        uid: str = "",
        grace: int | None = None,
        propagation: str = "Background",
    ) -> None:
        await self._api.delete(key, delete_options(uid, grace, propagation))

    async def settled(self, written: Manifest) -> None:
        return None

    async def close(self) -> None:
        return None


def delete_options(uid: str, grace: int | None, propagation: str) -> Manifest:
    """A DeleteOptions that says only what is asked."""
    options: Manifest = {"propagationPolicy": propagation}
    if uid:
        options["preconditions"] = {"uid": uid}
    if grace is not None:
        options["gracePeriodSeconds"] = grace
    return options


def _copy(manifest: Any) -> Any:
    return orjson.loads(orjson.dumps(manifest))
