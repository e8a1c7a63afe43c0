"""The supervisor alone: started once, stopped with grace, entered, shut down."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sampan.nodes.sandbox.level import Level, probe
from sampan.nodes.sandbox.spec import Sandbox
from sampan.nodes.supervisor import client as clients
from sampan.nodes.supervisor.client import Client, Refused, Report, shut_down

ENV = {"PATH": "/usr/bin:/bin"}


class Bench:
    """A client with a supervisor of its own, and what it was told."""

    def __init__(self, directory: Path, level: Level) -> None:
        self.directory = directory
        self.level = level
        self.reports: dict[str, asyncio.Future[Report]] = {}
        self.client = Client(directory, self._exited, lambda: None)

    async def start(self, identity: str, command: str, **more: Any) -> Report:
        self.reports.setdefault(identity, asyncio.get_running_loop().create_future())
        box = Sandbox(argv=("sh", "-c", command), env=ENV, **more)
        return await self.client.start(self.level.request(identity, box))

    async def end(self, identity: str) -> Report:
        return await asyncio.wait_for(self.reports[identity], 10)

    def _exited(self, report: Report) -> None:
        self.reports[report.id].set_result(report)


@pytest.fixture(params=["bubblewrap", "namespaces", "plain"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., None]:
    def run(story: Callable[[Bench], Any]) -> None:
        async def whole() -> None:
            level = await probe(request.param)
            if level.kind != request.param:
                pytest.skip(level.reason)
            place = Bench(tmp_path / "node", level)
            await place.client.connect()
            try:
                await story(place)
            finally:
                place.client.close()
                await clients.end_everything(place.directory, 0)

        asyncio.run(whole())

    return run


def test_exit_codes_and_times(bench: Callable[..., None]) -> None:
    async def story(place: Bench) -> None:
        before = time.time()
        started = await place.start("u/c.0", "exit 9")
        ended = await place.end("u/c.0")
        assert (ended.code, ended.reason) == (9, "")
        assert ended.finished is not None
        assert before <= started.started <= ended.finished <= time.time()
        await place.start("u/k.0", "kill -9 $$")
        assert (await place.end("u/k.0")).code == 137

    bench(story)


def test_the_same_id_is_started_once(bench: Callable[..., None]) -> None:
    async def story(place: Bench) -> None:
        first = await place.start("u/c.0", "sleep 0.1; exit 4")
        again = await place.start("u/c.0", "exit 1")
        assert again.pid == first.pid
        assert (await place.end("u/c.0")).code == 4
        place.client.forget(["u/c.0"])
        late = await place.start("u/c.0", "exit 1")
        assert late.code == 4

    bench(story)


def test_what_cannot_be_started(bench: Callable[..., None]) -> None:
    async def story(place: Bench) -> None:
        box = Sandbox(argv=("nonesuch", "x"), env=ENV)
        place.reports["u/c.0"] = asyncio.get_running_loop().create_future()
        report = await place.client.start(place.level.request("u/c.0", box))
        if report.code is None:
            report = await place.end("u/c.0")
        assert (report.code, report.reason) == (128, "StartError")
        assert report.message == 'exec: "nonesuch": executable file not found in $PATH'

    bench(story)


def test_grace_and_then_the_kill(bench: Callable[..., None]) -> None:
    async def story(place: Bench) -> None:
        await place.start("u/a.0", "trap 'exit 3' TERM; while :; do sleep 0.01; done")
        await asyncio.sleep(0.1)
        await place.client.stop("u/a.0", 10)
        assert (await place.end("u/a.0")).code == 3
        await place.start("u/b.0", "trap '' TERM; while :; do sleep 0.01; done")
        await asyncio.sleep(0.1)
        await place.client.stop("u/b.0", 60)
        await place.client.stop("u/b.0", 0.05)
        assert (await place.end("u/b.0")).code == 137

    bench(story)


def test_a_stop_right_after_the_start_still_is_a_sigterm(bench: Callable[..., None]) -> None:
    async def story(place: Bench) -> None:
        await place.start("u/a.0", "sleep 100")
        await place.client.stop("u/a.0", 30)
        assert (await place.end("u/a.0")).code == 143

    bench(story)


def test_nothing_outlives_the_main_process(bench: Callable[..., None], tmp_path: Path) -> None:
    async def story(place: Bench) -> None:
        await place.start("u/a.0", "setsid sleep 76543 & sleep 76543 & sleep 0.1; exit 2")
        assert (await place.end("u/a.0")).code == 2
        assert not _running(b"76543")

    bench(story)


def test_commands_need_a_container_that_runs(bench: Callable[..., None]) -> None:
    async def story(place: Bench) -> None:
        request = {"id": "u/none.0", "argv": ["true"], "tty": False, "cwd": "/"}
        null = [os.open(os.devnull, os.O_RDWR) for _ in range(3)]
        with pytest.raises(Refused, match="not running"):
            await place.client.execute(request, null)

    bench(story)


def test_bad_requests_are_answered_and_change_nothing(bench: Callable[..., None]) -> None:
    async def story(place: Bench) -> None:
        for operation in ("nonsense", "start", "stop"):
            with pytest.raises(Refused):
                await place.client._ask(operation)
        sock = clients._connect(place.directory)
        assert sock is not None
        sock.sendall(b"not json\n")
        await clients._readable(sock)
        assert sock.recv(100) == b""
        sock.close()
        assert await place.client.list() == []

    bench(story)


def test_only_the_owner_can_talk_to_it(bench: Callable[..., None]) -> None:
    async def story(place: Bench) -> None:
        assert place.directory.stat().st_mode & 0o777 == 0o700
        assert (place.directory / "supervisor.sock").stat().st_mode & 0o077 == 0

    bench(story)


def test_a_deep_home_is_no_obstacle(tmp_path: Path) -> None:
    directory = tmp_path.joinpath(*["a-rather-long-name"] * 8) / "node"

    async def whole() -> None:
        client = Client(directory, lambda _: None, lambda: None)
        assert (await client.connect()).containers == []
        client.close()

    asyncio.run(whole())
    shut_down(directory)
    assert not (directory / "supervisor.sock").exists()


def test_two_clients_find_the_same_supervisor(tmp_path: Path) -> None:
    async def whole() -> None:
        one = Client(tmp_path / "n", lambda _: None, lambda: None)
        two = Client(tmp_path / "n", lambda _: None, lambda: None)
        greetings = await asyncio.gather(one.connect(), two.connect())
        assert greetings[0].pid == greetings[1].pid
        for client in (one, two):  # who came second ends, and must not come first once more
            child = client._child
            if child is not None and child.pid != greetings[0].pid:
                assert child.wait(10) == 0
        two.close()
        one.close()

    asyncio.run(whole())
    shut_down(tmp_path / "n")
    assert not (tmp_path / "n" / "supervisor.sock").exists()


def test_it_is_small(bench: Callable[..., None]) -> None:
    async def story(place: Bench) -> None:
        pid = int((place.directory / "supervisor.lock").read_text())
        assert _memory(pid) < 10_000  # KiB

    bench(story)


def _memory(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _running(mark: bytes) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark in (entry / "cmdline").read_bytes().split(b"\0"):
                    found.append(entry.name)
            except OSError:
                continue
    return found
