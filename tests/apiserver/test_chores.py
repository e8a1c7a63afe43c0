"""Chores: each key once, none lost, whatever a look does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from sampan.apiserver.chores import Chores
from sampan.kube.errors import Conflict, Forbidden, NotFound
from sampan.kube.keys import Key


def key(name: str) -> Key:
    return Key("ConfigMap", "a", name)


def looked(fill: Callable[[Chores], None], *faults: Exception) -> list[str]:
    """The names that were looked at until `end`; `faults` are raised by the first looks."""
    seen: list[str] = []
    coming = list(faults)

    async def run() -> None:
        ended = asyncio.Event()

        async def look(at: Key) -> None:
            seen.append(at.name)
            if at.name == "end":
                ended.set()
            elif coming:
                raise coming.pop(0)

        chores = Chores(look)
        fill(chores)
        await asyncio.wait_for(ended.wait(), 5)
        await chores.close()

    asyncio.run(run())
    return seen


def test_a_key_that_comes_twice_is_looked_at_once() -> None:
    def fill(chores: Chores) -> None:
        for name in ("b", "a", "b", "end"):
            chores.later(key(name))

    assert looked(fill) == ["a", "b", "end"]


@pytest.mark.parametrize(
    "fault",
    [NotFound("gone"), Forbidden("no"), ValueError("a fault of ours")],
    ids=["gone", "refused", "fault"],
)
def test_a_look_that_fails_does_not_stop_the_others(fault: Exception) -> None:
    def fill(chores: Chores) -> None:
        for name in ("a", "b", "end"):
            chores.later(key(name))

    assert looked(fill, fault) == ["a", "b", "end"]


def test_a_look_that_met_a_write_is_repeated() -> None:
    def fill(chores: Chores) -> None:
        chores.later(key("a"))
        asyncio.get_running_loop().call_later(0.2, chores.later, key("end"))

    assert looked(fill, Conflict("modified")) == ["a", "a", "end"]
