"""A DAG that goes on: its tasks in their order, then its end.

First what runs is looked at, then what may begin is begun, so that one look brings a chain as far
as it comes. A DAG has failed when a task of it has; it is over when all its tasks are.
Upstream: backend/src/v2/driver/dag.go, backend/src/v2/compiler/argocompiler/dag.go.
"""

from __future__ import annotations

from sampan.kinds.pipelines import execute, readiness, tasks
from sampan.kinds.pipelines.ir import outputs
from sampan.kinds.pipelines.ir.faults import Unresolved
from sampan.kinds.pipelines.walk import Call, Frame, Walk


def look(walk: Walk, frame: Frame) -> None:
    graph = walk.pipeline.graph(frame.component)
    states = frame.states(graph.tasks)
    for name, state in states.items():
        if state in tasks.GOING:
            execute.go_on(walk, _call(frame, name))
            states[name] = frame.state(name)
    if not walk.stop and "" in states.values():
        _begin(walk, frame, states)
    _end(walk, frame, states)


def _call(frame: Frame, name: str) -> Call:
    task = frame.walk.pipeline.graph(frame.component).tasks[name]
    return Call(
        path=frame.child(name), name=name, component=task.componentRef.name, task=task, frame=frame
    )


def _begin(walk: Walk, frame: Frame, states: dict[str, str]) -> None:
    """Begin what may begin, and leave out what never will."""
    graph = walk.pipeline.graph(frame.component)
    failed = not tasks.BROKEN.isdisjoint(states.values())
    unmoved = readiness.undeterred(graph) if failed else frozenset()
    for name, task in graph.tasks.items():
        if states[name]:
            continue
        if failed and name not in unmoved:
            verdict: readiness.Verdict = "omit"
        else:
            verdict = readiness.verdict(task, graph.needs[name], states)
        if verdict == "begin":
            execute.begin(walk, _call(frame, name))
        elif verdict == "omit":
            walk.born(_call(frame, name), "OMITTED")
        states[name] = frame.state(name)
        if states[name] in tasks.BROKEN and not failed:
            failed, unmoved = True, readiness.undeterred(graph)


def _end(walk: Walk, frame: Frame, states: dict[str, str]) -> None:
    found = set(states.values())
    if not tasks.GOING.isdisjoint(found) or ("" in found and not walk.stop):
        return
    if walk.stop:
        walk.turn(frame.path, walk.stop_state, walk.stop)
    elif not tasks.BROKEN.isdisjoint(found):
        bad = [name for name, state in states.items() if state in tasks.BROKEN]
        walk.turn(frame.path, "FAILED", _failure(frame, bad))
    else:
        _succeed(walk, frame, states)


def _failure(frame: Frame, bad: list[str]) -> str:
    """The first of the tasks that failed, and why; how many others."""
    entry = frame.walk.entry(frame.child(bad[0])) or {}
    more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
    said = entry.get("error") or "failed"
    inner = entry.get("type") in tasks.GROUPS
    return f"{said}{more}" if inner else f"task {frame.child(bad[0])}: {said}{more}"


def _succeed(walk: Walk, frame: Frame, states: dict[str, str]) -> None:
    component = walk.pipeline.component(frame.component)
    ended = {
        name: tasks.outputs_of(walk.entry(frame.child(name)) or {})
        for name, state in states.items()
        if state in tasks.GOOD
    }
    try:
        found = tasks.with_outputs(outputs.of_dag(component, ended))
    except Unresolved as fault:
        walk.turn(frame.path, "FAILED", fault.message)
        return
    walk.turn(frame.path, "SUCCEEDED", **found)
