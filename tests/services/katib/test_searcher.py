"""The processes that search, asked from here."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from sampan.lib.search.problem import Objective, Parameter, Problem
from sampan.lib.search.process import Reply, Request
from sampan.services.katib.searcher import Searcher

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc"),
]


def request(name: str = "e", **problem: object) -> Request:
    made = Problem(
        name=name,
        parameters=(Parameter(name="x", kind="double", min=0, max=1),),
        objectives=(Objective(metric="loss", minimize=True),),
        settings={},
        seed=1,
        max_trials=9,
        parallel=1,
        **problem,  # type: ignore[arg-type]
    )
    return Request(verb="suggest", algorithm="random", problem=made, count=1)


def processes() -> list[int]:
    """Those that search for this test."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    command = b"sampan.lib.search.process"
    return [int(pid) for pid in listed if command in Path(f"/proc/{pid}/cmdline").read_bytes()]


def is_answered(reply: Reply) -> bool:
    return reply.answer is not None and len(reply.answer.suggestions) == 1


def test_a_process_that_stands_still_holds_up_one_experiment_for_a_while() -> None:
    async def play() -> None:
        searcher = Searcher(quick=2.0)
        try:
            assert is_answered(await searcher.ask(request()))
            [first] = processes()
            os.kill(first, signal.SIGSTOP)
            assert is_answered(await searcher.ask(request()))
            [second] = processes()
            assert second != first
            assert is_answered(await searcher.ask(request("other")))
            assert len(processes()) == 2
        finally:
            await searcher.stop()

    asyncio.run(play())


def test_a_process_that_dies_is_replaced() -> None:
    async def play() -> None:
        searcher = Searcher()
        try:
            assert is_answered(await searcher.ask(request()))
            [pid] = processes()
            os.kill(pid, signal.SIGKILL)
            replies = [await searcher.ask(request()) for _ in range(2)]
            assert is_answered(replies[1])
        finally:
            await searcher.stop()

    asyncio.run(play())


def test_who_takes_too_long_at_last_is_told() -> None:
    async def play() -> Reply:
        searcher = Searcher(quick=0.0, longest=0.0)
        try:
            return await searcher.ask(request())
        finally:
            await searcher.stop()

    assert asyncio.run(play()).failed == "random took longer than 0 s"
