"""The embedded API server, called as functions, passes the contract of clusters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from sampan.engine.cluster import Cluster
from sampan.testing.cluster import ClusterContract


class TestLocal(ClusterContract):
    @pytest.fixture(autouse=True)
    def _serves(self, serve: Callable[[], AbstractAsyncContextManager[Any]]) -> None:
        self.serve = serve

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Cluster]:
        async with self.serve() as served:
            yield served.cluster
