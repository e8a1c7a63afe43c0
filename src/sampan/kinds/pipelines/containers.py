"""A task with a program: asked for in the cache, made a pod, looked at until it is over.

    begin    CACHED | PENDING with a pod
    look     PENDING -> RUNNING -> SUCCEEDED | FAILED | CANCELED; PENDING again before a retry

That a program runs is worth a write of its own only when it goes on for a while (`PATIENCE`): most
are over before. A pod that is gone has failed. Upstream: backend/src/v2/driver/container.go.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sampan.kinds.pipelines import caches, ending, retries, tasks
from sampan.kinds.pipelines.ir import executor_input, locations
from sampan.kinds.pipelines.ir.faults import Unresolved
from sampan.kinds.pipelines.ir.messages import Component
from sampan.kinds.pipelines.ir.resolve import Values
from sampan.kinds.pipelines.pods import build, claims, config, naming, state
from sampan.kinds.pipelines.pods.about import About, Unbuildable, Work
from sampan.kinds.pipelines.tasks import Entry
from sampan.kinds.pipelines.walk import Call, Walk
from sampan.kube import launcher, lineage, meta
from sampan.kube.keys import Manifest
from sampan.kube.plan import Create
from sampan.kube.times import micro, parse

PATIENCE = 1.5
"""Seconds that a pod runs before its task is said to; pods have whole seconds."""


# -- beginning ------------------------------------------------------------------------------------
def begin(walk: Walk, call: Call, inputs: Values) -> None:
    if walk.is_full:
        return
    if walk.asking and not call.task.cachingOptions.enableCache:
        walk.begun += 1
        return
    more = tasks.with_inputs(inputs)
    attempt = int((walk.run.status.get("attempts") or {}).get(call.path) or 0)
    try:
        verdict = _consult(walk, call, inputs, attempt)
        if verdict is None:
            return
        more["cache"] = verdict.noted
        if verdict.hit is not None:
            walk.born(call, "CACHED", outputs=dict(verdict.hit.outputs), **more)
            return
        if walk.asking:
            return
        pod = _pod(walk, call, inputs, attempt)
    except (Unresolved, Unbuildable) as fault:
        walk.born(call, "FAILED", str(fault), **more)
        return
    walk.actions.append(Create(pod))
    walk.begun += 1
    walk.pending += 1
    if attempt:
        more["firstAttempt"] = attempt
    container = walk.pipeline.container(call.definition(walk))
    more["image"] = container.image if container else ""
    walk.born(call, "PENDING", pod=meta.name_of(pod), attempt=attempt, **more)


def _consult(walk: Walk, call: Call, inputs: Values, attempt: int) -> caches.Verdict | None:
    container = walk.pipeline.container(call.definition(walk))
    if container is None:
        raise Unbuildable("the component has no program that could run here")
    about, work = _about(walk, call, attempt), _work(walk, call, inputs, attempt)
    settings = config.of(walk.pipeline, work.component)
    mounted = sorted(claims.mounted(about, work, settings))
    return caches.consult(walk, call, container, inputs, mounted)


def _pod(walk: Walk, call: Call, inputs: Values, attempt: int) -> Manifest:
    work = _work(walk, call, inputs, attempt)
    settings = config.of(walk.pipeline, work.component)
    return build.build(_about(walk, call, attempt), work, settings)


def _about(walk: Walk, call: Call, attempt: int) -> About:
    return About(
        run=walk.run.manifest,
        facts=walk.facts,
        path=call.path,
        task=call.name,
        attempt=attempt,
        retried=call.task.retryPolicy is not None,
    )


def _work(walk: Walk, call: Call, inputs: Values, attempt: int) -> Work:
    component = call.definition(walk)
    salt = naming.unique(walk.run.uid, call.path, str(attempt))
    facts = walk.facts
    root = locations.task_root(facts.pipeline_root, walk.pipeline.name, facts.id, call.name, salt)
    told = executor_input.build(component, inputs, task_root=root)
    return Work(
        pipeline=walk.pipeline,
        component=component,
        inputs=inputs,
        executor_input=told,
        scope=call.scope,
    )


# -- looking --------------------------------------------------------------------------------------
def look(walk: Walk, call: Call) -> None:
    entry = walk.entry(call.path)
    assert entry is not None
    if "pod" not in entry:
        _before_retry(walk, call, entry)
        return
    pod = walk.run.pods.get(call.path)
    if pod is None:
        _ended(walk, call, entry, state.Outcome(state="FAILED", message="the pod is gone"))
    elif not meta.is_controlled_by(pod, walk.run.manifest):
        text = f"pod {meta.name_of(pod)} exists already and is not this run's"
        walk.turn(call.path, "FAILED", text)
    else:
        _observe(walk, call, entry, pod)


def _observe(walk: Walk, call: Call, entry: Entry, pod: Manifest) -> None:
    outcome = state.judge(pod)
    if outcome.state in tasks.ENDS:
        if outcome.abandoned or (meta.deleting(pod) and walk.stop):
            ending.end(walk, pod)
        _ended(walk, call, entry, outcome)
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


def _ended(walk: Walk, call: Call, entry: Entry, outcome: state.Outcome) -> None:
    if outcome.state == "SUCCEEDED":
        result = outcome.result or launcher.Result()
        found = _outputs(walk, call.definition(walk), result)
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
    _before_retry(walk, call, pending)


def _before_retry(walk: Walk, call: Call, entry: Entry) -> None:
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
        pod = _pod(walk, call, tasks.inputs_of(entry), attempt)
    except (Unresolved, Unbuildable) as fault:
        walk.turn(call.path, "FAILED", str(fault))
        return
    walk.actions.append(Create(pod))
    walk.begun += 1
    walk.pending += 1
    fresh = {key: value for key, value in entry.items() if key != "notBefore"}
    named: dict[str, Any] = {"pod": meta.name_of(pod), "attempt": attempt}
    walk.put(call.path, tasks.turned(fresh, "PENDING", walk.now, **named))


def _outputs(walk: Walk, component: Component, result: launcher.Result) -> Values:
    declared = component.outputDefinitions.artifacts
    found: dict[str, tuple[dict[str, Any], ...]] = {}
    for key, listed in result.artifacts.items():
        definition = declared.get(key)
        kind = definition.artifactType if definition else None
        title = (kind.schemaTitle if kind else None) or "system.Artifact"
        found[key] = tuple(_artifact(walk, title, each) for each in listed)
    return Values(result.parameters, found)


def _artifact(walk: Walk, title: str, made: launcher.Artifact) -> dict[str, Any]:
    noted: dict[str, Any] = {
        "id": lineage.artifact_id(walk.run.namespace, made.uri, made.digest),
        "name": made.name,
        "type": made.type or title,
        "uri": made.uri,
    }
    if made.metadata:
        noted["metadata"] = made.metadata
    more = {"digest": made.digest, "size": made.size}
    return noted | {key: value for key, value in more.items() if value}
