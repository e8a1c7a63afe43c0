"""The workflow as a whole: what stops it, what it leaves, what it survives."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinds.toy import START, Toy
from kinds.workflows.makers import (
    WORKFLOW,
    call,
    dag,
    finish,
    how,
    leaf,
    node,
    phases,
    pod_names,
    started,
    status,
    steps,
    task,
    workflow,
)
from sampan.kinds.workflows import COMPONENT
from sampan.kinds.workflows.workflow import decide, see
from sampan.kube import meta
from sampan.kube.keys import Key


def two() -> dict[str, Any]:
    return workflow(leaf(), steps([call("a")], [call("b")]))


@pytest.mark.parametrize("strategy", ["Stop", "Terminate"])
def test_a_shutdown_ends_what_runs_and_starts_nothing(strategy: str) -> None:
    toy = started(two())
    toy.step_pods(how())
    toy.patch(WORKFLOW, {"spec": {"shutdown": strategy}})
    toy.settle()
    assert node(toy, "a")["message"] == f"workflow shutdown with strategy:  {strategy}"
    assert (status(toy)["phase"], status(toy)["message"]) == (
        "Failed",
        f"Stopped with strategy '{strategy}'",
    )
    finish(toy, a="")
    (pod,) = toy.pods()  # stays, for its log
    assert pod["status"]["phase"] == "Failed"
    assert node(toy, "a")["message"] == f"workflow shutdown with strategy:  {strategy}"


def test_a_shutdown_before_the_first_pod() -> None:
    toy = started(two() | {"spec": two()["spec"] | {"shutdown": "Stop"}})
    assert not toy.pods()
    assert node(toy, "a")["message"] == "workflow shutdown with strategy: Stop"
    assert status(toy)["phase"] == "Failed"


def test_the_deadline_fails_what_still_runs() -> None:
    toy = started(workflow(leaf(), steps([call("a")], [call("b")]), activeDeadlineSeconds=60))
    assert toy.waits == [60.0]
    toy.step_pods(how())
    toy.advance(60)
    assert node(toy, "a")["message"] == "Step exceeded its deadline"
    assert status(toy)["phase"] == "Failed"


def test_a_suspended_workflow_starts_nothing_until_it_is_resumed() -> None:
    toy = started(two())
    toy.patch(WORKFLOW, {"spec": {"suspend": True}})
    finish(toy)
    assert pod_names(toy) == ["a"]
    assert phases(toy)["a"] == "Succeeded"
    toy.patch(WORKFLOW, {"spec": {"suspend": False}})
    toy.settle()
    assert pod_names(toy) == ["a", "b"]


def test_a_pod_that_vanished_is_an_error_after_a_while() -> None:
    toy = started(two())
    (pod,) = toy.pods()
    toy.delete(Key("Pod", "u", meta.name_of(pod)))
    toy.settle()
    assert phases(toy)["a"] == "Pending"
    toy.advance()
    assert (phases(toy)["a"], node(toy, "a")["message"]) == ("Error", "pod deleted")
    assert (toy.time - START).total_seconds() == 10


def test_the_name_of_a_single_pod_may_be_taken() -> None:
    toy = Toy(COMPONENT)
    container = {"name": "x", "image": "busybox"}
    about = {"name": "wf", "namespace": "u"}
    toy.create(
        {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": {"containers": [container]}}
    )
    toy.create(workflow(leaf("main")))
    toy.settle()
    assert (status(toy)["phase"], status(toy)["message"]) == (
        "Error",
        "pod wf exists already and is not this workflow's",
    )


@pytest.mark.parametrize(
    ("end", "field", "seconds"),
    [
        pytest.param("Succeeded", "secondsAfterSuccess", 5, id="success"),
        pytest.param("Failed", "secondsAfterFailure", 7, id="failure"),
        pytest.param("Succeeded", "secondsAfterCompletion", 9, id="completion"),
    ],
)
def test_a_finished_workflow_goes_after_its_time(end: str, field: str, seconds: int) -> None:
    toy = finish(started(workflow(leaf("main"), ttlStrategy={field: seconds})), wf=end)
    toy.settle()
    assert toy.waits == [seconds]
    toy.advance()
    assert WORKFLOW not in toy.objects


CLAIM = {
    "metadata": {"name": "work"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


@pytest.mark.parametrize(
    ("end", "strategy", "stays"),
    [
        ("Succeeded", None, False),
        ("Failed", None, True),
        ("Failed", "OnWorkflowCompletion", False),
    ],
)
def test_claims_are_made_and_given_up(end: str, strategy: str | None, stays: bool) -> None:
    main = leaf("main")
    main["container"]["volumeMounts"] = [{"name": "work", "mountPath": "/work"}]
    spec: dict[str, Any] = {"volumeClaimTemplates": [CLAIM]}
    if strategy:
        spec["volumeClaimGC"] = {"strategy": strategy}
    toy = started(workflow(main, **spec))
    claim = Key("PersistentVolumeClaim", "u", "wf-work")
    assert claim in toy.objects
    listed = [{"name": "work", "persistentVolumeClaim": {"claimName": "wf-work"}}]
    assert toy.pods()[0]["spec"]["volumes"] == listed
    assert status(toy)["persistentVolumeClaims"] == listed
    finish(toy, wf=end)
    assert (claim in toy.objects) is stays
    assert ("persistentVolumeClaims" in status(toy)) is stays


def test_a_workflow_that_can_never_run_ends_with_the_reason() -> None:
    toy = started(workflow(leaf("main"), entrypoint=""))
    assert status(toy)["phase"] == "Failed"
    assert status(toy)["message"] == "invalid spec: spec.entrypoint is required"


def test_events_tell_of_the_workflow() -> None:
    toy = finish(started(two()))
    told = [event.reason for event in toy.events if not event.annotations]
    assert told == ["WorkflowRunning", "WorkflowSucceeded"]


def test_a_lost_status_is_found_again_from_the_pods() -> None:
    toy = started(two())
    toy.step_pods(how(a=""))
    before = [meta.uid_of(pod) for pod in toy.pods()]
    toy.put({k: v for k, v in toy.objects[WORKFLOW].items() if k != "status"})
    toy.settle()
    assert [meta.uid_of(pod) for pod in toy.pods()] == before
    finish(toy)
    assert status(toy)["phase"] == "Succeeded"


@st.composite
def trees(draw: st.DrawFn, depth: int = 2) -> list[dict[str, Any]]:
    """Templates that call one another, with `main` as the last."""
    found = [leaf()]
    names = ["work"]
    for level in range(draw(st.integers(0, depth)) + 1):
        name = f"t{level}"
        children = [
            (f"c{number}", draw(st.sampled_from(names)))
            for number in range(draw(st.integers(1, 4)))
        ]
        limits = draw(st.sampled_from([{}, {"parallelism": 1}, {"failFast": True}]))
        if draw(st.booleans()):
            calls = [call(child, template) for child, template in children]
            cut = draw(st.integers(0, len(calls)))
            groups = [group for group in (calls[:cut], calls[cut:]) if group]
            found.append(steps(*groups, name=name, **limits))
        else:
            tasks = []
            how = draw(st.sampled_from(["", ".Failed", ".Succeeded"]))  # one way for a whole dag
            for place, (child, template) in enumerate(children):
                before = [other for other, _ in children[:place]]
                after = draw(st.lists(st.sampled_from(before), unique=True)) if before else []
                text = " || ".join(f"{each}{how}" for each in after) if how else " ".join(after)
                tasks.append(task(child, text, template))
            fast = draw(st.sampled_from([{}, {"failFast": False}]))
            found.append(dag(*tasks, name=name, **fast) | limits)
        names.append(name)
    return found


@settings(max_examples=60, deadline=None)
@given(
    trees(),
    st.none() | st.integers(1, 3),
    st.lists(st.sampled_from(["Succeeded", "Succeeded", "Failed"]), min_size=1, max_size=8),
    st.integers(1, 4),
    st.sampled_from([None, None, None, "Stop"]),
)
def test_every_workflow_ends(
    templates: list[dict[str, Any]],
    parallelism: int | None,
    ends: list[str],
    most: int,
    stop: str | None,
) -> None:
    spec = {"parallelism": parallelism} if parallelism else {}
    toy = Toy(COMPONENT)

    def few(toy: Toy) -> None:
        assert parallelism is None or len(toy.running()) <= parallelism

    toy.watch = few
    toy.create(workflow(*templates, entrypoint=templates[-1]["name"], **spec))
    toy.settle()
    script = iter(ends * 500)
    for moves in range(800):
        if moves == 5 and stop:
            toy.patch(WORKFLOW, {"spec": {"shutdown": stop}})
            toy.settle()
        if not toy.step_pods(lambda pod: next(script), most=most):
            break
    end = status(toy)
    assert end["phase"] in ("Succeeded", "Failed", "Error")
    assert not toy.running()
    over = {"Succeeded", "Failed", "Error", "Skipped", "Omitted"}
    assert all(each["phase"] in over for each in end["nodes"].values())
    children = [c for each in end["nodes"].values() for c in each.get("children", [])]
    assert set(children) == set(end["nodes"]) - {"wf"}
    assert toy.objects[WORKFLOW]["metadata"]["labels"]["workflows.argoproj.io/completed"] == "true"


@pytest.mark.parametrize("kind", ["steps", "dag"])
def test_a_look_costs_what_it_has_to_say(kind: str) -> None:
    """Four times the nodes, about four times the calls of functions."""

    def cost(number: int) -> int:
        names = [f"n{place}" for place in range(number)]
        wide = steps([call(n) for n in names]) if kind == "steps" else dag(*map(task, names))
        toy = Toy(COMPONENT)
        toy.create(workflow(leaf(), wide))
        while len(toy.pods()) < number:
            toy.once(WORKFLOW)
        for pod in toy.pods():
            toy.run_pod(pod, "Running")
        toy.once(WORKFLOW)
        snapshot = see(toy, WORKFLOW)
        return calls(lambda: decide(snapshot))

    small, large = cost(100), cost(400)
    assert small < large < 5 * small


def calls(work: Callable[[], object]) -> int:
    """How many functions the work calls, those written in C as well."""
    count = 0

    def seen(frame: FrameType, event: str, arg: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def test_no_more_pods_are_asked_for_while_many_wait_to_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sampan.kinds.workflows.walk.MOST_PENDING", 10)
    toy = Toy(COMPONENT)
    toy.create(workflow(leaf(), dag(*(task(f"n{place}") for place in range(25)))))
    begun = []
    for _ in range(3):
        toy.settle()
        begun.append(len(toy.pods()))
        for pod in toy.pods():
            toy.run_pod(pod, "Succeeded")
    toy.settle()
    assert begun == [10, 20, 25]
    assert status(toy)["phase"] == "Succeeded"
