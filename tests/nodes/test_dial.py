"""Connections to pods' ports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sampan.kube.errors import BadRequest
from sampan.nodes.dial import addresses

SERVE = """
import os, socket
server = socket.create_server((os.environ["ADDRESS"], 0))
print(server.getsockname()[1], flush=True)
while True:
    client, _ = server.accept()
    data = b""
    while piece := client.recv(65536):
        data += piece
    client.sendall(data[::-1])
    client.close()
"""
OWN = {"name": "ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
LOCALHOST = {"name": "ADDRESS", "value": "127.0.0.1"}


def pod(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "status": status}


@pytest.mark.parametrize(
    ("ip", "expected"),
    [
        pytest.param("127.1.0.5", ["127.1.0.5", "127.0.0.1"], id="own"),
        pytest.param("127.0.0.1", ["127.0.0.1"], id="host-network"),
        pytest.param("", ["127.0.0.1"], id="none"),
        pytest.param("169.254.169.254", ["127.0.0.1"], id="not-of-this-host"),
        pytest.param("example.com", ["127.0.0.1"], id="no-address"),
    ],
)
def test_where_a_pod_may_listen(ip: str, expected: list[str]) -> None:
    assert addresses(pod(phase="Running", podIP=ip)) == expected


@pytest.mark.parametrize("phase", ["Pending", "Succeeded", "Failed"])
def test_a_pod_that_does_not_run_has_no_ports(phase: str) -> None:
    with pytest.raises(BadRequest, match=f"its phase is {phase}"):
        addresses(pod(phase=phase, podIP="127.1.0.5"))


@pytest.mark.parametrize("address", [OWN, LOCALHOST], ids=["own-address", "localhost"])
def test_bytes_go_both_ways_and_each_half_ends_alone(
    play: Callable[..., Any], address: dict[str, Any]
) -> None:
    async def story(site: Any) -> None:
        container = {"command": ["python3", "-c", SERVE], "env": [address], "image": "python:3.11"}
        await site.run(container=container)
        await site.running()
        await site.eventually(lambda: said(site))
        port = int(await site.logs())
        link = await site.node.agent.dial(site.get(), port)
        await link.write(b"abc" * 100_000)
        await link.end()
        heard = b""
        while data := await link.read():
            heard += data
        assert heard == b"cba" * 100_000
        link.close()

    play(story)


async def said(site: Any) -> str:
    return str(await site.logs())


def test_a_port_where_nobody_listens(play: Callable[..., Any]) -> None:
    async def story(site: Any) -> None:
        await site.run(command="sleep 100")
        await site.running()
        with pytest.raises(BadRequest, match="connection refused"):
            await site.node.agent.dial(site.get(), 1)

    play(story)
