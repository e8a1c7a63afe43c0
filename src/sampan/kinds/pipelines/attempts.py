"""Attempts of a task: a pod each, looked at until one of them is over for good.

    begin    PENDING with a pod
    look     PENDING -> RUNNING -> SUCCEEDED | FAILED | CANCELED; PENDING again before a retry

What the pod is to do and what its result means is the `Recipe` of the kind of task. That a program
runs is worth a write of its own only when it goes on for a while (`PATIENCE`): most are over
before. A pod that is gone has failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

from sampan.kinds.pipelines import ending, retries, tasks
from sampan.kinds.pipelines.ir import executor_input, locations
from sampan.kinds.pipelines.ir.faults import Unresolved
from sampan.kinds.pipelines.ir.messages import Component
from sampan.kinds.pipelines.ir.pipeline import Pipeline
from sampan.kinds.pipelines.ir.resolve import Values
from sampan.kinds.pipelines.pods import build, naming, state
from sampan.kinds.pipelines.pods.about import About, Unbuildable, Work
from sampan.kinds.pipelines.tasks import Entry
from sampan.kinds.pipelines.walk import Call, Walk
from sampan.kube import launcher, meta
from sampan.kube.keys import Manifest
from sampan.kube.plan import Create
from sampan.kube.times import micro, parse

PATIENCE = 1.5
"""Seconds that a pod runs before its task is said to; pods have whole seconds."""


class Recipe(Protocol):
    def work(self, walk: Walk, call: Call, inputs: Values, attempt: int) -> Work:
        """What the pod is to do. ir.faults.Unresolved, pods.about.Unbuildable."""

    def outputs(self, walk: Walk, call: Call, entry: Entry, result: launcher.Result) -> Values:
        """What the task gives when the pod has ended well. ir.faults.Unresolved."""


def first_of(walk: Walk, call: Call) -> int:
    """The number of a task's first attempt: more than 0 when the run is tried again."""
    return int((walk.run.status.get("attempts") or {}).get(call.path) or 0)


def about(walk: Walk, call: Call, attempt: int) -> About:
    return About(
        run=walk.run.manifest,
        facts=walk.facts,
        path=call.path,
        task=call.name,
        attempt=attempt,
        retried=call.task.retryPolicy is not None,
    )


def work_of(
    walk: Walk, call: Call, pipeline: Pipeline, component: Component, inputs: Values, attempt: int
) -> Work:
    """What a component of a pipeline is told, with a place of its own for what it makes."""
    salt = naming.unique(walk.run.uid, call.path, str(attempt))
    facts = walk.facts
    root = locations.task_root(facts.pipeline_root, walk.pipeline.name, facts.id, call.name, salt)
    return Work(
        pipeline=pipeline,
        component=component,
        inputs=inputs,
        executor_input=executor_input.build(component, inputs, task_root=root),
        scope=call.scope,
    )


# -- beginning ------------------------------------------------------------------------------------
def begin(walk: Walk, call: Call, work: Work, more: Mapping[str, Any]) -> None:
    """The first attempt; `more` is for the task's entry. ir.faults.Unresolved, Unbuildable."""
    attempt = first_of(walk, call)
    pod = _make(walk, call, work, attempt)
    container = work.pipeline.container(work.component)
    fields = {"image": container.image if container else "", **more}
    if attempt:
        fields["firstAttempt"] = attempt
    walk.born(call, "PENDING", pod=pod, attempt=attempt, **fields)


def _make(walk: Walk, call: Call, work: Work, attempt: int) -> str:
    """The name of the pod that is to be made."""
    settings = work.pipeline.kubernetes_executor(work.component)
    pod = build.build(about(walk, call, attempt), work, settings)
    walk.actions.append(Create(pod))
    walk.begun += 1
    walk.pending += 1
    return meta.name_of(pod)


