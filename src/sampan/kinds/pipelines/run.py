"""Run: a pipeline that is walked, task by task, until it is over.

    "" -> RUNNING -> SUCCEEDED | FAILED;  RUNNING -> CANCELING -> FAILED;  FAILED -> PENDING (retry)

A look sees the run, its documents and the pods of tasks that go on. What could begin is gone
through once in `see` already, since only there the records can be asked; `decide` goes through it
with the answers. The run can always be taken up again from its status and its pods: names are
functions of paths, and a plan that is carried out in part is made again.
A run that is terminated ends FAILED as with upstream's engine, whose clients do not know CANCELED
for an end.
Upstream: backend/src/v2/compiler/argocompiler, backend/src/apiserver/resource.
"""

from __future__ import annotations

from msgspec.structs import replace

from sampan.kinds.pipelines import again, dags, ending, execute, leftovers, seeing, status, tasks
from sampan.kinds.pipelines.instead import Instead
from sampan.kinds.pipelines.ir import arguments, macros
from sampan.kinds.pipelines.ir.faults import Fault, Invalid
from sampan.kinds.pipelines.ir.macros import Moments
from sampan.kinds.pipelines.ir.messages import Task
from sampan.kinds.pipelines.ir.pipeline import ROOT
from sampan.kinds.pipelines.ir.resolve import Values
from sampan.kinds.pipelines.leftovers import Ended
from sampan.kinds.pipelines.pods import workspace
from sampan.kinds.pipelines.pods.about import Unbuildable
from sampan.kinds.pipelines.snapshot import Refused, Run
from sampan.kinds.pipelines.walk import Call, Frame, Walk
from sampan.kube import lineage, meta, names, runs
from sampan.kube.keys import Key
from sampan.kube.plan import Action, Controller, Create, Plan, View
from sampan.kube.times import parse, rfc3339

TERMINATED = "the run was terminated"


class _Steps:
    start = staticmethod(execute.start)
    go_on = staticmethod(execute.go_on)
    descend = staticmethod(dags.look)


_STEPS = _Steps()


def see(view: View, key: Key) -> Run | Refused | Ended | None:
    manifest = view.get(key)
    if manifest is None or meta.deleting(manifest):
        return None
    if names.ANNOTATION_RESTORING in meta.annotations_of(manifest):
        return None
    told = manifest.get("status") or {}
    ended = told.get("state") in runs.ENDS
    if ended and not again.is_asked(manifest):
        return leftovers.see(view, manifest)
    try:
        run = seeing.see(view, key, manifest)
    except Fault as fault:
        return Refused(manifest=manifest, message=fault.message, now=view.now())
    if ended:
        return run
    first = Walk(run, _STEPS, asking=True)
    try:
        _walk(first)
    except Fault:
        return run
    asked = {each: view.consult(lineage.CACHE, each) for each in first.questions}
    return replace(run, answers={each: said for each, said in asked.items() if said is not None})


def decide(seen: Run | Refused | Ended) -> Plan:
    if isinstance(seen, Ended):
        return leftovers.after(seen)
    if isinstance(seen, Refused):
        return _refused(seen)
    if seen.state in runs.ENDS:
        return again.begin(seen)
    walk = Walk(seen, _STEPS)
    try:
        before = _needed(seen)
        state, error = _walk(walk)
    except Fault as fault:
        return _refused(Refused(manifest=seen.manifest, message=fault.message, now=seen.now))
    patch = status.patch(walk, state, error)
    told = status.events(seen, state, error)
    actions = [*before, *walk.actions, *told, *([patch] if patch else ())]
    return Plan(actions=tuple(actions), again_in=walk.again_in, instead=Instead(seen, walk.changed))


def _needed(run: Run) -> list[Action]:
    """What has to be there before the first pod."""
    if run.state:
        return []
    try:
        claim = workspace.claim(run.manifest, run.pipeline.config)
    except Unbuildable as fault:
        raise Invalid(str(fault)) from fault
    return [Create(claim)] if claim else []


def _walk(walk: Walk) -> tuple[str, str]:
    """Go through the run; its state then, and why it failed. Invalid."""
    _stop(walk)
    entry = walk.entry(tasks.ROOT)
    inputs = _inputs(walk) if entry is None else tasks.inputs_of(entry)
    if entry is None and not walk.stop:
        call = Call(path=tasks.ROOT, name=walk.pipeline.name, component=ROOT, task=Task())
        entry = walk.born(call, "RUNNING", **tasks.with_inputs(inputs))
    if entry is not None and not tasks.over(entry):
        walk.descend(Frame(walk=walk, path=tasks.ROOT, component=ROOT, inputs=inputs))
    return _judge(walk)


def _inputs(walk: Walk) -> Values:
    spec = walk.run.spec
    given = (spec.get("runtimeConfig") or {}).get("parameters") or {}
    arguments.check(walk.pipeline, given)
    filled = macros.expanded(given, _moments(walk))
    return Values(arguments.complete(walk.pipeline, filled))


def _moments(walk: Walk) -> Moments:
    scheduled = walk.run.spec.get("scheduledAt")
    return Moments(
        run_id=walk.facts.id, now=walk.now, scheduled=parse(scheduled) if scheduled else None
    )


def _stop(walk: Walk) -> None:
    """Whether everything has to end, and why."""
    run = walk.run
    seconds, began = seeing.deadline_of(run.pipeline), run.status.get("startedAt")
    if run.spec.get("terminate"):
        walk.stop = TERMINATED
    elif seconds and began:
        left = seconds - tasks.age(began, run.now)
        if left > 0:
            walk.wait(left)
        else:
            walk.stop = f"the run took longer than its deadline of {seconds} seconds"
            walk.stop_state = "FAILED"
    elif seconds:
        walk.wait(float(seconds))
    for pod in run.strays:
        ending.end(walk, pod)


def _judge(walk: Walk) -> tuple[str, str]:
    root = walk.entry(tasks.ROOT)
    if walk.stop and (walk.run.strays or tasks.active(root)):
        return "CANCELING", ""
    if tasks.active(root):
        return "RUNNING", ""
    if tasks.state_of(root) == "SUCCEEDED":
        return "SUCCEEDED", ""
    return "FAILED", walk.stop or (root or {}).get("error") or "failed"


def _refused(refused: Refused) -> Plan:
    """A run that can never begin, or not go on."""
    manifest = refused.manifest
    told = manifest.get("status") or {}
    said = status.with_condition(
        told, tasks.told(told, "FAILED", refused.now, refused.message), rfc3339(refused.now)
    )
    key = Key(names.RUN, meta.namespace_of(manifest), meta.name_of(manifest))
    patch = status.patched(key, manifest, said, {})
    return Plan(actions=(patch,) if patch else ())


def _recover(view: View, key: Key, fault: str) -> Plan | None:
    """What no look can deal with ends the run."""
    manifest = view.get(key)
    if manifest is None or (manifest.get("status") or {}).get("state") in runs.ENDS:
        return None
    return _refused(Refused(manifest=manifest, message=fault, now=view.now()))


RUN = Controller(name="run", of=names.RUN, see=see, decide=decide, recover=_recover)
