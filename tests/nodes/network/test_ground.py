"""The ground: pods' networks, and sockets in them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest


def test_each_pod_has_its_own_ports_and_reaches_others(ground: Any) -> None:
    for number in (5, 6, 7):
        ground.pod(f"pod-{number}", f"10.244.0.{number}")
    servers = {number: ground.listen(f"pod-{number}", 80) for number in (5, 6)}
    for number, server in servers.items():
        client = ground.dial("pod-7", f"10.244.0.{number}", 80)
        accepted, peer = server.accept()
        assert peer[0] == "10.244.0.7"
        accepted.sendall(b"hello")
        assert client.recv(9) == b"hello"
        for sock in (client, accepted, server):
            sock.close()


def test_localhost_is_the_pods_own(ground: Any) -> None:
    for number in (5, 6):
        ground.pod(f"pod-{number}", f"10.244.0.{number}")
    with ground.socket("pod-5", bind=["127.0.0.1", 8080], listen=True) as server:
        ground.dial("pod-5", "127.0.0.1", 8080).close()
        server.accept()[0].close()
        for place, ip in (("pod-6", "127.0.0.1"), ("pod-6", "10.244.0.5"), ("", "127.0.0.1")):
            with pytest.raises(ConnectionRefusedError):
                ground.dial(place, ip, 8080)


def test_the_node_reaches_pods_and_is_the_gateway(ground: Any) -> None:
    ground.pod("a", "10.244.3.9")
    with ground.listen("a", 9) as server, ground.dial("", "10.244.3.9", 9):
        client, peer = server.accept()
        client.close()
        assert peer[0] == "10.244.0.1"


def test_a_pod_is_made_once_and_dropped(ground: Any) -> None:
    first, _ = ground.ask(op="pod", uid="a", ip="10.244.0.5")
    assert ground.ask(op="pod", uid="a", ip="10.244.0.5")[0] == first
    assert ground.ask(op="list")[0]["pods"] == {"a": "10.244.0.5"}
    assert all(os.path.exists(file) for file in first["join"])
    ground.ask(op="drop", uid="a")
    assert ground.ask(op="list")[0]["pods"] == {}
    ground.pod("b", "10.244.0.5")  # the address, the device and the route are free again


def test_nobody_is_there(ground: Any) -> None:
    ground.pod("a", "10.244.0.5")
    with pytest.raises(OSError, match="No route to host"):
        ground.dial("a", "10.244.9.9", 80)


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param({"op": "nothing"}, id="operation"),
        pytest.param({"op": "pod", "uid": "x", "ip": "1.2.3"}, id="address"),
        pytest.param({"op": "pod"}, id="fields"),
        pytest.param({"op": "socket", "kind": "stream", "place": "none"}, id="place"),
    ],
)
def test_a_bad_request_harms_nobody(ground: Any, request_: dict[str, Any]) -> None:
    answer, fds = ground.ask(**request_)
    assert "error" in answer
    assert fds == []
    ground.pod("a", "10.244.0.5")


def test_nothing_stays(ground: Any, tmp_path: Path) -> None:
    pid = ground.ask(op="list")[0]["pid"]
    ground.tell(op="end")
    ground.process.wait(10)
    assert not os.path.exists(f"/proc/{pid}/ns/net")
    assert {path.name for path in tmp_path.iterdir()} == {"network.lock"}