# -- looking --------------------------------------------------------------------------------------
def look(walk: Walk, call: Call, recipe: Recipe) -> None:
    entry = walk.entry(call.path)
    assert entry is not None
    if "pod" not in entry:
        _before_retry(walk, call, entry, recipe)
        return
    pod = walk.run.pods.get(call.path)
    if pod is None:
        gone = state.Outcome(state="FAILED", message="the pod is gone")
        _ended(walk, call, entry, gone, recipe)
    elif not meta.is_controlled_by(pod, walk.run.manifest):
        text = f"pod {meta.name_of(pod)} exists already and is not this run's"
        walk.turn(call.path, "FAILED", text)
    else:
        _observe(walk, call, entry, pod, recipe)


def _observe(walk: Walk, call: Call, entry: Entry, pod: Manifest, recipe: Recipe) -> None:
    outcome = state.judge(pod)
    if outcome.state in tasks.ENDS:
        if outcome.abandoned or (meta.deleting(pod) and walk.stop):
            ending.end(walk, pod)
        _ended(walk, call, entry, outcome, recipe)
        return
    if walk.stop:
        ending.end(walk, pod)
        return
    if outcome.state == "RUNNING" and entry["state"] == "PENDING":
        walk.pending -= 1
        running = tasks.turned(entry, "RUNNING", walk.now)
        left = PATIENCE - (tasks.age(outcome.started, walk.now) if outcome.started else 0.0)
        walk.postpone(call.path, running, left)
    elif outcome.state == "PENDING" and outcome.message != entry.get("message", ""):
        more: dict[str, Any] = {"message": outcome.message} if outcome.message else {}
        waiting = tasks.turned(entry, "PENDING", walk.now, **more)
        walk.postpone(call.path, waiting, PATIENCE - tasks.age(_created(pod, walk), walk.now))


def _created(pod: Manifest, walk: Walk) -> str:
    return pod["metadata"].get("creationTimestamp") or micro(walk.now)


def _ended(walk: Walk, call: Call, entry: Entry, outcome: state.Outcome, recipe: Recipe) -> None:
    if outcome.state == "SUCCEEDED":
        result = outcome.result or launcher.Result()
        try:
            found = recipe.outputs(walk, call, entry, result)
        except Unresolved as fault:
            walk.turn(call.path, "FAILED", fault.message)
            return
        walk.turn(call.path, "SUCCEEDED", **tasks.with_outputs(found))
        return
    if walk.stop:
        walk.turn(call.path, walk.stop_state, walk.stop)
        return
    at = retries.again_at(call.task.retryPolicy, entry, walk.now)
    if at is None:
        walk.turn(call.path, "FAILED", outcome.message or "failed")
        return
    tried = {key: value for key, value in entry.items() if key != "pod"}
    message = f"attempt {entry.get('attempt') or 0} failed: {outcome.message}"
    pending = tasks.turned(tried, "PENDING", walk.now, message=message, notBefore=micro(at))
    walk.put(call.path, pending)
    _before_retry(walk, call, pending, recipe)


def _before_retry(walk: Walk, call: Call, entry: Entry, recipe: Recipe) -> None:
    """A task between two attempts: stop it, wait, or begin the next."""
    if walk.stop:
        walk.turn(call.path, walk.stop_state, walk.stop)
        return
    left = (parse(entry["notBefore"]) - walk.now) / timedelta(seconds=1)
    if left > 0:
        walk.wait(left)
        return
    if walk.is_full or walk.asking:
        return
    attempt = int(entry.get("attempt") or 0) + 1
    try:
        work = recipe.work(walk, call, tasks.inputs_of(entry), attempt)
        pod = _make(walk, call, work, attempt)
    except (Unresolved, Unbuildable) as fault:
        walk.turn(call.path, "FAILED", str(fault))
        return
    fresh = {key: value for key, value in entry.items() if key != "notBefore"}
    named: dict[str, Any] = {"pod": pod, "attempt": attempt}
    walk.put(call.path, tasks.turned(fresh, "PENDING", walk.now, **named))
