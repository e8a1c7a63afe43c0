"""CreatePVC and DeletePVC: tasks that the controller carries out itself.

    create    RUNNING with a claim that is asked for -> SUCCEEDED when it is there and this task's
    delete    RUNNING -> the claim was seen (`begun`) -> deleted, SUCCEEDED

A look cannot tell whether a claim is there before the task is RUNNING: only the claims of such
tasks are read. Upstream: backend/src/v2/driver/k8s.go.
"""

from __future__ import annotations

from sampan.kinds.pipelines import tasks
from sampan.kinds.pipelines.ir.resolve import Values
from sampan.kinds.pipelines.pods import claims
from sampan.kinds.pipelines.pods.about import About, Unbuildable
from sampan.kinds.pipelines.tasks import Entry
from sampan.kinds.pipelines.walk import Call, Walk
from sampan.kube import meta, names
from sampan.kube.keys import Key
from sampan.kube.plan import Create, Delete


def begin(walk: Walk, call: Call, inputs: Values) -> None:
    more = tasks.with_inputs(inputs)
    about, given = _about(walk, call), inputs.parameters
    try:
        if _creates(walk, call):
            wanted = claims.creation(about, given)
            walk.actions.append(Create(wanted))
            name = meta.name_of(wanted)
        else:
            name = claims.deletion(about, given).name
    except Unbuildable as fault:
        walk.born(call, "FAILED", str(fault), **more)
        return
    walk.begun += 1
    walk.born(call, "RUNNING", claim=name, **more)


def look(walk: Walk, call: Call) -> None:
    entry = walk.entry(call.path)
    assert entry is not None
    if walk.stop:
        walk.turn(call.path, walk.stop_state, walk.stop)
        return
    try:
        if _creates(walk, call):
            _created(walk, call, entry)
        else:
            _deleted(walk, call, entry)
    except Unbuildable as fault:
        walk.turn(call.path, "FAILED", str(fault))


def _created(walk: Walk, call: Call, entry: Entry) -> None:
    given = tasks.inputs_of(entry).parameters
    wanted = claims.creation(_about(walk, call), given)
    if claims.is_made(wanted, walk.run.claims.get(call.path)):
        outputs = {"parameters": {"name": meta.name_of(wanted)}}
        walk.turn(call.path, "SUCCEEDED", outputs=outputs)
    else:
        walk.actions.append(Create(wanted))


def _deleted(walk: Walk, call: Call, entry: Entry) -> None:
    key = Key(names.PERSISTENT_VOLUME_CLAIM, walk.run.namespace, entry["claim"])
    existing, begun = walk.run.claims.get(call.path), bool(entry.get("begun"))
    if claims.is_gone(key, existing, begun=begun):
        walk.turn(call.path, "SUCCEEDED")
    elif not begun:
        walk.turn(call.path, "RUNNING", begun=True)
    else:
        walk.actions.append(Delete(key, meta.uid_of(existing or {"metadata": {}})))
        walk.turn(call.path, "SUCCEEDED")


def _creates(walk: Walk, call: Call) -> bool:
    container = walk.pipeline.container(call.definition(walk))
    return container is not None and container.image == claims.CREATE


def _about(walk: Walk, call: Call) -> About:
    return About(run=walk.run.manifest, facts=walk.facts, path=call.path, task=call.name)
