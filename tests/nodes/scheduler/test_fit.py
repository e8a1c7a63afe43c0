"""Which node a pod fits, and what is said when there is none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.nodes.scheduler.amounts import requested
from sampan.nodes.scheduler.fit import Choice, NodeSeen, beyond, decide
from sampan.nodes.scheduler.ledger import Ledger

NODE = NodeSeen(
    name="n", labels={"disk": "ssd", "size": "4"},
    has={"cpu": 2000, "memory": 4 << 30, "pods": 2, "nvidia.com/gpu": 1},
)  # fmt: skip


def pod(requests: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    container = {"name": "c", "resources": {"requests": requests or {}}}
    return {
        "metadata": {"name": "p", "namespace": "ns", "uid": spec.pop("uid", "u")},
        "spec": {"containers": [container], **spec},
    }


def terms(*expressions: dict[str, Any], fields: Any = ()) -> dict[str, Any]:
    term = {"matchExpressions": list(expressions), "matchFields": list(fields)}
    required = {"nodeSelectorTerms": [term]}
    return {
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    }


def expression(operator: str, *values: str, key: str = "disk") -> dict[str, Any]:
    return {"key": key, "operator": operator, "values": list(values)}


TAINT = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
TAINTED = NodeSeen(name="n", has=NODE.has, taints=(TAINT,))


@pytest.mark.parametrize(
    ("spec", "node", "fault"),
    [
        pytest.param({}, NODE, "", id="fits"),
        pytest.param({"requests": {"cpu": "2001m"}}, NODE, "Insufficient cpu", id="cpu"),
        pytest.param({"requests": {"memory": "5Gi"}}, NODE, "Insufficient memory", id="memory"),
        pytest.param(
            {"requests": {"nvidia.com/gpu": "2"}}, NODE, "Insufficient nvidia.com/gpu", id="gpu"
        ),
        pytest.param(
            {"requests": {"example.com/x": "1"}}, NODE, "Insufficient example.com/x", id="unknown"
        ),
        pytest.param(
            {}, NodeSeen(name="n", has=NODE.has, used={"pods": 2}), "Too many pods", id="pods"
        ),
        pytest.param(
            {}, NodeSeen(name="n", has=NODE.has, ready=False), "node(s) were not ready", id="ready"
        ),
        pytest.param(
            {}, NodeSeen(name="n", has=NODE.has, unschedulable=True),
            "node(s) were unschedulable", id="cordoned",
        ),
        pytest.param(
            {}, TAINTED, "node(s) had untolerated taint {gpu: yes}", id="taint"
        ),
        pytest.param(
            {"tolerations": [{"key": "gpu", "operator": "Exists"}]}, TAINTED, "", id="tolerated"
        ),
        pytest.param(
            {"tolerations": [{"key": "gpu", "value": "yes"}]}, TAINTED, "", id="tolerated-value"
        ),
        pytest.param(
            {"tolerations": [{"key": "gpu", "value": "no"}]}, TAINTED,
            "node(s) had untolerated taint {gpu: yes}", id="other-value",
        ),
        pytest.param({"tolerations": [{"operator": "Exists"}]}, TAINTED, "", id="tolerates-all"),
        pytest.param({"nodeSelector": {"disk": "ssd"}}, NODE, "", id="selector"),
        pytest.param(
            {"nodeSelector": {"disk": "hdd"}}, NODE,
            "node(s) didn't match Pod's node affinity/selector", id="other-selector",
        ),
        pytest.param(terms(expression("In", "ssd", "x")), NODE, "", id="in"),
        pytest.param(terms(expression("NotIn", "hdd")), NODE, "", id="not-in"),
        pytest.param(terms(expression("Exists")), NODE, "", id="exists"),
        pytest.param(terms(expression("DoesNotExist", key="x")), NODE, "", id="does-not-exist"),
        pytest.param(terms(expression("Gt", "3", key="size")), NODE, "", id="gt"),
        pytest.param(
            terms(expression("Lt", "3", key="size")), NODE,
            "node(s) didn't match Pod's node affinity/selector", id="lt",
        ),
        pytest.param(
            terms(fields=[expression("In", "n", key="metadata.name")]), NODE, "", id="field"
        ),
        pytest.param(
            terms(), NODE, "node(s) didn't match Pod's node affinity/selector", id="empty-term"
        ),
    ],
)  # fmt: skip
def test_one_node(spec: dict[str, Any], node: NodeSeen, fault: str) -> None:
    wanted = pod(**spec)
    choice = decide(wanted, requested(wanted), [node])
    expected = Choice(message=f"0/1 nodes are available: 1 {fault}.") if fault else Choice("n")
    assert choice == expected


def test_faults_are_counted_over_nodes() -> None:
    wanted = pod({"cpu": "3"})
    nodes = [NODE, NodeSeen(name="m", has=NODE.has), NodeSeen(name="o", unschedulable=True)]
    assert decide(wanted, requested(wanted), nodes).message == (
        "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu."
    )
    assert decide(wanted, requested(wanted), []).message == "no nodes available to schedule pods"


def test_the_emptier_node_is_chosen() -> None:
    wanted = pod({"cpu": "1"})
    busy = NodeSeen(name="a", has=NODE.has, used={"cpu": 500})
    free = NodeSeen(name="b", has=NODE.has)
    assert decide(wanted, requested(wanted), [busy, free]).node == "b"


def test_requests_of_init_containers_and_sidecars() -> None:
    def part(cpu: str, **more: str) -> dict[str, Any]:
        return {"name": "x", "resources": {"requests": {"cpu": cpu}}, **more}

    wanted = pod(
        {"cpu": "1"},
        initContainers=[part("500m", restartPolicy="Always"), part("3")],
        overhead={"cpu": "100m"},
    )
    assert requested(wanted) == {"pods": 1, "cpu": 3600}
    limited = pod()
    limited["spec"]["containers"][0]["resources"] = {"limits": {"memory": "1Ki"}}
    assert requested(limited) == {"pods": 1, "memory": 1024}


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["bind", "end", "gone"]))))
def test_the_ledger_counts_each_pod_once(steps: list[tuple[str, str]]) -> None:
    ledger = Ledger()
    ledger.node_changed({
        "metadata": {"name": "n"}, "status": {"allocatable": {"cpu": "4", "pods": "10"}}
    })  # fmt: skip
    alive: set[str] = set()
    for uid, step in steps:
        body = pod({"cpu": "1"}, uid=uid, nodeName="n")
        if step == "bind":
            ledger.pod_changed(body)
            alive.add(uid)
        elif step == "end":
            ledger.pod_changed({**body, "status": {"phase": "Succeeded"}})
            alive.discard(uid)
        else:
            ledger.release(uid)
            alive.discard(uid)
    used = ledger.nodes()[0].used
    assert used.get("cpu", 0) == 1000 * len(alive)
    assert used.get("pods", 0) == len(alive)


def test_a_pod_gets_less_where_no_node_has_as_much_if_it_is_content_so() -> None:
    content = pod({"cpu": "4", "memory": "1Gi", "example.com/tpu": "1", "nvidia.com/gpu": "1"})
    wants = requested(content)
    assert beyond(content, wants, [NODE]) == {}
    content["metadata"]["annotations"] = {"sampan.local/resources": "as-available"}
    assert beyond(content, wants, [NODE]) == {"cpu": 2000, "example.com/tpu": 0}
    assert beyond(content, wants, []) == {}
