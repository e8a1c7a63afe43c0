"""What holds of every run, whatever its pipeline and however its pods end.

The toy cluster asks every decision twice and fails when the answers differ.
"""

from __future__ import annotations

import json
from typing import Any
from zlib import crc32

from hypothesis import given, settings
from hypothesis import strategies as st

from kinds.pipelines.making import (
    RUN,
    anyway,
    close,
    loop,
    path_of,
    run,
    started,
    state,
    states,
    status,
    task,
    tasks,
)
from kinds.toy import Toy, phase_of
from sampan.kinds.pipelines.tasks import ENDS
from sampan.kube import launcher
from sampan.kube.keys import Manifest, key_of
from sampan.kube.plan import Plan

DEPTH = 2
Pipeline = tuple[dict[str, Any], dict[str, Any]]


@st.composite
def pipelines(draw: st.DrawFn, depth: int = DEPTH) -> Pipeline:
    """A root, and the components that it needs."""
    components: dict[str, Any] = {}
    root = _dag(draw, depth, components, "c")
    return root, components


def _dag(draw: st.DrawFn, depth: int, components: dict[str, Any], prefix: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for index in range(draw(st.integers(1, 4))):
        name, after = f"t{index}", draw(st.sets(st.sampled_from(sorted(made)))) if made else set()
        kinds = ["work", "work", "retried", "never", *(["dag", "loop"] if depth else [])]
        kind = draw(st.sampled_from(kinds))
        target = "work"
        if kind in ("dag", "loop"):
            target = f"{prefix}-{index}"
            components[target] = _dag(draw, depth - 1, components, target)
            if kind == "loop":
                components[target] |= {
                    "inputDefinitions": {
                        "parameters": {"item": {"parameterType": "NUMBER_INTEGER"}}
                    }
                }
        if kind == "loop":
            items = json.dumps(list(range(draw(st.integers(0, 3)))))
            made[name] = loop(target, items, *sorted(after), limit=draw(st.integers(0, 2)))
        elif kind == "retried":
            made[name] = task(target, *sorted(after), retryPolicy={"maxRetryCount": 1})
        elif kind == "never":
            made[name] = task(target, *sorted(after), triggerPolicy={"condition": "1 == 2"})
        elif after and draw(st.booleans()):
            made[name] = anyway(target, *sorted(after))
        else:
            made[name] = task(target, *sorted(after))
    return {"dag": {"tasks": made}}


@st.composite
def ends(draw: st.DrawFn) -> Any:
    """How pods end: by path and attempt, the same however often it is asked."""
    seed, share = draw(st.integers(0, 10**6)), draw(st.sampled_from([0.0, 0.2, 0.6]))

    def end(pod: Manifest) -> str:
        asked = launcher.task_of(pod)
        known = f"{seed} {path_of(pod)} {asked.retryIndex if asked else 0}"
        chance = crc32(known.encode()) % 1000 / 1000
        if chance < share / 8:
            return "gone"
        return "Failed" if chance < share else "Succeeded"

    return end


def walk(toy: Toy, end: Any, crash: Any = None) -> Toy:
    """One pod at a time ends; before each look the control plane may crash within one."""
    for _ in range(2000):
        toy.step_pods(lambda _: None)
        pods = [pod for pod in toy.running() if phase_of(pod) == "Running"]
        if not pods:
            if not toy.waits or state(toy) in ENDS:
                return toy
            toy.advance()
            continue
        how = end(pods[0])
        if crash is not None:
            crash(toy)
        if how == "gone":
            del toy.objects[key_of(pods[0])]
            toy.settle()
        else:
            close(toy, pods[0], 1 if how == "Failed" else {})
    raise AssertionError("the run never ends")


@settings(max_examples=60, deadline=None)
@given(pipelines(), ends())
def test_every_run_ends_and_its_state_is_that_of_its_tasks(made: Pipeline, end: Any) -> None:
    root, components = made
    toy = walk(started(run(root, **components)), end)
    assert set(states(toy).values()) <= ENDS
    failed = any(each == "FAILED" for each in states(toy).values())
    assert state(toy) == ("FAILED" if failed else "SUCCEEDED")
    assert toy.running() == []
    assert bool(status(toy).get("error")) == failed


@settings(max_examples=40, deadline=None)
@given(pipelines(), ends(), st.lists(st.integers(0, 3), min_size=1, max_size=8))
def test_a_crash_within_any_plan_changes_nothing_in_the_end(
    made: Pipeline, end: Any, cuts: list[int]
) -> None:
    root, components = made
    plain = walk(started(run(root, **components)), end)
    toy = started(run(root, **components))
    carry_out, left = toy.carry_out, list(cuts)

    def cut(key: Any, plan: Plan) -> None:
        """Carry out only a part, then look again."""
        if not left or not plan.actions:
            carry_out(key, plan)
            return
        part = plan.actions[: left.pop()]
        carry_out(key, Plan(actions=part))
        live = toy.objects.get(RUN)
        if live is not None:
            toy.put({**live, "metadata": {**live["metadata"], "seen": len(left)}})

    toy.carry_out = cut  # type: ignore[method-assign]
    walk(toy, end)
    assert states(toy) == states(plain)
    assert state(toy) == state(plain)


@settings(max_examples=40, deadline=None)
@given(pipelines(), ends(), st.integers(0, 6))
def test_a_run_that_is_terminated_ends_and_nothing_of_it_runs(
    made: Pipeline, end: Any, after: int
) -> None:
    root, components = made
    toy = started(run(root, **components))
    for _ in range(after):
        toy.step_pods(lambda _: None)
        running = [pod for pod in toy.running() if phase_of(pod) == "Running"]
        if running:
            close(toy, running[0], 1 if end(running[0]) == "Failed" else {})
    ended = state(toy) in ENDS
    before = state(toy)
    toy.patch(RUN, {"spec": {"terminate": True}})
    toy.settle()
    walk(toy, end)
    assert state(toy) == (before if ended else "FAILED")
    assert toy.running() == []
    assert all(each["state"] in ENDS for each in tasks(toy).values())


@settings(max_examples=40, deadline=None)
@given(pipelines(), ends())
def test_a_retry_runs_what_did_not_succeed_and_only_that(made: Pipeline, end: Any) -> None:
    root, components = made
    toy = walk(started(run(root, **components)), end)
    good = {path for path, each in tasks(toy).items() if each["state"] == "SUCCEEDED"}
    failed = state(toy) == "FAILED"
    pods = {path: each.get("pod") for path, each in tasks(toy).items()}
    toy.patch(RUN, {"spec": {"retries": 1}})
    toy.settle()
    walk(toy, lambda _: "Succeeded")
    assert state(toy) == "SUCCEEDED"
    again = {path for path, each in tasks(toy).items() if each.get("pod") != pods.get(path)}
    assert failed or not again
    behind = {path for path in again & good if not _told_anew(toy, root, components, path)}
    assert behind == set()


def _told_anew(toy: Toy, root: Any, components: Any, path: str) -> bool:
    """Whether a task that had succeeded runs again for a reason: something before it did."""
    parts = [part for part in path.split("/") if not part.startswith("[")]
    body, found = root, False
    for part in parts:
        this = body["dag"]["tasks"][part]
        found = found or bool(this.get("dependentTasks"))
        body = components.get(this["componentRef"]["name"], {})
    return found
