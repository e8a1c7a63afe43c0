"""A task that is a DAG, and an iteration that is one: the frame in which its tasks go on."""

from __future__ import annotations

from sampan.kinds.pipelines import loops, tasks
from sampan.kinds.pipelines.ir import items
from sampan.kinds.pipelines.ir.messages import Task
from sampan.kinds.pipelines.ir.resolve import Values
from sampan.kinds.pipelines.walk import Call, Frame, Walk


def begin(walk: Walk, call: Call, inputs: Values) -> None:
    told = _of_item(call.task, inputs) if call.iteration is not None else inputs
    walk.born(call, "RUNNING", **tasks.with_inputs(told))
    walk.begun += 1
    _descend(walk, call, inputs)


def look(walk: Walk, call: Call) -> None:
    if call.iteration is None:
        inputs = tasks.inputs_of(walk.entry(call.path) or {})
    else:
        whole, found = loops.whole(walk, call.around, call)
        item = found[call.iteration]
        inputs = items.iteration(call.task, call.definition(walk), whole, item)
    _descend(walk, call, inputs)


def _descend(walk: Walk, call: Call, inputs: Values) -> None:
    walk.descend(
        Frame(
            walk=walk,
            path=call.path,
            component=call.component,
            inputs=inputs,
            depth=call.depth + 1,
        )
    )


def _of_item(task: Task, inputs: Values) -> Values:
    """What an iteration has that the loop does not: with all of them in each entry, a loop over a
    list would note the list as often as it is long."""
    if task.artifactIterator is not None:
        key = task.artifactIterator.itemInput
        return Values({}, {key: inputs.artifacts.get(key, ())})
    assert task.parameterIterator is not None
    key = task.parameterIterator.itemInput
    return Values({key: inputs.parameters.get(key)})
