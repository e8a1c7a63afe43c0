"""What the node does not take: host ports that clash, on both sides, and too large requests."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.kube.katib import IMAGES, LOGGER
from sampan.kube.keys import Manifest
from sampan.kube.placement import HostPort, host_ports
from sampan.nodes import refusal
from sampan.nodes.scheduler.amounts import requested
from sampan.nodes.scheduler.fit import NodeSeen, decide
from sampan.nodes.scheduler.ledger import Ledger

NODE = NodeSeen(name="n", has={"pods": 10})


def pod(*ports: dict[str, Any], uid: str = "u", **status: Any) -> Manifest:
    containers = [{"name": "c", "ports": [*ports]}]
    about = {"name": "p", "namespace": "ns", "uid": uid}
    return {"metadata": about, "spec": {"containers": containers}, "status": status}


def port(number: int, **more: Any) -> dict[str, Any]:
    return {"containerPort": 80, "hostPort": number, **more}


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        pytest.param(port(80), port(80), True, id="same"),
        pytest.param(port(80), port(81), False, id="other-port"),
        pytest.param(port(80), port(80, protocol="UDP"), False, id="other-protocol"),
        pytest.param(port(80, hostIP="1.1.1.1"), port(80, hostIP="2.2.2.2"), False, id="other-ip"),
        pytest.param(port(80, hostIP="1.1.1.1"), port(80, hostIP="0.0.0.0"), True, id="any-ip"),
        pytest.param({"containerPort": 80}, {"containerPort": 80}, False, id="no-host-port"),
    ],
)
def test_ports_clash_on_both_sides(one: dict[str, Any], other: dict[str, Any], clash: bool) -> None:
    assert bool(refusal.judge(pod(one), [pod(other, uid="o", phase="Running")], {})) == clash
    ledger = Ledger()
    ledger.assume("o", "n", requested(pod(other, uid="o")))
    node = NodeSeen(name="n", has={"pods": 10}, used=ledger._used["n"])
    choice = decide(pod(one), requested(pod(one)), [node])
    assert (choice.node == "") == clash
    if clash:
        assert "1 node(s) didn't have free ports for the requested pod ports" in choice.message


def test_a_port_is_free_again_when_its_pod_is_over() -> None:
    assert not refusal.judge(pod(port(80)), [pod(port(80), uid="o", phase="Failed")], {})
    ledger = Ledger()
    ledger.assume("o", "n", requested(pod(port(80), uid="o")))
    ledger.release("o")
    node = NodeSeen(name="n", has={"pods": 10}, used=ledger._used["n"])
    assert decide(pod(port(80)), requested(pod(port(80))), [node]).node == "n"


def test_what_runs_already_and_what_goes_is_not_refused() -> None:
    holder = pod(port(80), uid="o", phase="Running")
    assert not refusal.judge(pod(port(80), startTime="2026-01-01T00:00:00Z"), [holder], {})
    going = pod(port(80))
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert not refusal.judge(going, [holder], {})


def test_sidecars_hold_their_ports() -> None:
    spec = {
        "containers": [],
        "initContainers": [
            {"name": "once", "ports": [port(1)]},
            {"name": "beside", "restartPolicy": "Always", "ports": [port(2)]},
        ],
    }
    assert host_ports(spec) == [HostPort("", "TCP", 2)]


@pytest.mark.parametrize(
    ("requests", "fault"),
    [
        ({}, None),
        ({"cpu": "2", "memory": "1Gi"}, None),
        ({"cpu": "2100m"}, "requested: 2100, used: 0, capacity: 2000"),
        ({"memory": "2Gi"}, "requested: 2147483648, used: 0, capacity: 1073741824"),
        ({"nvidia.com/gpu": "2"}, "requested: 2, used: 0, capacity: 1"),
        ({"example.com/device": "1"}, None),
    ],
)
def test_a_pod_larger_than_the_node_is_refused(requests: dict[str, str], fault: str | None) -> None:
    large = pod()
    large["spec"]["containers"][0]["resources"] = {"requests": requests}
    found = refusal.judge(large, [], {"cpu": "2", "memory": "1Gi", "nvidia.com/gpu": "1"})
    if fault is None:
        assert found is None
        return
    assert found is not None
    name = next(iter(requests))
    assert found.reason == f"OutOf{name}"
    assert found.text == f"Node didn't have enough resource: {name}, {fault}"


def test_what_the_node_carries_out_itself_takes_no_room() -> None:
    """A trial that asks for all processors runs beside the collector of its metrics."""
    collector = {
        "name": LOGGER,
        "image": IMAGES["StdOut"],
        "resources": {"requests": {"cpu": "50m"}, "limits": {"cpu": "500m"}},
    }
    trial = pod()
    trial["spec"]["containers"] = [{"name": "c", "resources": {"limits": {"cpu": "2"}}}, collector]
    assert requested(trial) == {"cpu": 2000, "pods": 1}
    assert refusal.judge(trial, (), {"cpu": "2"}) is None
    collector["image"] = "mine"
    assert requested(trial)["cpu"] == 2050
