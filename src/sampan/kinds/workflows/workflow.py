"""Workflow: run the entry template, node by node, until it is over.

    "" -> Running -> Succeeded | Failed | Error

A look has four parts: what the pods say (`pods.state`), what stops everything (`stops`), what the
templates want next (`execute`, then one file per kind), what the status says then.
The workflow can always be taken up again from its status and its pods.
Upstream: argo-workflows workflow/controller/operator.go.
"""

from __future__ import annotations

from msgspec.structs import replace

from sampan.kinds.workflows import (
    begin,
    events,
    exits,
    figures,
    leftovers,
    locking,
    metrics,
    nodes,
    postponing,
    repository,
    status,
    stops,
    tolerance,
    usage,
)
from sampan.kinds.workflows.agents import tasks
from sampan.kinds.workflows.artifacts import collection
from sampan.kinds.workflows.execute import execute, settle
from sampan.kinds.workflows.instead import Instead
from sampan.kinds.workflows.language import expressions, maps, variables
from sampan.kinds.workflows.language.expressions import Present
from sampan.kinds.workflows.locks import limits, requests
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.pods import drivers, living, reports, state
from sampan.kinds.workflows.resolve import execution
from sampan.kinds.workflows.status import Word
from sampan.kinds.workflows.templates import containerset, daemons
from sampan.kinds.workflows.types import Run, Spec, spec_of
from sampan.kinds.workflows.walk import POD_GRACE, Broken, Call, Walk
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Action, Controller, Patch, Plan, View


def see(cluster: View, key: Key) -> Run | None:
    manifest = cluster.get(key)
    if manifest is None or (meta.deleting(manifest) and not collection.is_held(manifest)):
        return None
    whole = execution.see(cluster, manifest)
    spec = spec_of(whole.manifest)
    claimed = [
        f"{key.name}-{(each.get('metadata') or {}).get('name')}"
        for each in spec.volumeClaimTemplates
    ]
    kind = names.PERSISTENT_VOLUME_CLAIM
    told = tolerance.status_of(manifest)
    specs = (whole.manifest["spec"], *whole.library.values())
    pods = living.see(cluster, manifest, spec, told)
    return Run(
        manifest=whole.manifest,
        spec=spec,
        status=told,
        pods=pods,
        blocked=_blocked(cluster, key, manifest),
        claims=frozenset(n for n in claimed if cluster.get(Key(kind, key.namespace, n))),
        now=cluster.now(),
        configmaps=maps.see(cluster, key.namespace, specs),
        own=manifest["spec"],
        begins=whole.begins,
        library=whole.library,
        fault=whole.fault,
        postponed=postponing.see(cluster, manifest),
        repository=repository.see(cluster, whole.manifest),
        drivers=drivers.see(cluster),
        agent=tasks.see(cluster, whole.manifest),
        reports=reports.see(cluster, key, pods, told),
        limits=limits.see(cluster, requests.all_of(manifest)),
        node_events=events.see(cluster),
        baseline=usage.baseline(cluster, _labelled_as_begun(whole)),
    )


def _labelled_as_begun(whole: execution.Execution) -> Manifest:
    """The manifest with the labels that its first look gives it."""
    given = (whole.begins.get("metadata") or {}).get("labels")
    if not given:
        return whole.manifest
    about = whole.manifest["metadata"]
    return {
        **whole.manifest,
        "metadata": {**about, "labels": {**(about.get("labels") or {}), **given}},
    }


def _blocked(cluster: View, key: Key, manifest: Manifest) -> str:
    """A workflow of one pod gives it its own name, which may be somebody else's."""
    pod = cluster.get(key.as_kind(names.POD))
    if pod is None or meta.is_controlled_by(pod, manifest):
        return ""
    return f"pod {key.name} exists already and is not this workflow's"


def decide(run: Run) -> Plan:
    if run.phase in status.DONE:
        return leftovers.after(run)
    if run.postponed:
        return _plan([], postponing.patch(run.manifest))
    try:
        run, known = begin.begun(run)
    except begin.Refused as fault:
        return _refused(run, str(fault), fault.phase)
    walk = Walk(run, execute, {**known, expressions.CLOCK: Present(run.now, run.name)})
    if not run.phase:
        walk.book.learn(run.manifest["spec"], "")
    word = locking.acquire_all(walk)
    if word is None:
        walk.tally()
        _observe(walk)
        tasks.observe(walk)
        stops.apply(walk)
        settle(walk)
        word = _run(walk)
        settle(walk)
    tasks.act(walk, done=word.done)
    leftovers.pods_of_nodes(walk)
    around = leftovers.last(run, word.phase) if word.done else leftovers.first(run)
    usage.account(walk)
    told = [*status.tell(run, word), *events.of_nodes(walk)]
    measured = [*metrics.of_templates(walk), *metrics.of_workflow(walk, word.phase, done=word.done)]
    measured += figures.of_phase(walk, word)
    actions = [*around, *walk.actions, *walk.done, *told, *measured]
    plan = _plan(actions, status.patch(walk, word), walk.again_in)
    return replace(plan, instead=Instead(run, walk.now, walk.changed))


