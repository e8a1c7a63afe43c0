"""Workflow: run the entry template, node by node, until it is over.

    "" -> Running -> Succeeded | Failed | Error

A look has four parts: what the pods say (`podstate`), what stops everything (a shutdown, the
deadline), what the templates want next (`walk` and one file per kind), what the status says then.
The workflow can always be taken up again from its status and its pods.
Upstream: argo-workflows workflow/controller/operator.go.
"""

from __future__ import annotations

from collections.abc import Iterator

from sampan.kinds.workflows import nodes, status
from sampan.kinds.workflows.artifacts import repository
from sampan.kinds.workflows.execute import execute, settle
from sampan.kinds.workflows.language import maps, variables
from sampan.kinds.workflows.language.arguments import Missing
from sampan.kinds.workflows.pods import claims, ending, reports, state
from sampan.kinds.workflows.resolve import execution
from sampan.kinds.workflows.status import Word
from sampan.kinds.workflows.types import Run, spec_of
from sampan.kinds.workflows.validate import manifests
from sampan.kinds.workflows.walk import POD_GRACE, Broken, Call, Walk
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import NOTHING, Action, Controller, Delete, Patch, Plan, View
from sampan.kube.times import parse

LATE = "Step exceeded its deadline"


def see(cluster: View, key: Key) -> Run | None:
    manifest = cluster.get(key)
    if manifest is None or meta.deleting(manifest):
        return None
    whole = execution.see(cluster, manifest)
    spec = spec_of(whole.manifest)
    found = cluster.owned(manifest, names.POD)
    claimed = [f"{key.name}-{each['metadata']['name']}" for each in spec.volumeClaimTemplates]
    kind = names.PERSISTENT_VOLUME_CLAIM
    pods = {_node_of(pod): pod for pod in found}
    told = manifest.get("status") or {}
    return Run(
        manifest=whole.manifest,
        spec=spec,
        status=told,
        pods=pods,
        blocked=_blocked(cluster, key, manifest),
        claims=frozenset(n for n in claimed if cluster.get(Key(kind, key.namespace, n))),
        now=cluster.now(),
        configmaps=maps.see(cluster, key.namespace, whole.manifest["spec"]),
        begins=whole.begins,
        library=whole.library,
        fault=whole.fault,
        repository=repository.see(cluster, whole.manifest),
        reports=reports.see(cluster, key, pods, told),
    )


def _node_of(pod: Manifest) -> str:
    noted = pod["metadata"].get("annotations") or {}
    return noted.get(names.ANNOTATION_NODE_ID) or meta.name_of(pod)


def _blocked(cluster: View, key: Key, manifest: Manifest) -> str:
    """A workflow of one pod gives it its own name, which may be somebody else's."""
    pod = cluster.get(key.as_kind(names.POD))
    if pod is None or meta.is_controlled_by(pod, manifest):
        return ""
    return f"pod {key.name} exists already and is not this workflow's"


def decide(run: Run) -> Plan:
    if run.phase in status.DONE:
        return _after(run)
    if run.fault:
        return _refused(run, run.fault, "Error")
    if not run.phase and (wrong := manifests.problems(run.manifest, run.library)):
        return _refused(run, f"invalid spec: {wrong[0].message}")
    try:
        known = variables.of_workflow(run.manifest, run.manifest["spec"], run.configmaps)
    except Missing as missing:
        return _refused(run, f"failed to set global parameters: {missing}")
    if run.repository.fault:
        return _refused(run, run.repository.fault, "Error")
    walk = Walk(run, execute, known)
    if not run.phase:
        walk.book.learn(run.manifest["spec"], "")
    walk.tally()
    _observe(walk)
    _halt(walk)
    settle(walk)
    word = _run(walk)
    settle(walk)
    actions = [*_claims(walk, word), *walk.actions, *status.tell(run, word)]
    return _plan(actions, status.patch(walk, word), walk.again_in)


def _refused(run: Run, message: str, phase: str = "Failed") -> Plan:
    word = Word(phase=phase, message=message)
    return _plan([*status.tell(run, word)], status.refusal(run, word))


def _plan(actions: list[Action], patch: Patch | None, again_in: float | None = None) -> Plan:
    """The status goes last: it says what was done, and a repeated round does the same again."""
    return Plan(actions=(*actions, *([patch] if patch else ())), again_in=again_in)


