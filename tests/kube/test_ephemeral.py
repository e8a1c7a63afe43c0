"""What may be added to a running pod, and how."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.kube import ephemeral

POD: dict[str, Any] = {
    "containers": [{"name": "main", "image": "busybox"}],
    "volumes": [{"name": "data", "emptyDir": {}}],
}
DEBUGGER = {"name": "debugger", "image": "busybox"}


def problems(added: list[dict[str, Any]], before: list[dict[str, Any]] | None = None) -> list[str]:
    old = POD | ({"ephemeralContainers": before} if before else {})
    return [str(each) for each in ephemeral.problems(POD | {"ephemeralContainers": added}, old)]


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="plain"),
        pytest.param({"targetContainerName": "main"}, id="target"),
        pytest.param({"stdin": True, "tty": True}, id="terminal"),
        pytest.param({"volumeMounts": [{"name": "data", "mountPath": "/data"}]}, id="mount"),
    ],
)
def test_a_container_may_be_added(more: dict[str, Any]) -> None:
    assert problems([DEBUGGER | more]) == []


@pytest.mark.parametrize(
    ("added", "field"),
    [
        ({"name": "main", "image": "busybox"}, "ephemeralContainers[0].name: Duplicate"),
        ({"name": "debugger"}, "ephemeralContainers[0].image: Required"),
        (DEBUGGER | {"targetContainerName": "x"}, "[0].targetContainerName: Not found"),
        (DEBUGGER | {"ports": [{"containerPort": 1}]}, "[0].ports: Forbidden"),
        (DEBUGGER | {"livenessProbe": {"exec": {"command": ["a"]}}}, "[0].livenessProbe: Forb"),
        (DEBUGGER | {"resources": {"limits": {"cpu": "1"}}}, "[0].resources: Forbidden"),
        (
            DEBUGGER | {"volumeMounts": [{"name": "data", "mountPath": "/d", "subPath": "a"}]},
            "[0].volumeMounts[0].subPath: Forbidden",
        ),
    ],
)
def test_what_it_may_not_have_is_named(added: dict[str, Any], field: str) -> None:
    assert any(field in each for each in problems([added]))


def test_one_that_is_there_may_neither_change_nor_go() -> None:
    assert "may not be changed" in problems([DEBUGGER | {"image": "alpine"}], [DEBUGGER])[0]
    assert "may not be removed" in problems([], [DEBUGGER])[0]
    assert problems([DEBUGGER, {"name": "other", "image": "busybox"}], [DEBUGGER]) == []
