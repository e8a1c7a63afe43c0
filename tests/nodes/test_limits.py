"""Limits: what a container may use is kept, by a cgroup where one may be made, else by a watch."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from sampan.config import NodeSettings
from sampan.nodes.doctor import judge
from sampan.nodes.limits import BEST_EFFORT, GUARANTEED, limits_of
from sampan.nodes.networking import Connection
from sampan.nodes.registration import allocatable, memory, tasks
from sampan.nodes.sandbox.level import Level
from sampan.nodes.supervisor import cgroups
from sampan.nodes.supervisor.cgroups import Groups
from sampan.nodes.supervisor.client import Gone, Kept

SANDBOXES = pytest.mark.parametrize("sandbox", ["bubblewrap", "namespaces"])

GIB = 1 << 30
EAT = "x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo got ${#x}"
NO_CGROUPS = NodeSettings(cgroups=False)


def groups_work(controller: str) -> bool:
    groups = Groups(f"test-{os.getpid()}")
    groups.close()
    return controller in groups.controllers


WITH_CPU = pytest.mark.skipif(not groups_work("cpu"), reason="no cpu cgroup may be made here")
WITH_PIDS = pytest.mark.skipif(not groups_work("pids"), reason="no pids cgroup may be made here")


def groups_named(name: str) -> list[Path]:
    """os.walk, as groups of others vanish under our eyes."""
    return [Path(where, name) for where, below, _ in os.walk("/sys/fs/cgroup") if name in below]


def resources(**limits: str) -> dict[str, Any]:
    return {"name": "main", "image": "busybox", "resources": {"limits": limits}}


def test_what_a_container_may_use() -> None:
    container = resources(cpu="1500m", memory="64Mi")
    container["resources"]["requests"] = {"cpu": "250m", "memory": "32Mi"}
    pod = {"spec": {"containers": [container], "resources": {"limits": {"cpu": "2"}}}}
    found = limits_of(pod, container, memory=GIB, settings=NodeSettings(pod_pids=100))
    assert (found.memory, found.cpu, found.weight) == (64 << 20, 1500, 250)
    assert found.pod == {"cpu": 2000, "pids": 100}


@pytest.mark.parametrize(
    ("given", "score"),
    [
        pytest.param({}, BEST_EFFORT, id="best-effort"),
        pytest.param({"requests": {"memory": "512Mi"}}, 750, id="half-of-the-node"),
        pytest.param({"requests": {"cpu": "1"}}, 999, id="no-memory-asked-for"),
        pytest.param(
            {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}},
            GUARANTEED, id="guaranteed",
        ),
    ],
)  # fmt: skip
def test_who_asked_for_less_dies_sooner(given: dict[str, Any], score: int) -> None:
    container = {"name": "main", "image": "busybox", "resources": given}
    found = limits_of(
        {"spec": {"containers": [container]}}, container, memory=GIB, settings=NodeSettings()
    )
    assert abs(found.oom - score) <= 1


def test_a_tenth_of_the_memory_is_the_owners() -> None:
    has = {"cpu": "4", "memory": f"{8 * GIB >> 10}Ki", "pods": "500"}
    assert allocatable(has, NodeSettings())["memory"] == f"{(8 * GIB - 8 * GIB // 10) >> 10}Ki"
    wish = NodeSettings(reserved_memory="6Gi", reserved_cpu="500m")
    assert allocatable(has, wish) == {"cpu": "3500m", "memory": f"{2 * GIB >> 10}Ki", "pods": "500"}


@pytest.mark.parametrize("cgroup", [True, False], ids=["cgroup-if-any", "watch"])
def test_memory_above_the_limit_is_an_oom_kill(play: Any, cgroup: bool) -> None:
    async def story(place: Any) -> None:
        await place.run(command=EAT, container=resources(memory="50Mi"))
        [container] = (await place.finished())["containerStatuses"]
        ended = container["state"]["terminated"]
        assert (ended["reason"], ended["exitCode"]) == ("OOMKilled", 137)

    play(story, node=NodeSettings(cgroups=cgroup))


@pytest.mark.parametrize("cgroup", [True, False], ids=["cgroup-if-any", "watch"])
def test_a_limit_outlives_the_supervisor(play: Any, cgroup: bool) -> None:
    async def story(place: Any) -> None:
        lock = place.home / "node" / "supervisor.lock"
        waits = "until [ -e /tmp/go ]; do sleep 0.05; done; " + EAT
        await place.run(command=waits, container=resources(memory="50Mi"))
        await place.running()
        first = lock.read_text()
        os.kill(int(first), signal.SIGKILL)
        await place.eventually(lambda: lock.read_text() not in ("", first))

        async def answers() -> bool:
            with contextlib.suppress(Gone):
                return bool(await place.node.context.client.list())
            return False

        await place.eventually(answers)
        go = await place.node.agent.execute(
            place.get(), "main", ["touch", "/tmp/go"], stdin=False, tty=False
        )
        assert await asyncio.wait_for(go.wait(), 10) == 0
        [container] = (await place.finished())["containerStatuses"]
        assert container["state"]["terminated"]["reason"] == "OOMKilled"

    play(story, node=NodeSettings(cgroups=cgroup))


def test_what_processes_share_is_counted_once(play: Any) -> None:
    """Four processes map the same 60 MB: 240 MB resident in sum, and far below the limit."""
    share = (
        "import mmap,os,time; m=mmap.mmap(-1,60<<20)\n"
        "for at in range(0,60<<20,4096): m[at]=1\n"
        "children=[os.fork() for _ in range(3)] if os.getpid() else []\n"
        "any(m[at] for at in range(0,60<<20,4096) if m[at]>1); time.sleep(1); os._exit(0)"
    )
    spec = {**resources(memory="120Mi"), "image": "python:3.12"}

    async def story(place: Any) -> None:
        await place.run(container={**spec, "command": ["python", "-c", share]})
        assert (await place.finished())["phase"] == "Succeeded"

    play(story, node=NO_CGROUPS)


@WITH_CPU
def test_half_a_cpu_is_half_a_cpu(play: Any) -> None:
    busy = (
        "import time; end=time.monotonic()+1.5\nwhile time.monotonic()<end: pass\n"
        "print(time.process_time())"
    )

    async def story(place: Any) -> None:
        container = {**resources(cpu="200m"), "image": "python:3.12"}
        await place.run(container={**container, "command": ["python", "-c", busy]})
        await place.finished()
        assert float(await place.logs()) < 0.6

    play(story)


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one CPU cannot be less")
@SANDBOXES
def test_without_a_cgroup_a_cpu_limit_is_a_number_of_cpus(play: Any, sandbox: str) -> None:
    async def story(place: Any) -> None:
        assert await place.output("nproc", container=resources(cpu="700m")) == "1\n"
        assert int(await place.output("nproc", name="free")) == len(os.sched_getaffinity(0))

    play(story, sandbox=sandbox, node=NO_CGROUPS)


@WITH_PIDS
@SANDBOXES
def test_a_fork_bomb_stays_in_its_pod(play: Any, sandbox: str) -> None:
    bomb = "for i in $(seq 60); do sleep 5 & done; echo all"

    async def story(place: Any) -> None:
        await place.run(command=bomb)
        status = await place.finished()
        assert status["phase"] == "Failed", await place.logs()
        assert "all" not in (await place.logs()).splitlines()

    play(story, sandbox=sandbox, node=NodeSettings(pod_pids=20))


def test_a_command_inside_is_limited_with_its_container(play: Any) -> None:
    async def story(place: Any) -> None:
        await place.run(command="sleep 100", container=resources(memory="50Mi"))
        await place.running()
        running = await place.node.agent.execute(
            place.get(), "main", ["sh", "-c", EAT], stdin=False, tty=False
        )
        assert await running.wait() != 0
        assert not [data async for _, data in running.output() if b"got" in data]

    if groups_work("memory"):
        play(story)


@pytest.mark.skipif(not groups_work("memory"), reason="no memory cgroup may be made here")
def test_all_pods_together_leave_something_to_the_machine(play: Any) -> None:
    """A pod without a limit of its own meets that of the node."""

    async def story(place: Any) -> None:
        found = groups_named(f"sampan-{(place.home / 'node').stat().st_ino}")
        files = [path / "node" / "cgroup.procs" for path in found]
        pid = (place.home / "node" / "supervisor.lock").read_text()
        await place.eventually(lambda: all(pid in file.read_text().split() for file in files))
        bounds = [path / "pids.max" for path in found if (path / "pids.max").exists()]
        assert [int(bound.read_text()) for bound in bounds] == [tasks() // 2] * len(bounds)
        await place.run(command=EAT)
        [container] = (await place.finished())["containerStatuses"]
        ended = container["state"]["terminated"]
        assert (ended["reason"], ended["exitCode"]) == ("OOMKilled", 137)

    play(story, node=NodeSettings(reserved_memory=str(memory() - (100 << 20))))


def test_pods_die_before_the_machine(play: Any) -> None:
    async def story(place: Any) -> None:
        assert await place.output("cat /proc/self/oom_score_adj") == f"{BEST_EFFORT}\n"

    play(story)


@SANDBOXES
def test_groups_are_removed_with_the_supervisor(play: Any, sandbox: str) -> None:
    async def story(place: Any) -> None:
        await place.run(command="true", container=resources(memory="50Mi", cpu="1"))
        await place.finished()
        return str((place.home / "node").stat().st_ino)

    name = play(story, sandbox=sandbox)
    assert not groups_named(f"sampan-{name}")


class Version2:
    """A tree of files as cgroup v2 has it, for what this machine's kernel does not offer."""

    def __init__(self, root: Path, own: str, *, delegated: bool) -> None:
        self.root, self.own = root, root / own.strip("/")
        self.own.mkdir(parents=True)
        for directory in (root, self.own):
            (directory / "cgroup.controllers").write_text("memory cpu pids")
            (directory / "cgroup.procs").touch()
        if delegated:
            (self.own / "cgroup.subtree_control").touch()
        self.memberships = root / "memberships"
        self.memberships.write_text(f"0::{own}\n")


