"""A loop: its iterations, not more at once than its limit, and what they give together.

Iterations begin in their order. Once one has failed no other begins; the loop fails when those that
run are over. Upstream: backend/src/v2/compiler/argocompiler/dag.go iteratorTask.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sampan.kinds.pipelines import tasks
from sampan.kinds.pipelines.ir import items, outputs
from sampan.kinds.pipelines.ir.faults import Unresolved
from sampan.kinds.pipelines.ir.resolve import Values
from sampan.kinds.pipelines.walk import MOST_TASKS, Call, Walk


def begin(walk: Walk, call: Call, inputs: Values) -> None:
    more = tasks.with_inputs(inputs)
    try:
        count = len(items.of(call.task, inputs))
        if walk.entries + count >= MOST_TASKS:
            raise Unresolved(
                f"a loop over {count} items: a run has at most {MOST_TASKS} tasks, "
                "iterations counted"
            )
    except Unresolved as fault:
        walk.born(call, "FAILED", fault.message, **more)
        return
    walk.born(call, "RUNNING", iterations=count, **more)
    look(walk, call)


def look(walk: Walk, call: Call) -> None:
    inputs, found = whole(walk, call.path, call)
    paths = [tasks.joined(call.path, f"[{index}]") for index in range(len(found))]
    states = [tasks.state_of(walk.entry(path)) for path in paths]
    for index, state in enumerate(states):
        if state in tasks.GOING:
            walk.go_on(_iteration(call, paths[index], index))
            states[index] = tasks.state_of(walk.entry(paths[index]))
    if not walk.stop and "" in states:
        _begin(walk, call, inputs, found, paths, states)
    _end(walk, call, paths, states)


def whole(walk: Walk, path: str, call: Call) -> tuple[Values, Sequence[Any]]:
    """The inputs and the items of the loop at a path, which the call is or is part of."""
    known = walk.loops.get(path)
    if known is None:
        inputs = tasks.inputs_of(walk.entry(path) or {})
        known = walk.loops[path] = (inputs, items.of(call.task, inputs))
    return known


def _iteration(call: Call, path: str, index: int) -> Call:
    return Call(
        path=path,
        name=call.name,
        component=call.component,
        task=call.task,
        frame=call.frame,
        iteration=index,
    )


def _begin(
    walk: Walk,
    call: Call,
    inputs: Values,
    found: Sequence[Any],
    paths: list[str],
    states: list[str],
) -> None:
    limit = call.task.iteratorPolicy.parallelismLimit or len(found)
    going = sum(state in tasks.GOING for state in states)
    failed = not tasks.BROKEN.isdisjoint(states)
    for index, state in enumerate(states):
        if state:
            continue
        iteration = _iteration(call, paths[index], index)
        if failed:
            walk.born(iteration, "OMITTED")
        elif going >= limit or walk.is_full:
            return
        else:
            _start(walk, iteration, inputs, found[index])
        states[index] = tasks.state_of(walk.entry(paths[index]))
        failed = failed or states[index] in tasks.BROKEN
        going += states[index] not in tasks.ENDS


def _start(walk: Walk, iteration: Call, inputs: Values, item: Any) -> None:
    definition = iteration.definition(walk)
    try:
        if walk.fault:
            raise Unresolved(walk.fault)
        own = items.iteration(iteration.task, definition, inputs, item)
    except Unresolved as fault:
        walk.born(iteration, "FAILED", fault.message)
        return
    walk.start(iteration, own)


def _end(walk: Walk, call: Call, paths: list[str], states: list[str]) -> None:
    found = set(states)
    if not tasks.GOING.isdisjoint(found) or ("" in found and not walk.stop):
        return
    if walk.stop:
        walk.turn(call.path, walk.stop_state, walk.stop)
    elif not tasks.BROKEN.isdisjoint(found):
        bad = [path for path, state in zip(paths, states, strict=True) if state in tasks.BROKEN]
        said = (walk.entry(bad[0]) or {}).get("error") or "failed"
        more = f" (and {len(bad) - 1} more iterations)" if len(bad) > 1 else ""
        walk.turn(call.path, "FAILED", f"{said}{more}")
    else:
        good = [
            tasks.outputs_of(walk.entry(path) or {})
            for path, state in zip(paths, states, strict=True)
            if state in tasks.GOOD
        ]
        gathered = outputs.collected(call.definition(walk), good)
        walk.turn(call.path, "SUCCEEDED", **tasks.with_outputs(gathered))
