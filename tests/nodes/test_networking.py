"""How pods are connected on this machine, and what is said when they cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sampan.kube.errors import UserMistake
from sampan.nodes.network.client import Network
from sampan.nodes.networking import Connection, connect
from sampan.nodes.sandbox.level import Level


@pytest.mark.parametrize(
    ("wish", "level", "said"),
    [
        pytest.param("host", Level("bubblewrap"), "config.yaml asks for it", id="asked"),
        pytest.param("", Level("plain", reason="no bwrap"), "no bwrap", id="no-sandbox"),
        pytest.param("pods", Level("plain", reason="no bwrap"), "no bwrap", id="insisted"),
    ],
)
def test_why_there_is_no_network(tmp_path: Path, wish: Any, level: Level, said: str) -> None:
    connection, pods = asyncio.run(connect(Network(tmp_path), wish, level))
    assert connection.kind == "host"
    assert said in str(connection)
    assert not pods


def test_a_network_of_few_ports_says_so() -> None:
    assert "common ports" in str(Connection("pods", egress="ports"))
    assert "common ports" not in str(Connection("pods", egress="all"))


def test_who_insists_is_told(play: Callable[..., Any]) -> None:
    async def story(_site: Any) -> None: ...

    with pytest.raises(UserMistake, match="insists on the pod network"):
        play(story, network="pods", sandbox="plain")


def test_a_pod_without_the_network_has_a_loopback_address(play: Callable[..., Any]) -> None:
    async def story(site: Any) -> None:
        said = await site.output("cat /proc/net/route | wc -l; cat /etc/resolv.conf")
        assert site.status()["podIP"].startswith("127.")
        assert "10.96.0.10" not in said

    play(story, network="host")


def test_a_pod_with_the_hosts_network_has_no_other(play: Callable[..., Any]) -> None:
    async def story(site: Any) -> None:
        said = await site.output("echo $KUBERNETES_SERVICE_HOST", hostNetwork=True)
        assert said == "127.0.0.1\n"
        assert site.status()["podIP"] == site.status()["hostIP"]

    play(story)


def test_containers_of_a_pod_share_localhost_and_nobody_else(play: Callable[..., Any]) -> None:
    ask = "import socket; print(socket.socket().connect_ex(('127.0.0.1', 8123)))"
    serve = "import socket, time; s = socket.create_server(('127.0.0.1', 8123)); time.sleep(100)"

    async def story(site: Any) -> None:
        if not site.node.context.networking.enabled:
            pytest.skip(site.node.context.networking.connection.reason)
        main = {"name": "main", "image": "python:3.11", "command": ["python3", "-c", serve]}
        other = {"name": "other", "image": "busybox", "command": ["sleep", "100"]}
        await site.run("pair", containers=[main, other])
        await site.run("single", command="sleep 100")
        await site.running("pair")
        await site.running("single")

        async def answer(name: str, container: str) -> str:
            found = site.get(name)
            command = ["python3", "-c", ask]
            running = await site.node.agent.execute(
                found, container, command, stdin=False, tty=False
            )
            said = b"".join([data async for _, data in running.output()])
            await running.wait()
            return said.decode()

        async def shared() -> bool:
            return await answer("pair", "other") == "0\n"

        await site.eventually(shared)
        assert await answer("single", "main") == "111\n"

    play(story)
