"""The products beside the Kubernetes API, as far as their parts do not show it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sampan.config import Config, Home
from sampan.engine.local import LocalCluster
from sampan.lib.clock import ManualClock
from sampan.products import _Katib
from sampan.testing.memory import START, MemoryApi


def test_a_search_of_ones_own_is_reached_by_the_node_that_comes_later(tmp_path: Path) -> None:
    async def dial(host: str, port: int, namespace: str) -> Any:
        return host, port, namespace

    async def run() -> Any:
        cluster = LocalCluster(MemoryApi())
        katib = _Katib(Home(tmp_path), Config(), cluster, ManualClock(START))
        asks = katib._foreign()._dial
        with pytest.raises(ConnectionError, match="not ready"):
            await asks("own.u", 6789, "u")
        katib.door(namespace_at=lambda _: "", is_owner=lambda *_: False, dial=dial)
        return await asks("own.u", 6789, "u")

    assert asyncio.run(run()) == ("own.u", 6789, "u")
