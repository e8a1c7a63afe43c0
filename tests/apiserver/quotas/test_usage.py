"""What one object counts for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.apiserver.quotas.usage import usage
from sampan.kube import demands

GI = 1 << 30


def claim(size: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {}, "spec": {"resources": {"requests": {"storage": size}}, **spec}}


def service(kind: str, ports: int, **spec: Any) -> dict[str, Any]:
    listed = [{"port": each} for each in range(1, ports + 1)]
    return {"metadata": {}, "spec": {"type": kind, "ports": listed, **spec}}


CASES = [
    pytest.param("widgets.example.com", {}, {"count/widgets.example.com": 1}, id="custom"),
    pytest.param("secrets", {}, {"count/secrets": 1, "secrets": 1}, id="old name"),
    pytest.param(
        "services", service("NodePort", 2), {"services.nodeports": 2}, id="a node port each"
    ),
    pytest.param(
        "services",
        service("LoadBalancer", 2),
        {"services.loadbalancers": 1, "services.nodeports": 2},
        id="a load balancer takes node ports too",
    ),
    pytest.param(
        "services",
        service("LoadBalancer", 2, allocateLoadBalancerNodePorts=False),
        {"services.loadbalancers": 1, "services.nodeports": 0},
        id="unless it wants none",
    ),
    pytest.param(
        "persistentvolumeclaims",
        claim("2Gi", storageClassName="fast"),
        {
            "requests.storage": 2 * GI,
            "fast.storageclass.storage.k8s.io/requests.storage": 2 * GI,
            "fast.storageclass.storage.k8s.io/persistentvolumeclaims": 1,
        },
        id="claims count for their class",
    ),
]


@pytest.mark.parametrize(("label", "manifest", "counted"), CASES)
def test_an_object_counts_for(label: str, manifest: Any, counted: Any) -> None:
    found = usage(label, manifest)
    assert found == {"count/" + label: 1, **({label: 1} if "." not in label else {}), **counted}


def test_a_pod_counts_for_every_kind_of_amount() -> None:
    requests = {"cpu": "100m", "memory": "1Gi", "hugepages-2Mi": "4Mi", "nvidia.com/gpu": "2"}
    container = {"name": "m", "resources": {"requests": requests, "limits": requests}}
    found = usage("pods", {"metadata": {}, "spec": {"containers": [container]}})
    assert found["requests.nvidia.com/gpu"] == 2
    assert found["hugepages-2Mi"] == found["requests.hugepages-2Mi"] == 4 << 20
    assert found["limits.memory"] == found["memory"] == found["requests.memory"] == GI
    assert "limits.nvidia.com/gpu" not in found
    assert "nvidia.com/gpu" not in found


def test_a_pod_that_its_node_has_let_go_of_uses_nothing() -> None:
    meta = {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 0}
    assert usage("pods", {"metadata": meta, "spec": {"containers": []}}) == {"count/pods": 1}


AMOUNTS = st.integers(0, 50)


@given(st.lists(AMOUNTS, max_size=4), st.lists(st.tuples(AMOUNTS, st.booleans()), max_size=4))
def test_a_pod_demands_what_it_needs_at_its_worst_moment(
    main: list[int], init: list[tuple[int, bool]]
) -> None:
    """Played through: the init containers one by one, beside the sidecars so far; then all."""
    spec = {
        "containers": [{"n": each} for each in main],
        "initContainers": [
            {"n": each, **({"restartPolicy": "Always"} if sidecar else {})}
            for each, sidecar in init
        ],
    }
    moments, beside = [0], 0
    for each, sidecar in init:
        moments.append(beside + each)
        beside += each if sidecar else 0
    moments.append(beside + sum(main))
    assert demands.peak(spec, lambda each: {"n": each["n"]}).get("n", 0) == max(moments)
