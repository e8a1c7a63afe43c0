"""Kinds: which kinds the engine follows, and which it waits for.

Reading a kind starts following it: mirror, then subscribe. A kind that the cluster does not serve
reads as empty until a CustomResourceDefinition brings it; then it is followed like the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sampan.engine.cluster import Change, Cluster
from sampan.engine.reads import EVERY_KIND

LATER = (0.5, 3.0)


class Kinds:
    def __init__(
        self,
        cluster: Cluster,
        tell: Callable[[Change], None],
        appeared: Callable[[str], None],
    ) -> None:
        self._cluster = cluster
        self._tell = tell
        self._appeared = appeared
        self._stops: dict[str, Callable[[], None]] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._looking: asyncio.Task[None] | None = None
        self._later: list[asyncio.TimerHandle] = []
        self._look_again = False
        self.followed: set[str] = set()
        self.absent: set[str] = set()

    async def follow(self, kind: str) -> None:
        """Make sure that changes of the kind are told, if the cluster serves it."""
        async with self._locks.setdefault(kind, asyncio.Lock()):
            if kind in self.followed:
                return
            if kind != EVERY_KIND:
                await self._cluster.mirror(kind)
                if not self._cluster.has_kind(kind):
                    self.absent.add(kind)
                    return
            self.absent.discard(kind)
            self.followed.add(kind)
            if kind == EVERY_KIND:
                self._stop()
            if kind == EVERY_KIND or EVERY_KIND not in self.followed:
                self._stops[kind] = self._cluster.subscribe(kind, self._tell)

    def definitions_changed(self) -> None:
        """Look for the absent kinds again: after everybody has heard of the change, and twice
        later, for a real server serves a new kind some time after it says so."""
        self._look_soon()
        loop = asyncio.get_running_loop()
        self._later = [each for each in self._later if each.when() > loop.time()]
        self._later += [loop.call_later(delay, self._look_soon) for delay in LATER]

    def _look_soon(self) -> None:
        if not self.absent:
            return
        self._look_again = True
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look())

    @property
    def busy(self) -> bool:
        return self._looking is not None and not self._looking.done()

    def close(self) -> None:
        self._stop()
        self.followed.clear()
        for handle in self._later:
            handle.cancel()
        if self._looking is not None:
            self._looking.cancel()

    async def _look(self) -> None:
        while self._look_again:
            self._look_again = False
            await asyncio.sleep(0)
            for kind in sorted(self.absent):
                await self.follow(kind)
                if kind in self.followed:
                    self._appeared(kind)

    def _stop(self) -> None:
        for stop in self._stops.values():
            stop()
        self._stops.clear()
