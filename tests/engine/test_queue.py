"""The queue: once at a time, in order, and later when asked."""

from __future__ import annotations

import asyncio

import pytest

from sampan.engine.queue import ON_ERROR, Backoff, Queue
from sampan.lib.clock import ManualClock, SystemClock
from sampan.testing.memory import START


def test_a_job_waits_once_and_in_order() -> None:
    async def run() -> None:
        queue: Queue[str] = Queue(ManualClock(START))
        for job in ("a", "b", "a", "c"):
            queue.add(job)
        assert [await queue.take() for _ in range(3)] == ["a", "b", "c"]
        assert queue._ready.empty()

    asyncio.run(run())


def test_a_job_that_is_added_while_it_runs_runs_again() -> None:
    async def run() -> None:
        queue: Queue[str] = Queue(ManualClock(START))
        queue.add("a")
        job = await queue.take()
        queue.add("a")
        assert queue._ready.empty(), "not twice at the same time"
        queue.done(job)
        assert await queue.take() == "a"
        queue.done("a")
        assert queue.calm.is_set()

    asyncio.run(run())


def test_a_job_that_rests_runs_again_only_after_that() -> None:
    async def scenario() -> None:
        queue: Queue[str] = Queue(SystemClock())
        queue.add("huge")
        await queue.take()
        queue.done("huge", rest=0.02)
        queue.add("huge")
        queue.add("huge")
        queue.add("small")
        assert await queue.take() == "small"
        queue.done("small")
        assert not queue.calm.is_set()
        assert await asyncio.wait_for(queue.take(), 1) == "huge"
        queue.done("huge")
        assert queue.calm.is_set()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("failures", "delay"), [(1, 0.05), (2, 0.1), (3, 0.2), (12, 102.4), (14, 300), (10_000, 300)]
)
def test_delays_double_up_to_the_cap(failures: int, delay: float) -> None:
    assert ON_ERROR.delay(failures) == pytest.approx(delay)


def test_success_forgets_the_failures() -> None:
    async def run() -> None:
        queue: Queue[str] = Queue(ManualClock(START))
        backoff = Backoff(first=1, cap=10)
        assert [queue.failed("a", backoff) for _ in range(3)] == [1, 2, 4]
        queue.succeeded("a")
        assert queue.failed("a", backoff) == 1
        queue.close()

    asyncio.run(run())


def test_a_new_timer_replaces_the_old_one() -> None:
    async def run() -> None:
        clock = ManualClock(START)
        queue: Queue[str] = Queue(clock)
        queue.later("a", 10)
        queue.later("a", 20)
        clock.advance(10)
        queue.tick()
        assert queue.calm.is_set()
        clock.advance(10)
        queue.tick()
        assert await queue.take() == "a"
        queue.close()

    asyncio.run(run())


def test_taking_a_job_clears_its_timer() -> None:
    async def run() -> None:
        clock = ManualClock(START)
        queue: Queue[str] = Queue(clock)
        queue.later("a", 10)
        queue.add("a")
        queue.done(await queue.take())
        clock.advance(10)
        queue.tick()
        assert queue.calm.is_set()
        queue.close()

    asyncio.run(run())


def test_replaced_timers_do_not_pile_up() -> None:
    async def run() -> None:
        queue: Queue[int] = Queue(ManualClock(START))
        for number in range(10_000):
            queue.later(number % 10, 1000 + number)
        assert len(queue._heap) < 200
        queue.close()

    asyncio.run(run())


def test_a_closed_queue_takes_nothing() -> None:
    async def run() -> None:
        queue: Queue[str] = Queue(ManualClock(START))
        queue.add("a")
        queue.close()
        queue.add("b")
        assert queue.calm.is_set()
        assert queue._ready.empty()

    asyncio.run(run())


@pytest.mark.parametrize("jump", [-86_400.0, -30.0, -0.5, 0.0, 0.5])
def test_a_clock_that_is_set_back_delays_nobody(jump: float) -> None:
    async def run() -> None:
        clock = ManualClock(START)
        queue: Queue[str] = Queue(clock)
        queue.later("a", 10)
        clock.advance(4)
        clock.set_by(jump)
        queue.later("b", 2)
        queue.tick()
        assert queue._ready.empty()
        clock.advance(2.1)
        queue.tick()
        assert await queue.take() == "b"
        clock.advance(4.5)
        queue.tick()
        assert await queue.take() == "a"
        queue.close()

    asyncio.run(run())


def test_after_a_sleep_of_the_machine_what_is_due_runs() -> None:
    async def run() -> None:
        clock = ManualClock(START)
        queue: Queue[str] = Queue(clock)
        queue.later("a", 3600)
        clock.set_by(7200)  # the steady clock stood still
        queue.tick()
        assert await queue.take() == "a"
        queue.close()

    asyncio.run(run())
