"""What containers use: the rates between two samples, and samples of real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from sampan.kube.errors import ServiceUnavailable
from sampan.nodes.meter import Meter, Sample, Total, compare, sample
from sampan.nodes.supervisor.client import Report

BUSY = """
import subprocess, sys, threading
def work():  # a child of a thread that is not the first, which has children of its own
    subprocess.run([sys.executable, "-c", "x = bytearray(30_000_000)\\nwhile True: pass"])
threading.Thread(target=work).start()
"""


def taken(at: float, started: float, **cpu: float) -> Sample:
    totals = {f"uid/{name}.0": Total(seconds, 1000) for name, seconds in cpu.items()}
    return Sample(at, Total(at, 5000), totals, dict.fromkeys(totals, started))


def test_a_rate_is_the_difference_of_two_samples() -> None:
    measured = compare("n", taken(100, 10, main=5), taken(110, 10, main=10))
    used = measured.containers["uid"]["main"]
    assert (used.cpu, used.memory, used.at, used.window) == (0.5, 1000, 110, 10)
    assert (measured.node, measured.machine.cpu) == ("n", 1.0)


def test_a_container_that_is_new_is_compared_with_its_start() -> None:
    used = compare("n", taken(100, 10), taken(110, 108, main=1)).containers["uid"]["main"]
    assert (used.cpu, used.window) == (0.5, 2)


def test_time_that_seems_to_run_backwards_is_no_negative_rate() -> None:
    used = compare("n", taken(100, 10, main=5), taken(110, 10, main=4)).containers["uid"]["main"]
    assert used.cpu == 0


def test_containers_that_have_ended_are_not_measured() -> None:
    assert compare("n", taken(100, 10, main=5), taken(110, 10)).containers == {}


@pytest.mark.skipif(not os.path.exists("/proc/stat"), reason="needs /proc")
def test_all_processes_below_a_container_count() -> None:
    program = subprocess.Popen([sys.executable, "-c", BUSY], start_new_session=True)
    try:
        roots, started = {"uid/main.0": program.pid}, {"uid/main.0": time.time()}
        deadline = time.monotonic() + 20
        total = Total(0, 0)
        while (total.cpu < 0.3 or total.memory < 30_000_000) and time.monotonic() < deadline:
            total = sample(roots, started, time.time).containers["uid/main.0"]
        assert total.cpu >= 0.3
        assert total.memory >= 30_000_000
    finally:
        os.killpg(program.pid, signal.SIGKILL)
        program.wait(10)


@pytest.mark.skipif(not os.path.exists("/proc/stat"), reason="needs /proc")
def test_a_meter_measures_when_asked_and_not_twice_at_once() -> None:
    asked = []

    async def running() -> list[Report]:
        asked.append(time.time())
        return [
            Report("uid/main.0", time.time() - 1, os.getpid()),
            Report("uid/gone.0", 1.0, 0, 2.0, 0),
        ]

    async def story() -> None:
        meter = Meter("n", running, time.time)
        one, other = await asyncio.gather(meter.measure(), meter.measure())
        assert one is other
        assert len(asked) == 2
        assert one.containers.keys() == {"uid"}
        assert one.containers["uid"]["main"].memory > 1_000_000
        assert one.machine.memory > 1_000_000
        assert meter.latest() is one
        await meter.close()

    asyncio.run(story())


@pytest.mark.skipif(not os.path.exists("/proc/stat"), reason="needs /proc")
def test_rates_reach_back_a_quarter_of_a_minute_and_no_further() -> None:
    now = [1000.0]

    async def running() -> list[Report]:
        return [Report("uid/main.0", 990.0, os.getpid())]

    async def windows() -> list[float]:
        meter, found = Meter("n", running, lambda: now[0]), []
        meter._samples.append(taken(999.0, 990.0, main=0))
        for seconds in (0, 8, 8, 15, 15, 3, 200):
            now[0] += seconds
            if seconds == 200:  # nothing to compare with: another sample would take a second
                meter._samples[-1] = taken(now[0] - 30, 990.0, main=0)
            measured = await meter.measure()
            found.append(measured.containers["uid"]["main"].window)
        return found

    assert asyncio.run(windows()) == [1, 9, 16, 15, 15, 18, 30]


def test_a_machine_that_cannot_be_measured_says_so() -> None:
    async def running() -> list[Report]:
        raise FileNotFoundError("/proc/stat")

    with pytest.raises(ServiceUnavailable, match="cannot measure"):
        asyncio.run(Meter("n", running, time.time).measure())
