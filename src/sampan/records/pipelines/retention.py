"""Retention: how many Runs that have ended stay in the cluster; SQL has all of them for good.

Of each namespace the newest stay, by default 100; older ones are deleted once they are kept, and
their pods with them, which they own. It is no controller, as what may be deleted is known here
alone: a mark on each Run that is kept would be a write of its whole status, and looking for the
oldest in the cluster would be a read of them all for each Run that ends. What is remembered of a
Run here is its name, its uid, and when it ended. Workflows have a time to live of their own.
"""

from __future__ import annotations

import bisect
import logging
from collections.abc import Sequence

from sampan.engine.cluster import Cluster
from sampan.kube import meta, names, runs
from sampan.kube.errors import ApiStatus, Conflict, NotFound
from sampan.kube.keys import Key, Manifest, key_of
from sampan.records.pipelines import reading

_log = logging.getLogger(__name__)

KEPT = 100


class Retention:
    def __init__(self, cluster: Cluster, kept: int = KEPT) -> None:
        self._cluster = cluster
        self._kept = kept
        self._ended: dict[str, list[tuple[int, str, str]]] = {}
        self._known: set[tuple[str, int]] = set()

    async def consider(self, kept: Sequence[Manifest]) -> None:
        """These are kept as they are now: delete what is too old by then."""
        for run in kept:
            uid, at = meta.uid_of(run), _ended_at(run)
            if run["kind"] != "Run" or at is None or (uid, at) in self._known:
                continue
            self._known.add((uid, at))
            ended = self._ended.setdefault(meta.namespace_of(run), [])
            bisect.insort(ended, (at, meta.name_of(run), uid))
        for namespace, ended in self._ended.items():
            while len(ended) > self._kept and await self._drop(namespace, *ended[0]):
                at, _, uid = ended.pop(0)
                self._known.discard((uid, at))

    async def _drop(self, namespace: str, at: int, name: str, uid: str) -> bool:
        """Whether it need not be remembered any more: it is gone, or is not what it was."""
        key = Key(names.RUN, namespace, name)
        run = self._cluster.get(key)
        if run is None or meta.uid_of(run) != uid or _ended_at(run) != at:
            return True
        try:
            await self._cluster.delete(key_of(run), uid=uid)
        except (NotFound, Conflict):
            return True
        except ApiStatus as error:
            _log.warning("%s is kept, but cannot be deleted: %s", key, error)
            return False
        return True


def _ended_at(run: Manifest) -> int | None:
    """None for one that goes on (again), or is being deleted."""
    if reading.state_of(run) not in runs.ENDS or meta.deleting(run):
        return None
    return reading.millis((run.get("status") or {}).get("finishedAt"))