def _refused(run: Run, message: str, phase: str) -> Plan:
    word = Word(phase=phase, message=message)
    return _plan([*status.tell(run, word)], status.refusal(run, word))


def _recover(cluster: View, key: Key, fault: str) -> Plan | None:
    """What no look can deal with ends in error, as upstream recovers from a panic."""
    manifest = cluster.get(key)
    if manifest is None or (manifest.get("status") or {}).get("phase") in status.DONE:
        return None
    told = manifest.get("status") or {}
    run = Run(
        manifest=manifest, spec=Spec(), status=told, pods={}, blocked="", claims=frozenset(),
        now=cluster.now(),
    )  # fmt: skip
    return _refused(run, fault, "Error")


def _plan(actions: list[Action], patch: Patch | None, again_in: float | None = None) -> Plan:
    """The status goes last: it says what was done, and a repeated round does the same again."""
    return Plan(actions=(*actions, *([patch] if patch else ())), again_in=again_in)


def _observe(walk: Walk) -> None:
    """Let the pods speak."""
    for node in walk.workflow.nodes.values():
        if node["type"] != "Pod" or nodes.over(node) or nodes.waiting(node):
            continue
        pod = walk.workflow.pods.get(node["id"])
        if pod is not None:
            report = walk.workflow.reports.get(node["id"])
            if state.goes_on(node, pod) and not reports.is_news(node, report):
                continue
            if node.get("children"):
                containerset.observe(walk, node, pod)
            seen = state.observe(reports.taken(node, report), pod, walk.now)
            if reports.is_awaited(seen, pod, report, walk.workflow.now):
                walk.wait(reports.PATIENCE)
                continue
            if nodes.over(walk.put(daemons.observe(walk, seen, node, pod))):
                walk.done.append(_labelled(walk, pod))
        elif (left := POD_GRACE - walk.age(node)) > 0:
            walk.wait(left)
        else:
            daemons.gone(walk, node)


def _labelled(walk: Walk, pod: Manifest) -> Patch:
    labels = {names.LABEL_WORKFLOW_COMPLETED: "true"}
    key = Key(names.POD, walk.workflow.namespace, meta.name_of(pod))
    return Patch(key, {"metadata": {"uid": meta.uid_of(pod), "labels": labels}})


def _run(walk: Walk) -> Word:
    """Run the entry template, then the exit handler; what the workflow's phase is then."""
    run = walk.workflow
    if run.spec.suspend and not walk.stopping:
        return Word(phase="Running", message=run.status.get("message") or "")
    walk.globals |= variables.of_run(run.status, run.now)
    given = variables.arguments_of(run.manifest["spec"], walk.globals)
    call = Call(node=run.name, who={"template": run.spec.entrypoint}, arguments=given)
    try:
        root = walk.run(call)
    except Broken as fault:
        return _broken(walk, f"error in entry template execution: {fault}")
    if root is None:
        return Word(phase="Running")
    exits.tell(walk, root)
    hooked = exits.beside(walk, root)
    root = walk.by_id(root["id"]) or root
    if not hooked or not nodes.fulfilled(root):
        return Word(phase="Running")
    exits.tell(walk, root)
    try:
        left, exit = exits.leave(walk)
    except Broken as fault:
        return _broken(walk, f"error in exit template execution : {fault}")
    if not left:
        return Word(phase="Running")
    daemons.end_all(walk)
    return _judge(walk, walk.by_id(root["id"]) or root, exit)


def _broken(walk: Walk, message: str) -> Word:
    root = walk.node(walk.workflow.name)
    if root is not None and root["phase"] == "Running":
        walk.error(root, "Workflow operation error")
    daemons.end_all(walk)
    return Word(phase="Error", message=message)


def _judge(walk: Walk, root: Node, exit: Node | None) -> Word:
    """The end of a workflow: that of its entry template, or of the exit handler if that broke."""
    if not nodes.broken(root):
        if exit is not None and nodes.broken(exit):
            return Word(phase=exit["phase"], message=exit.get("message", ""))
        return Word(phase="Succeeded")
    if walk.stopping:
        strategy = walk.workflow.spec.shutdown
        return Word(phase=root["phase"], message=f"Stopped with strategy '{strategy}'")
    return Word(phase=root["phase"], message=root.get("message", ""))


WORKFLOW = Controller(name="workflow", of=names.WORKFLOW, see=see, decide=decide, recover=_recover)
