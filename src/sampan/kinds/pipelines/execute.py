"""Beginning a task and going on with one, whatever it is.

    inputs resolved -> condition -> a loop | a DAG | an importer | a claim | a container

What cannot be resolved fails the task; a condition that does not hold skips it.
Upstream: backend/src/v2/driver/{container,dag}.go.
"""

from __future__ import annotations

from sampan.kinds.pipelines import containers, groups, importers, loops, volumes
from sampan.kinds.pipelines.ir import expressions, resolve
from sampan.kinds.pipelines.ir.faults import Unresolved
from sampan.kinds.pipelines.ir.resolve import Values
from sampan.kinds.pipelines.walk import MOST_DEEP, Call, Walk


def begin(walk: Walk, call: Call) -> None:
    """Begin a task whose needs are met; without a trace where it has to wait for a limit or for an
    answer."""
    if walk.is_full:
        return
    try:
        if walk.fault:
            raise Unresolved(walk.fault)
        if call.depth >= MOST_DEEP:
            raise Unresolved(f"pipelines in pipelines are at most {MOST_DEEP} deep")
        inputs = resolve.inputs(
            call.name, call.task, call.definition(walk), call.scope, walk.facts, call.id(walk)
        )
        condition = call.task.triggerPolicy.condition
        if condition and not expressions.holds(condition, inputs):
            walk.born(call, "SKIPPED")
            return
    except Unresolved as fault:
        walk.born(call, "FAILED", fault.message)
        return
    if call.task.loops:
        loops.begin(walk, call, inputs)
    else:
        start(walk, call, inputs)


def start(walk: Walk, call: Call, inputs: Values) -> None:
    match call.type(walk):
        case "Dag" | "Iteration":
            groups.begin(walk, call, inputs)
        case "Importer":
            importers.begin(walk, call, inputs)
        case "Pvc":
            volumes.begin(walk, call, inputs)
        case _:
            containers.begin(walk, call, inputs)


def go_on(walk: Walk, call: Call) -> None:
    match call.type(walk):
        case "Dag" | "Iteration":
            groups.look(walk, call)
        case "Loop":
            loops.look(walk, call)
        case "Pvc":
            volumes.look(walk, call)
        case "Importer":
            importers.look(walk, call)
        case _:
            containers.look(walk, call)
