"""Mutexes and semaphores, in the toy cluster: who runs, who waits, what the status says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinds.toy import Toy
from kinds.workflows.makers import call, leaf, steps, workflow
from sampan.kinds.workflows import COMPONENT
from sampan.kube.keys import Key, Manifest

MUTEX = {"mutexes": [{"name": "m"}]}
SEMAPHORE = {"semaphores": [{"configMapKeyRef": {"name": "limits", "key": "k"}}]}
NODE = "workflows.argoproj.io/node-name"


@pytest.fixture
def toy() -> Toy:
    return cluster()


def cluster(limit: str = "2") -> Toy:
    toy = Toy(COMPONENT)
    toy.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}})
    set_limit(toy, limit)
    return toy


def set_limit(toy: Toy, limit: str) -> None:
    about = {"name": "limits", "namespace": "u"}
    data = {"k": limit}
    toy.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": data})


def submit(toy: Toy, name: str, **spec: Any) -> None:
    manifest = workflow(leaf("main"), **spec)
    toy.create({**manifest, "metadata": {"name": name, "namespace": "u"}})
    toy.settle()


def status(toy: Toy, name: str) -> dict[str, Any]:
    return dict(toy.objects[Key("Workflow.argoproj.io", "u", name)]["status"])


def phases(toy: Toy, *names: str) -> list[str]:
    return [status(toy, name)["phase"] for name in names]


def finish(toy: Toy, name: str) -> None:
    """Run the pods of one workflow to their end."""

    def end(pod: Manifest) -> str | None:
        return "Succeeded" if pod["metadata"]["annotations"][NODE].startswith(name) else None

    while toy.step_pods(end):
        pass


def test_a_mutex_lets_one_workflow_run_after_the_other(toy: Toy) -> None:
    for name in ("a", "b"):
        submit(toy, name, synchronization=MUTEX)
    assert phases(toy, "a", "b") == ["Running", "Pending"]
    assert status(toy, "a")["synchronization"] == {
        "mutex": {"holding": [{"mutex": "u/Mutex/m", "holder": "u/a"}]}
    }
    waits = status(toy, "b")
    assert waits["message"] == "Waiting for u/Mutex/m lock. Lock status: 0/1"
    assert waits["synchronization"] == {
        "mutex": {"waiting": [{"mutex": "u/Mutex/m", "holder": "u/a"}]}
    }
    assert "startedAt" not in waits
    finish(toy, "a")
    assert phases(toy, "a", "b") == ["Succeeded", "Running"]
    assert "synchronization" not in status(toy, "a")
    assert "message" not in status(toy, "b")
    finish(toy, "b")
    assert phases(toy, "a", "b") == ["Succeeded", "Succeeded"]


def test_a_semaphore_lets_as_many_run_as_it_says(toy: Toy) -> None:
    for name in "abc":
        submit(toy, name, synchronization=SEMAPHORE)
    assert phases(toy, *"abc") == ["Running", "Running", "Pending"]
    lock = "u/ConfigMap/limits/k"
    assert status(toy, "c")["message"] == f"Waiting for {lock} lock. Lock status: 0/2"
    assert status(toy, "c")["synchronization"] == {
        "semaphore": {"waiting": [{"semaphore": lock, "holders": ["u/a", "u/b"]}]}
    }
    set_limit(toy, "3")
    toy.settle()
    assert phases(toy, *"abc") == ["Running"] * 3
    set_limit(toy, "1")
    submit(toy, "d", synchronization=SEMAPHORE)
    finish(toy, "a")
    finish(toy, "b")
    assert phases(toy, *"cd") == ["Running", "Pending"]
    finish(toy, "c")
    assert phases(toy, *"cd") == ["Succeeded", "Running"]


def test_what_the_arbiter_says_too_late_is_taken_back(toy: Toy) -> None:
    submit(toy, "a", synchronization=MUTEX)
    said = status(toy, "a")["synchronization"]
    finish(toy, "a")
    toy.patch(Key("Workflow.argoproj.io", "u", "a"), {"status": {"synchronization": said}})
    toy.settle()
    assert "synchronization" not in status(toy, "a")


def test_a_holder_that_is_deleted_holds_nothing(toy: Toy) -> None:
    for name in ("a", "b"):
        submit(toy, name, synchronization=MUTEX)
    toy.delete(Key("Workflow.argoproj.io", "u", "a"))
    toy.settle()
    assert phases(toy, "b") == ["Running"]


def test_the_more_important_goes_first(toy: Toy) -> None:
    submit(toy, "a", synchronization=MUTEX)
    toy.advance(10)
    submit(toy, "b", synchronization=MUTEX)
    submit(toy, "c", synchronization=MUTEX, priority=5)
    finish(toy, "a")
    assert phases(toy, "b", "c") == ["Pending", "Running"]


def test_several_locks_are_taken_together(toy: Toy) -> None:
    both = {"mutexes": [{"name": "m"}, {"name": "n"}]}
    submit(toy, "a", synchronization=MUTEX)
    toy.advance(10)
    submit(toy, "b", synchronization=both)
    toy.advance(10)
    submit(toy, "c", synchronization={"mutexes": [{"name": "n"}]})
    assert phases(toy, *"abc") == ["Running", "Pending", "Pending"]  # b is before c
    finish(toy, "a")
    assert phases(toy, *"abc") == ["Succeeded", "Running", "Pending"]
    held = status(toy, "b")["synchronization"]["mutex"]["holding"]
    assert [each["mutex"] for each in held] == ["u/Mutex/m", "u/Mutex/n"]


@pytest.mark.parametrize(
    ("synchronization", "why"),
    [
        ({"mutexes": [{"name": "m"}] * 2}, "requested configuration is invalid: duplicate"),
        ({"semaphores": [{}]}, "requested configuration is invalid: cannot get LockName"),
        (
            {"semaphores": [{"configMapKeyRef": {"name": "none", "key": "k"}}]},
            "failed to initialize semaphore u/ConfigMap/none/k: no limit found: key 'k'",
        ),
    ],
)
def test_what_cannot_be_locked_fails(toy: Toy, synchronization: Any, why: str) -> None:
    submit(toy, "a", synchronization=synchronization)
    found = status(toy, "a")
    assert found["phase"] == "Failed"
    assert found["message"].startswith(f"Failed to acquire the synchronization lock. {why}")


def test_a_workflow_that_waits_can_be_stopped(toy: Toy) -> None:
    for name in ("a", "b"):
        submit(toy, name, synchronization=MUTEX)
    toy.patch(Key("Workflow.argoproj.io", "u", "b"), {"spec": {"shutdown": "Stop"}})
    toy.settle()
    assert phases(toy, "a", "b") == ["Running", "Failed"]
    assert status(toy, "b")["message"] == "Stopped with strategy 'Stop'"


def test_other_places_have_other_locks(toy: Toy) -> None:
    there = {"mutexes": [{"name": "m", "namespace": "there"}]}
    submit(toy, "a", synchronization=MUTEX)
    submit(toy, "b", synchronization=there)
    assert phases(toy, "a", "b") == ["Running", "Running"]


def nodes(toy: Toy, name: str) -> dict[str, dict[str, Any]]:
    return {node["displayName"]: node for node in status(toy, name)["nodes"].values()}


@pytest.mark.parametrize("kind", ["pod", "steps", "retry"])
def test_a_template_waits_for_its_locks(toy: Toy, kind: str) -> None:
    more: dict[str, Any] = {"synchronization": {"mutexes": [{"name": "m-{{workflow.name}}"}]}}
    locked = leaf("locked", **more)
    if kind == "steps":
        locked = steps([call("inner")], name="locked", **more)
    if kind == "retry":
        locked = leaf("locked", retryStrategy={"limit": 1}, **more)
    main = steps([call("one", "locked"), call("two", "locked")])
    toy.create({**workflow(main, locked, leaf()), "metadata": {"name": "a", "namespace": "u"}})
    toy.settle()
    found = nodes(toy, "a")
    one, two = found["one"], found["two"]
    assert two["phase"] == "Pending"
    assert two["synchronizationStatus"] == {"waiting": "u/Mutex/m-a"}
    assert two["message"] == "Waiting for u/Mutex/m-a lock. Lock status: 0/1"
    assert one["type"] == two["type"] == {"pod": "Pod", "steps": "Steps", "retry": "Retry"}[kind]
    assert "synchronizationStatus" not in one
    assert one["phase"] == ("Pending" if kind == "pod" else "Running")
    holding = status(toy, "a")["synchronization"]["mutex"]["holding"]
    assert holding == [{"mutex": "u/Mutex/m-a", "holder": f"u/a/{one['id']}"}]
    assert len(toy.pods()) == 1
    toy.advance(60)  # a node that waits has no pod that could be missed
    finish(toy, "a")
    assert phases(toy, "a") == ["Succeeded"]
    assert "message" not in nodes(toy, "a")["two"]
    metadata = toy.objects[Key("Workflow.argoproj.io", "u", "a")]["metadata"]
    assert "sampan.local/locks" not in {**metadata["labels"], **metadata.get("annotations", {})}


def test_what_is_suspended_waits_for_its_lock_first(toy: Toy) -> None:
    outputs = {"parameters": [{"name": "o", "valueFrom": {"supplied": {}}}]}
    main = {"name": "main", "suspend": {}, "outputs": outputs, "synchronization": MUTEX}
    toy.create({**workflow(main), "metadata": {"name": "a", "namespace": "u"}})
    toy.settle()
    found = nodes(toy, "a")["a"]
    assert (found["type"], found["phase"]) == ("Suspend", "Running")
    assert found["outputs"]["parameters"][0]["name"] == "o"
    assert "synchronizationStatus" not in found


def test_a_copy_of_a_workflow_has_not_asked_for_anything(toy: Toy) -> None:
    submit(toy, "a", synchronization=MUTEX)
    original = toy.objects[Key("Workflow.argoproj.io", "u", "a")]["metadata"]
    copied = {"name": "b", "namespace": "u", "labels": original["labels"],
              "annotations": original["annotations"]}  # fmt: skip
    toy.create({**workflow(leaf("main"), suspend=True), "metadata": copied})
    toy.settle()
    assert phases(toy, "a", "b") == ["Running", "Running"]
    assert "synchronization" not in status(toy, "b")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["x", "y", "xy"]), st.integers(0, 2)), max_size=6))
def test_never_two_hold_a_mutex_and_all_end(asked: list[tuple[str, int]]) -> None:
    toy = cluster()
    toy.watch = _nobody_shares
    for index, (locks, priority) in enumerate(asked):
        wanted = {"mutexes": [{"name": lock} for lock in locks]}
        manifest = workflow(leaf("main"), synchronization=wanted, priority=priority)
        toy.create({**manifest, "metadata": {"name": f"w{index}", "namespace": "u"}})
    toy.settle()
    while toy.step_pods(lambda pod: "Succeeded"):
        pass
    names = [f"w{index}" for index in range(len(asked))]
    assert phases(toy, *names) == ["Succeeded"] * len(names)


def _nobody_shares(toy: Toy) -> None:
    held = [
        each["mutex"]
        for key, found in toy.objects.items()
        if key.kind == "Workflow.argoproj.io"
        and found["metadata"].get("labels", {}).get("workflows.argoproj.io/completed") != "true"
        for each in ((found.get("status") or {}).get("synchronization") or {})
        .get("mutex", {})
        .get("holding", ())
    ]
    assert len(held) == len(set(held))
