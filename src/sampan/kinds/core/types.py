"""Snapshots: all that a decision of this package may depend on, and nothing else.

Manifests in them are shared with everybody and only read.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from sampan.kube.keys import Manifest


class Home(Struct, frozen=True):
    """A namespace and the root CA that everybody in it may read."""

    namespace: Manifest
    authority: Manifest | None


class Dying(Struct, frozen=True):
    """A namespace that is being deleted, and what is still in it."""

    namespace: Manifest
    contents: tuple[Manifest, ...]
    now: datetime


class Owner(Struct, frozen=True):
    """What became of one owner: `waiting` is deleted once its dependents are, `unknown` is of a
    kind that the cluster does not serve."""

    uid: str
    state: Literal["solid", "waiting", "absent", "unknown"]


class Owned(Struct, frozen=True):
    """An object that has owners or is being deleted, and what depends on it (where it matters)."""

    manifest: Manifest
    owners: tuple[Owner, ...]
    dependents: tuple[Manifest, ...]


class Aggregated(Struct, frozen=True):
    """A ClusterRole that is aggregated, and those that it is made of, by name."""

    role: Manifest
    parts: tuple[Manifest, ...]


class Claimed(Struct, frozen=True, kw_only=True):
    """A claim with what it may be bound to. `users` are pods, looked up only while deleting."""

    claim: Manifest
    storage_class: Manifest | None
    volume: Manifest | None
    candidates: tuple[Manifest, ...]
    users: tuple[Manifest, ...]


class Volume(Struct, frozen=True):
    """A volume and the claim that it names."""

    manifest: Manifest
    claim: Manifest | None


class Mirrored(Struct, frozen=True):
    """Endpoints, the service of their name, if there is one, and the slices they have."""

    endpoints: Manifest
    service: Manifest | None
    slices: tuple[Manifest, ...]


class Tainted(Struct, frozen=True):
    """A node with taints that end pods, the pods that are on it, and the present."""

    node: Manifest
    pods: tuple[Manifest, ...]
    now: datetime


class Routed(Struct, frozen=True):
    """A service, the pods that it selects and the slices that it has."""

    service: Manifest
    pods: tuple[Manifest, ...]
    slices: tuple[Manifest, ...]