def test_version_2_divides_what_was_delegated(tmp_path: Path, monkeypatch: Any) -> None:
    tree = Version2(tmp_path, "/user.slice/run-1.scope", delegated=True)
    made = os.makedirs

    def kernel(path: str, exist_ok: bool = False) -> None:
        """The kernel fills a new group with files."""
        made(path, exist_ok=exist_ok)
        for name in ("memory.max", "memory.swap.max", "cpu.max", "cpu.weight", "pids.max",
                     "cgroup.subtree_control", "cgroup.procs"):  # fmt: skip
            Path(path, name).touch()

    monkeypatch.setattr(cgroups.os, "makedirs", kernel)
    monkeypatch.setattr(cgroups, "_mkdir", lambda path: kernel(path, exist_ok=True))
    groups = Groups("1", str(tmp_path), str(tree.memberships))
    assert (groups.version, groups.controllers) == (2, ("memory", "cpu", "pids"))
    limits = {"memory": 1 << 20, "cpu": 500, "weight": 1000, "pod": {"pids": 9}}
    [place] = map(Path, groups.make("uid/main.0", limits))
    assert place == tree.own / "sampan-1" / "uid" / "main.0"
    assert (place / "memory.max").read_text() == str(1 << 20)
    assert (place / "cpu.max").read_text() == "50000 100000"
    assert (place / "cpu.weight").read_text() == "39"
    assert (place.parent / "pids.max").read_text() == "9"
    assert cgroups.prefix([str(place)])[-1] == str(place / "cgroup.procs")


def test_without_a_place_nothing_is_made(tmp_path: Path) -> None:
    tree = Version2(tmp_path, "/user.slice", delegated=False)
    groups = Groups("1", str(tmp_path), str(tree.memberships))
    assert groups.controllers == ()
    assert groups.why
    assert groups.make("uid/main.0", {"memory": 1 << 20}) == []
    assert not list(tmp_path.rglob("sampan-*"))


def test_the_doctor_says_how_and_why() -> None:
    kept = Kept("watch", "affinity", "", "not root")
    found = {
        each.subject: each.message
        for each in judge(Level("bubblewrap"), kept, Connection("pods"), 0)
    }
    assert "five times a second" in found["memory limits"]
    assert "(not root)" in found["cpu limits"]
    assert "not enforced" in found["pids limits"]
