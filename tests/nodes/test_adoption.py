"""The control plane dies, the supervisor dies, both die: pods are neither lost nor run twice."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from sampan.kube.keys import Key
from sampan.nodes.supervisor import process

SANDBOXES = pytest.mark.parametrize("sandbox", ["bubblewrap", "namespaces"])

SLEEPER = "echo start >> /data/runs; sleep {}; echo end >> /data/runs; exit {}"


def spec(directory: Path, seconds: float, code: int) -> dict[str, Any]:
    directory.mkdir(exist_ok=True)
    return {
        "command": SLEEPER.format(seconds, code),
        "container": {"volumeMounts": [{"name": "d", "mountPath": "/data"}]},
        "volumes": [{"name": "d", "hostPath": {"path": str(directory)}}],
    }


def runs(directory: Path) -> list[str]:
    return (directory / "runs").read_text().split()


async def supervisor_pid(site: Any) -> int:
    return int((site.home / "node" / "supervisor.lock").read_text())


async def crash(site: Any) -> None:
    """The control plane is gone without a word: its tasks stop, its connection closes."""
    node = site.node
    node._stopping = True
    for task in (*node._work.values(), *node._tasks):
        task.cancel()
    await asyncio.sleep(0)
    node.context.client.close()
    await node.context.networking.stop()
    for unsubscribe in node._unsubscribe:
        unsubscribe()
    site.node = site.make()


async def end_of(site: Any, name: str) -> str:
    return str((await site.finished(name))["phase"])


@SANDBOXES
def test_running_pods_are_adopted(play: Any, sandbox: str, tmp_path: Path) -> None:
    async def story(site: Any) -> None:
        await site.run(**spec(tmp_path / "d", 0.6, 0))
        await site.running()
        before = site.status()["containerStatuses"][0]["state"]
        await crash(site)
        await site.node.start()
        assert site.status()["containerStatuses"][0]["state"] == before
        assert await end_of(site, "p") == "Succeeded"
        assert runs(tmp_path / "d") == ["start", "end"]
        assert site.status()["containerStatuses"][0]["restartCount"] == 0

    play(story, sandbox=sandbox)


def test_what_ended_meanwhile_is_known(play: Any, tmp_path: Path) -> None:
    async def story(site: Any) -> None:
        await site.run(**spec(tmp_path / "d", 0.2, 6))
        await site.running()
        await crash(site)
        await asyncio.to_thread(_wait_for_end, tmp_path / "d")
        await site.node.start()
        status = await site.finished()
        assert status["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 6
        assert runs(tmp_path / "d") == ["start", "end"]

    play(story)


def test_a_container_that_was_started_without_a_trace_in_the_status_is_not_started_again(
    play: Any, tmp_path: Path
) -> None:
    async def story(site: Any) -> None:
        created = await site.run(**spec(tmp_path / "d", 0.4, 0))
        await site.running()
        await crash(site)
        await site.cluster.patch(
            Key("Pod", "team", "p"), {"status": {"containerStatuses": None}}, subresource="status"
        )
        await site.node.start()
        assert await end_of(site, "p") == "Succeeded"
        assert runs(tmp_path / "d") == ["start", "end"]
        assert created["metadata"]["uid"] == site.get()["metadata"]["uid"]

    play(story)


def test_files_of_adopted_pods_are_kept_up_to_date(play: Any) -> None:
    async def story(site: Any) -> None:
        key = Key("ConfigMap", "team", "cm")
        meta = {"name": "cm", "namespace": "team"}
        data = {"data": {"word": "old"}}
        await site.cluster.create(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, **data}
        )
        await site.run(
            command="while ! grep -q new /v/word; do sleep 0.01; done",
            volumes=[{"name": "v", "configMap": {"name": "cm"}}],
            container={"volumeMounts": [{"name": "v", "mountPath": "/v"}]},
        )
        await site.running()
        await crash(site)
        await site.node.start()
        await site.cluster.patch(key, {"data": {"word": "new"}})
        assert await end_of(site, "p") == "Succeeded"

    play(story)


def test_what_a_pod_that_is_over_left_behind_goes(play: Any) -> None:
    async def story(site: Any) -> None:
        await site.run("over", command="true")
        await site.finished("over")
        await site.run(command="sleep 100")
        await site.running()
        await crash(site)
        pods = site.node.context.directory / "pods"
        over = pods / site.get("over")["metadata"]["uid"] / "scratch" / "main.0"
        lives = pods / site.get()["metadata"]["uid"] / "scratch" / "main.0"
        over.mkdir(parents=True, exist_ok=True)
        await site.node.start()
        await site.eventually(lambda: not over.exists())
        assert lives.exists()

    play(story)


def test_pods_deleted_meanwhile_are_ended(play: Any, tmp_path: Path) -> None:
    async def story(site: Any) -> None:
        await site.run(command="sleep 100")
        await site.running()
        await crash(site)
        await site.cluster.delete(Key("Pod", "team", "p"), grace=0)
        await site.node.start()
        await site.eventually(site.none_running)

    play(story)


@pytest.mark.slow
def test_fifty_pods_survive(play: Any, tmp_path: Path) -> None:
    async def story(site: Any) -> None:
        for index in range(50):
            await site.run(f"p{index}", **spec(tmp_path / f"d{index}", 1.0, 0))
        for index in range(50):
            await site.running(f"p{index}")
        await crash(site)
        await site.node.start()
        for index in range(50):
            assert await end_of(site, f"p{index}") == "Succeeded"
            assert runs(tmp_path / f"d{index}") == ["start", "end"]

    play(story)


@SANDBOXES
def test_pods_survive_the_supervisor(play: Any, sandbox: str, tmp_path: Path) -> None:
    async def story(site: Any) -> None:
        await site.run(**spec(tmp_path / "d", 0.5, 3))
        await site.running()
        os.kill(await supervisor_pid(site), signal.SIGKILL)
        status = await site.finished()
        assert status["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 3
        assert status["containerStatuses"][0]["restartCount"] == 0
        assert runs(tmp_path / "d") == ["start", "end"]
        said = await site.output("echo still here", name="next")
        assert said == "still here\n"

    play(story, sandbox=sandbox)


@SANDBOXES
def test_output_survives_the_supervisor(play: Any, sandbox: str) -> None:
    async def story(site: Any) -> None:
        await site.run(command="for i in $(seq 40); do echo $i; sleep 0.02; done")
        await site.running()
        os.kill(await supervisor_pid(site), signal.SIGKILL)
        await site.finished()
        assert [int(line) for line in (await site.logs()).split()] == list(range(1, 41))

    play(story, sandbox=sandbox)


@SANDBOXES
def test_both_die(play: Any, sandbox: str, tmp_path: Path) -> None:
    async def story(site: Any) -> None:
        await site.run(**spec(tmp_path / "d", 0.3, 0))
        await site.running()
        pid = await supervisor_pid(site)
        await crash(site)
        os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(_wait_for_end, tmp_path / "d")
        await site.node.start()
        assert await end_of(site, "p") == "Succeeded"
        assert runs(tmp_path / "d") == ["start", "end"]

    play(story, sandbox=sandbox)


def test_a_plain_process_whose_end_nobody_saw_is_judged_honestly(play: Any, tmp_path: Path) -> None:
    async def story(site: Any) -> None:
        await site.run(**spec(tmp_path / "d", 0.3, 0))
        await site.running()
        os.kill(await supervisor_pid(site), signal.SIGKILL)
        status = await site.finished()
        state = status["containerStatuses"][0]["state"]["terminated"]
        assert state["reason"] == "ContainerStatusUnknown"
        assert "exit code is not known" in state["message"]

    play(story, sandbox="plain")


def _wait_for_end(directory: Path) -> None:
    for _ in range(1000):
        if (directory / "runs").exists() and "end" in runs(directory):
            time.sleep(0.1)
            return
        time.sleep(0.01)
    raise AssertionError("the container did not end")


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.02, 0.05])
def test_an_end_while_a_supervisor_is_replaced(play: Any, delay: float) -> None:
    """Neither waits the one for the other, nor is one left behind."""

    async def story(site: Any) -> int:
        await site.run(command="sleep 100")
        await site.running()
        os.kill(await supervisor_pid(site), signal.SIGKILL)
        await asyncio.sleep(delay)
        await asyncio.wait_for(site.node.shutdown_pods(grace=0), 10)
        return await supervisor_pid(site)

    last = play(story)
    assert not process.alive(last)
