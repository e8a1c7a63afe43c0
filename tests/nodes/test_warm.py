"""Interpreters that are kept warm: when, for whom, and what becomes of their forks."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from sampan.config import Image
from sampan.nodes.supervisor import process
from sampan.nodes.supervisor.client import Report, Zygote

IMAGE = "python:3.12"


async def ready(site: Any, count: int = 1) -> Zygote:
    """The newest zygote once it has said that it can be used, or why not."""

    async def decided() -> bool:
        found = await site.node.context.client.zygotes()
        return len(found) == count and found[-1].state != "starting"

    await site.eventually(decided)
    return (await site.node.context.client.zygotes())[-1]  # type: ignore[no-any-return]


async def python(site: Any, name: str, code: str, image: str = IMAGE, **container: Any) -> str:
    command = ["python3", "-c", code]
    return str(
        await site.output("", name, container={"image": image, "command": command, **container})
    )


async def report(site: Any, name: str) -> Report:
    uid = site.get(name)["metadata"]["uid"]
    found: list[Report] = await site.node.context.client.list()
    return next((each for each in found if each.id.startswith(uid)), Report("", 0.0))


def environment(directory: Path, **modules: str) -> Image:
    """A Python environment with these modules."""
    prefix = directory / "environment"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin/python3").symlink_to(f"{sys.base_prefix}/bin/python3")
    (prefix / "pyvenv.cfg").write_text(f"home = {sys.base_prefix}/bin\n")
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    packages = prefix / "lib" / version / "site-packages"
    packages.mkdir(parents=True)
    for name, text in modules.items():
        (packages / f"{name}.py").write_text(text)
    return Image(match="mine", python=str(prefix), warm=(*modules, "nonesuch"))


@pytest.mark.parametrize("sandbox", ["bubblewrap", "namespaces"])
def test_the_first_pod_pays_and_the_next_ones_are_forked(play: Any, sandbox: str) -> None:
    async def story(site: Any) -> None:
        code = (
            "import sys, os; print(sys.executable, os.getpid(), os.uname().nodename, "
            f"os.readlink('/proc/self/ns/net') == '{os.readlink('/proc/self/ns/net')}')"
        )
        first = await python(site, "a", code)
        zygote = await ready(site)
        assert (zygote.state, zygote.forks) == ("ready", 0)
        second = await python(site, "b", code)
        assert second.replace(" b", " a") == first
        assert (await site.node.context.client.zygotes())[0].forks == 1

    play(story, sandbox=sandbox)


def test_named_modules_are_there_already(play: Any, tmp_path: Path) -> None:
    row = environment(tmp_path, heavy="import os; born = os.getpid()")

    async def story(site: Any) -> None:
        code = "import heavy, os; print(heavy.born == os.getpid())"
        assert await python(site, "a", code, "mine") == "True\n"
        assert (await ready(site)).modules == ("heavy", "nonesuch")
        assert await python(site, "b", code, "mine") == "False\n"
        shadowed = "import heavy; print(heavy.__file__)"
        await site.run("s", volumes=[{"name": "v", "emptyDir": {}}], container={
            "image": "mine", "workingDir": "/v", "volumeMounts": [{"name": "v", "mountPath": "/v"}],
            "command": ["python3", "-c", shadowed]}, initContainers=[{
            "name": "i", "image": "busybox", "command": ["touch", "/v/heavy.py"],
            "volumeMounts": [{"name": "v", "mountPath": "/v"}]}])  # fmt: skip
        await site.finished("s")
        assert await site.logs("s") == "/v/heavy.py\n"

    play(story, images=(row,))


def test_a_module_that_starts_threads_leaves_all_cold(play: Any, tmp_path: Path) -> None:
    thread = "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    row = environment(tmp_path, busy=f"import threading, time; {thread}")

    async def story(site: Any) -> None:
        assert await python(site, "a", "print(1)", "mine") == "1\n"
        assert (await ready(site)).state == "a module has started threads"
        assert await python(site, "b", "print(2)", "mine") == "2\n"

    play(story, images=(row,))


def test_a_changed_environment_is_never_forked(play: Any, tmp_path: Path) -> None:
    row = environment(tmp_path, word="text = 'old'")
    packages = next(tmp_path.rglob("site-packages"))

    async def story(site: Any) -> None:
        assert await python(site, "a", "import word; print(word.text)", "mine") == "old\n"
        await ready(site)
        (packages / "word.py").unlink()
        (packages / "word.py").write_text("text = 'new'")
        assert await python(site, "b", "import word; print(word.text)", "mine") == "new\n"

    play(story, images=(row,))


@pytest.mark.parametrize("inside", [True, False], ids=["in our home", "switched off"])
def test_who_is_never_warm(play: Any, tmp_path: Path, inside: bool) -> None:
    row = environment(tmp_path / "home" / "volumes" if inside else tmp_path)

    async def story(site: Any) -> None:
        await python(site, "a", "pass", "mine")
        assert await site.node.context.client.zygotes() == []

    play(story, images=(row,), warm_python=inside)


def test_pods_go_on_without_their_zygote(play: Any) -> None:
    async def story(site: Any) -> None:
        await python(site, "a", "pass")
        await ready(site)
        supervisor = int((site.home / "node" / "supervisor.lock").read_text())
        zygotes = [pid for pid in process.children(supervisor) if b"boot.py" in _command(pid)]
        code = "import time; time.sleep(0.5); exit(4)"
        await site.run("long", container={"image": IMAGE, "command": ["python3", "-c", code]})
        await site.running("long")
        assert len(zygotes) == 1
        os.kill(zygotes[0], signal.SIGKILL)
        await python(site, "b", "pass")
        state = (await site.finished("long"))["containerStatuses"][0]["state"]
        assert state["terminated"]["exitCode"] == 4

    play(story)


def test_forks_survive_the_supervisor_and_zygotes_do_not(play: Any) -> None:
    async def story(site: Any) -> None:
        await python(site, "a", "pass")
        await ready(site)
        supervisor = int((site.home / "node" / "supervisor.lock").read_text())
        zygotes = [pid for pid in process.children(supervisor) if b"boot.py" in _command(pid)]
        code = "import time\nfor n in range(10): print(n, flush=True); time.sleep(0.05)\nexit(6)"
        await site.run("long", container={"image": IMAGE, "command": ["python3", "-c", code]})
        await site.running("long")
        os.kill(supervisor, signal.SIGKILL)
        status = await site.finished("long")
        assert status["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 6
        assert (await site.logs("long")).split() == [str(n) for n in range(10)]
        await site.eventually(lambda: not any(process.alive(pid) for pid in zygotes))

    play(story)


def test_a_burst_of_pods(play: Any) -> None:
    async def story(site: Any) -> None:
        await python(site, "a", "pass")
        await ready(site)
        numbers = range(30)
        await asyncio.gather(
            *(python(site, f"p{n}", f"print({n}); raise SystemExit(0)") for n in numbers)
        )
        assert [await site.logs(f"p{n}") for n in numbers] == [f"{n}\n" for n in numbers]
        assert (await site.node.context.client.zygotes())[0].forks == len(numbers)

    play(story)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
