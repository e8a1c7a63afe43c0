"""How many may hold a lock at once: one a mutex, as many as a ConfigMap says a semaphore.

Limits are read anew with every look. Upstream can keep limits in a database that several clusters
share; here such a limit stands in a ConfigMap of the namespace, so that it is the same on a laptop
and on a cluster, and needs no database. Upstream: argo-workflows workflow/sync/semaphore.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sampan.kinds.workflows.locks.requests import MUTEX, Lock
from sampan.kube import names
from sampan.kube.keys import Key
from sampan.kube.plan import View

Limits = Mapping[Lock, int | None]
"""None where there is no limit to be found; the lock cannot be had then."""


def see(cluster: View, locks: Iterable[Lock]) -> dict[Lock, int | None]:
    return {lock: _limit(cluster, lock) for lock in set(locks)}


def _limit(cluster: View, lock: Lock) -> int | None:
    if lock.kind == MUTEX:
        return 1
    namespace, kind, *place = lock.name.split("/")
    name, key = place if kind == "ConfigMap" else (names.SYNC_LIMITS, "/".join(place))
    found = cluster.get(Key(names.CONFIG_MAP, namespace, name))
    text = (((found or {}).get("data") or {}).get(key) or "").strip()
    return int(text) if text.isdecimal() and len(text) < 10 else None


def why_none(lock: Lock) -> str:
    """Why a semaphore cannot be used that has no limit."""
    namespace, kind, *place = lock.name.split("/")
    name, key = place if kind == "ConfigMap" else (names.SYNC_LIMITS, "/".join(place))
    where = f"key '{key}' of ConfigMap '{name}' in namespace '{namespace}'"
    return f"failed to initialize semaphore {lock.name}: no limit found: {where}"
