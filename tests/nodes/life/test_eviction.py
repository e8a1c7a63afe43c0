"""Eviction: who has to go, and what is said."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.nodes.life.eviction import Threshold, Usage, excess, first_to_go, is_limited

MIB = 1 << 20


def pod(name: str = "p", limit: str = "", size: str = "", request: str = "", priority: int = 0):
    resources: dict[str, Any] = {"limits": {"ephemeral-storage": limit}} if limit else {}
    if request:
        resources["requests"] = {"memory": request, "ephemeral-storage": request}
    volumes = [{"name": "v", "emptyDir": {"sizeLimit": size}}] if size else []
    containers = [{"name": "a", "image": "busybox", "resources": resources}, {"name": "b"}]
    spec = {"containers": containers, "volumes": volumes, "priority": priority}
    return {"metadata": {"name": name}, "spec": spec}


@pytest.mark.parametrize(
    ("given", "usage", "why"),
    [
        pytest.param(pod(), Usage({"a": 1 << 40}, {"v": 1 << 40}), "", id="no-limit"),
        pytest.param(pod(limit="5Mi"), Usage({"a": 5 * MIB}), "", id="at-the-limit"),
        pytest.param(
            pod(limit="5Mi"),
            Usage({"a": 5 * MIB, "b": 1}),
            "Pod ephemeral local storage usage exceeds the total limit of containers 5Mi. ",
            id="together",
        ),
        pytest.param(
            pod(size="1Mi", limit="5Mi"),
            Usage({}, {"v": 2 * MIB}),
            'Usage of EmptyDir volume "v" exceeds the limit "1Mi". ',
            id="volume",
        ),
    ],
)
def test_too_much(given: dict[str, Any], usage: Usage, why: str) -> None:
    assert excess(given, usage) == why
    assert is_limited(given) == ("limit" in str(given) or "sizeLimit" in str(given))


def test_one_container_of_two_limited_ones() -> None:
    given = pod(limit="5Mi")
    given["spec"]["containers"][1]["resources"] = {"limits": {"ephemeral-storage": "9Mi"}}
    why = excess(given, Usage({"a": 6 * MIB, "b": 1}))
    assert why == 'Container a exceeded its local ephemeral storage limit "5Mi". '


def test_who_goes_first() -> None:
    low = Threshold("memory", 100 * MIB, 50 * MIB)
    modest = (pod("modest", request="64Mi"), Usage({"a": 60 * MIB}))
    greedy = (pod("greedy", request="64Mi"), Usage({"a": 200 * MIB}))
    important = (pod("important", priority=1000), Usage({"a": 900 * MIB}))
    idle = (pod("idle"), Usage({}))
    found = first_to_go([modest, greedy, important, idle], low)
    assert found is not None
    assert found[0]["metadata"]["name"] == "greedy"
    assert found[1] == (
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. "
        "Container a was using 200Mi, request is 64Mi, has larger consumption of memory. "
    )
    assert first_to_go([modest, important], low)[0] is important[0]
    assert first_to_go([modest], low)[0] is modest[0]
    assert first_to_go([idle], low) is None
