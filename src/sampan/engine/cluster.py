"""Cluster: what the engine, the node and the pages ask of a Kubernetes cluster.

Two implementations pass the same published tests (`sampan.testing.cluster.ClusterContract`):
`local.py` calls the embedded API server as functions, `remote.py` talks HTTP to any API server.
Reading is synchronous and in memory (`get`, `list`, …): local reads the committed store, remote
reads mirrors that are kept by watches. Writing is a coroutine that returns when the cluster has
acknowledged. This is no client library: it has the verbs that Sampan uses and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from msgspec import Struct

from sampan.kube import names
from sampan.kube.errors import SampanError
from sampan.kube.keys import Key, Manifest
from sampan.kube.selectors import EVERYTHING, LabelSelector

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]
PatchType = Literal["json", "merge", "strategic", "apply"]


class Change(Struct, frozen=True):
    """One committed write. `manifest` is the state after it (the last state, for DELETED)."""

    type: ChangeType
    key: Key
    manifest: Manifest


class NotMirrored(Exception):
    """A kind was read that this cluster does not hold in memory yet; `await mirror(kind)` first."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class EmbeddedOnly(SampanError):
    """A read across all kinds was asked of a cluster that is not the embedded one."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: only the embedded cluster can be asked for that")


class Cluster(Protocol):
    # -- reading, in memory; answers are shared and must not be changed -----------------------
    def get(self, key: Key) -> Manifest | None: ...

    def list(
        self, kind: str, namespace: str = "", selector: LabelSelector = EVERYTHING
    ) -> Sequence[Manifest]:
        """Ordered by namespace and name; namespace "" is all."""
        ...

    def owned(self, uid: str, kind: str, namespace: str = "") -> Sequence[Manifest]:
        """Objects of `kind` whose ownerReferences name `uid`, ordered by name."""
        ...

    def versions(self, uid: str, kind: str, namespace: str = "") -> Sequence[tuple[Key, int | str]]:
        """The same, in no order: keys, each with what is another one whenever the object is."""
        ...

    def dependents(self, uid: str) -> Sequence[Manifest]:
        """Objects of every kind whose ownerReferences name `uid` (local only)."""
        ...

    def contents(self, namespace: str) -> Sequence[Manifest]:
        """Objects of every kind in the namespace (local only)."""
        ...

    async def mirror(self, kind: str) -> None:
        """Make sure that `kind` can be read, if the cluster serves it (see `has_kind`). Returns
        at once for a local cluster."""
        ...

    def subscribe(self, kind: str, tell: Callable[[Change], None]) -> Callable[[], None]:
        """Call `tell` on the event loop for each committed change of `kind` ("*" is every kind;
        local only), in order. Starts with ADDED for what is there. Returns the way to stop."""
        ...

    def has_kind(self, kind: str) -> bool:
        """Whether the cluster serves this kind."""
        ...

    # -- writing ------------------------------------------------------------------------------
    async def create(self, manifest: Manifest) -> Manifest:
        """AlreadyExists, Invalid, NotFound (namespace)…"""
        ...

    async def post(self, key: Key, subresource: str, manifest: Manifest) -> Manifest:
        """POST to a subresource: pods/binding, pods/eviction, serviceaccounts/token."""
        ...

    async def apply(self, manifest: Manifest, *, manager: str = names.MANAGER) -> Manifest:
        """Server-side apply with force. Without a change the object keeps its resourceVersion."""
        ...

    async def replace(self, manifest: Manifest, *, subresource: str = "") -> Manifest:
        """PUT; Conflict when the manifest's resourceVersion is not the latest."""
        ...

    async def patch(
        self,
        key: Key,
        patch: Any,
        *,
        type: PatchType = "merge",
        subresource: str = "",
        manager: str = names.MANAGER,
    ) -> Manifest: ...

    async def delete(
        self,
        key: Key,
        *,
        uid: str = "",
        grace: int | None = None,
        propagation: str = "Background",
    ) -> None:
        """NotFound when it is not there; Conflict when `uid` is another's. Returns when reading
        shows it (the object is gone, or being deleted), if the kind is mirrored."""
        ...

    async def settled(self, written: Manifest) -> None:
        """Wait until reading shows this write (or a later one)."""
        ...

    async def close(self) -> None: ...


class Api(Protocol):
    """The embedded API server, called as functions by `local.py` as the user system:sampan.

    Implemented by `sampan.apiserver`; the two meet in `sampan.app`. Manifests given are owned by
    the callee from then on; manifests returned are shared.
    """

    def get(self, key: Key) -> Manifest | None: ...

    def list(
        self, kind: str, namespace: str = "", selector: LabelSelector = EVERYTHING
    ) -> Sequence[Manifest]: ...

    def owned(self, uid: str, kind: str = "", namespace: str = "") -> Sequence[Manifest]: ...

    def versions(
        self, uid: str, kind: str, namespace: str = ""
    ) -> Sequence[tuple[Key, int | str]]: ...

    def contents(self, namespace: str) -> Sequence[Manifest]: ...

    def has_kind(self, kind: str) -> bool: ...

    def subscribe(self, kind: str, tell: Callable[[Change], None]) -> Callable[[], None]: ...

    async def create(self, manifest: Manifest, *, manager: str) -> Manifest: ...

    async def post(self, key: Key, subresource: str, manifest: Manifest) -> Manifest: ...

    async def replace(self, manifest: Manifest, *, subresource: str, manager: str) -> Manifest: ...

    async def patch(
        self, key: Key, patch: Any, *, type: PatchType, subresource: str, manager: str, force: bool
    ) -> Manifest:
        """Type "apply" creates when absent; `patch` is then the manifest."""
        ...

    async def delete(self, key: Key, options: Mapping[str, Any]) -> Manifest:
        """`options` is a DeleteOptions; answers with the object or a Status."""
        ...