def _observe(walk: Walk) -> None:
    """Let the pods speak."""
    for node in walk.workflow.nodes.values():
        if node["type"] != "Pod" or nodes.over(node):
            continue
        pod = walk.workflow.pods.get(node["id"])
        if pod is not None:
            report = walk.workflow.reports.get(node["id"])
            seen = state.observe(reports.taken(node, report), pod, walk.now)
            if reports.is_awaited(seen, pod, report, walk.workflow.now):
                walk.wait(reports.PATIENCE)
                continue
            if nodes.over(walk.put(seen)):
                walk.actions.append(_labelled(walk, pod))
        elif (left := POD_GRACE - walk.age(node)) > 0:
            walk.wait(left)
        else:
            walk.turn(node, "Error", "pod deleted")


def _labelled(walk: Walk, pod: Manifest) -> Patch:
    labels = {names.LABEL_WORKFLOW_COMPLETED: "true"}
    key = Key(names.POD, walk.workflow.namespace, meta.name_of(pod))
    return Patch(key, {"metadata": {"uid": meta.uid_of(pod), "labels": labels}})


def _halt(walk: Walk) -> None:
    """A shutdown or the deadline ends what runs and keeps the rest from starting."""
    run = walk.workflow
    said = ""
    if run.spec.shutdown:
        said = f"workflow shutdown with strategy:  {run.spec.shutdown}"
        walk.halted = f"workflow shutdown with strategy: {run.spec.shutdown}"
    elif (left := _time_left(run)) is not None:
        if left > 0:
            walk.wait(left)
            return
        said = walk.halted = LATE
    if not said:
        return
    for node in list(walk.workflow.nodes.values()):
        now = walk.by_id(node["id"]) or node
        if nodes.active(now):
            walk.turn(now, "Failed", said)
            if pod := run.pods.get(now["id"]):
                walk.actions += ending.end(run, pod)


def _time_left(run: Run) -> float | None:
    seconds, began = run.spec.activeDeadlineSeconds, run.status.get("startedAt")
    if seconds is None or not began:
        return None
    return seconds - (run.now - parse(began)).total_seconds()


def _run(walk: Walk) -> Word:
    """Run the entry template; what the workflow's phase is then."""
    run = walk.workflow
    if run.spec.suspend and not walk.halted:
        return Word(phase="Running", message=run.status.get("message") or "")
    entry = {"template": run.spec.entrypoint}
    given = variables.arguments_of(run.manifest["spec"], walk.globals)
    call = Call(node=run.name, who=entry, arguments=given)
    try:
        root = walk.run(call)
    except Broken as fault:
        return Word(phase="Error", message=f"error in entry template execution: {fault}")
    if root is None or not nodes.over(root):
        return Word(phase="Running")
    if root["phase"] in nodes.GOOD:
        return Word(phase="Succeeded")
    if run.spec.shutdown:
        message = f"Stopped with strategy '{run.spec.shutdown}'"
        return Word(phase=root["phase"], message=message)
    return Word(phase=root["phase"], message=root.get("message", ""))


def _claims(walk: Walk, word: Word) -> Iterator[Action]:
    run = walk.workflow
    if not word.done:
        yield from claims.missing(run)
    elif claims.released(run, word.phase):
        yield from claims.deletions(run)


def _after(run: Run) -> Plan:
    """A workflow that is over: nothing runs, and one day it goes."""
    ends = (action for pod in run.pods.values() for action in ending.end(run, pod))
    actions = (*ends, *reports.removals(run.reports))
    lifetime = _lifetime(run)
    if lifetime is None:
        return Plan(actions=actions) if actions else NOTHING
    left = lifetime - (run.now - parse(run.status["finishedAt"])).total_seconds()
    if left > 0:
        return Plan(actions=actions, again_in=left)
    key = Key(names.WORKFLOW, run.namespace, run.name)
    return Plan(actions=(*actions, Delete(key, meta.uid_of(run.manifest))))


def _lifetime(run: Run) -> int | None:
    """Seconds from the end to the deletion; secondsAfterFailure is for Failed, not for Error."""
    ttl = run.spec.ttlStrategy
    special = {"Succeeded": ttl.secondsAfterSuccess, "Failed": ttl.secondsAfterFailure}
    seconds = special.get(run.phase)
    return ttl.secondsAfterCompletion if seconds is None else seconds


WORKFLOW = Controller(name="workflow", of=names.WORKFLOW, see=see, decide=decide)
