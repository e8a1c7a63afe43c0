"""The in-memory fake passes the contract of clusters."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sampan.engine.cluster import Cluster
from sampan.engine.local import LocalCluster
from sampan.testing.cluster import ClusterContract
from sampan.testing.memory import MemoryApi


class TestMemory(ClusterContract):
    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Cluster]:
        yield LocalCluster(MemoryApi())
