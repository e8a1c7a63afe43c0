"""Limits of how many workflows run at once."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.toy import Toy
from kinds.workflows.makers import finish, leaf, workflow
from sampan.kinds.workflows import COMPONENT
from sampan.kinds.workflows.types import POSTPONED
from sampan.kube.keys import Key


def settings(**data: str) -> dict[str, Any]:
    about = {"name": "workflow-controller-configmap", "namespace": "argo"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": data}


def started(*names: str, **data: str) -> Toy:
    """Workflows of these names (`namespace/name`), made one after the other."""
    toy = Toy(COMPONENT)
    toy.create(settings(**data))
    for each in names:
        namespace, _, name = each.rpartition("/")
        manifest: dict[str, Any] = workflow(leaf("main"))
        manifest["metadata"] = {"name": name, "namespace": namespace or "u"}
        if name.startswith("high"):
            manifest["spec"]["priority"] = 9
        toy.create(manifest)
    toy.settle()
    return toy


def phases(toy: Toy) -> dict[str, str]:
    return {
        key.name: (each.get("status") or {}).get("phase") or ""
        for key, each in toy.objects.items()
        if key.kind.startswith("Workflow.")
    }


def test_without_a_limit_all_run() -> None:
    assert set(phases(started("a", "b", "c")).values()) == {"Running"}


def test_those_for_which_there_is_no_room_wait_and_say_so() -> None:
    toy = started("a", "b", "c", parallelism="2")
    assert phases(toy) == {"a": "Running", "b": "Running", "c": "Pending"}
    waiting = toy.objects[Key("Workflow.argoproj.io", "u", "c")]
    assert waiting["status"] == {"phase": "Pending", "message": POSTPONED}
    assert waiting["metadata"]["labels"]["workflows.argoproj.io/phase"] == "Pending"
    finish(toy, b="")
    assert phases(toy) == {"a": "Succeeded", "b": "Running", "c": "Succeeded"}
    ended = toy.objects[Key("Workflow.argoproj.io", "u", "c")]["status"]
    assert not ended.get("message")


def test_a_higher_priority_goes_first() -> None:
    assert phases(started("a", "high", parallelism="1")) == {"a": "Pending", "high": "Running"}


@pytest.mark.parametrize(
    ("label", "running"), [(None, {"x/a", "y/c"}), ("2", {"x/a", "x/b", "y/c"})]
)
def test_a_namespace_has_a_limit_of_its_own(label: str | None, running: set[str]) -> None:
    toy = Toy(COMPONENT)
    toy.create(settings(namespaceParallelism="1"))
    labels = {"workflows.argoproj.io/parallelism-limit": label} if label else {}
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x", "labels": labels}}
    toy.objects[Key("Namespace", "", "x")] = space
    for name in ("x/a", "x/b", "y/c"):
        manifest: dict[str, Any] = workflow(leaf("main"))
        manifest["metadata"] = dict(zip(("namespace", "name"), name.split("/"), strict=True))
        toy.create(manifest)
    toy.settle()
    found = {
        f"{key.namespace}/{key.name}"
        for key, each in toy.objects.items()
        if key.kind.startswith("Workflow.") and each["status"]["phase"] == "Running"
    }
    assert found == running


def test_what_can_never_run_is_told_when_its_turn_comes() -> None:
    toy = Toy(COMPONENT)
    toy.create(settings(parallelism="1"))
    toy.create(workflow(leaf("main"), entrypoint=""))
    toy.settle()
    assert phases(toy) == {"wf": "Failed"}
