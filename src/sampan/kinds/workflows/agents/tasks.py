"""The WorkflowTaskSet of a workflow: what its agent has to do, and what came of it.

    node begins -> task in spec -> result in status -> node is over -> both are taken out

The set is labelled as completed when the workflow is over, which ends the agent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from msgspec import Struct

from sampan.kinds.workflows import nodes
from sampan.kinds.workflows.agents import plugins, pod
from sampan.kinds.workflows.nodes import Node, NodeType, Phase
from sampan.kinds.workflows.pods import build
from sampan.kinds.workflows.pods.about import Unbuildable
from sampan.kinds.workflows.types import Agent, Template
from sampan.kinds.workflows.walk import Running, Walk
from sampan.kube import labels, meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Apply, Delete, Patch, View

TYPES = ("HTTP", "Plugin")
_PHASES = ("Pending", "Running", "Succeeded", "Failed", "Error")
_FEW = 20
"""Tasks that are over and may stay in the set."""
_HEAVY = 200_000
"""Characters of their results: an object has bounds."""
_MOST = 500
"""Results that are taken out in one write."""


class _Result(Struct, frozen=True):
    """What the agent says of a node."""

    phase: Phase
    message: str
    outputs: Manifest | None
    progress: str


def see(cluster: View, workflow: Manifest) -> Agent:
    """The set, the pod, and the plugins that a pod to be made would have; nothing where nothing is
    asked of an agent."""
    name, namespace = meta.name_of(workflow), meta.namespace_of(workflow)
    found = cluster.get(Key(names.WORKFLOW_TASK_SET, namespace, name))
    if found is None or not meta.is_owned_by(found, workflow):
        return Agent()
    agent = cluster.get(Key(names.POD, namespace, pod.name_of(name)))
    return Agent(found, agent, plugins.see(cluster, namespace) if agent is None else ())


def execute(walk: Walk, running: Running, type: NodeType) -> Node:
    """A template whose node is done by the agent."""
    call = running.call
    node = walk.node(call.node)
    if node is None:
        if said := walk.barred(exit=call.exit):
            return walk.begin(running, type, "Failed", said)
        node = walk.begin(running, type, "Pending")
    id = node["id"]
    if not nodes.over(node) and id not in walk.tasks:
        walk.tasks[id] = _given(walk).get(id) or _filled(walk, running)
    return node


def _given(walk: Walk) -> Mapping[str, Template]:
    """The tasks that the agent has been given."""
    found = (walk.workflow.agent.tasks or {}).get("spec") or {}
    return found.get("tasks") or {}


def _filled(walk: Walk, running: Running) -> Template:
    template, _ = build.filled(walk.workflow, walk.globals, running, pod="")
    kept = {key: value for key, value in template.items() if key != "archiveLocation"}
    return {**kept, "inputs": running.inputs} if running.inputs else kept


def observe(walk: Walk) -> None:
    """Take over what the agent has done, or that it cannot do anything."""
    agent = walk.workflow.agent
    if agent.tasks is None:
        return
    said = ((agent.tasks.get("status") or {}).get("nodes")) or {}
    broken = pod.fault_of(agent.pod)
    for id, before in walk.workflow.nodes.items():
        node = walk.by_id(id) or before
        if node["type"] not in TYPES or nodes.over(node):
            continue
        if id in said:
            _take(walk, node, _read(said[id]))
        elif broken:
            walk.turn(node, "Error", f'agent pod failed with reason:"{broken}"')


def _read(result: Any) -> _Result:
    """A result as the agent wrote it; one that makes no sense is an error."""
    given = result if isinstance(result, dict) else {}
    phase, message = given.get("phase") or "", str(given.get("message") or "")
    if phase not in _PHASES:
        phase, message = "Error", f"the agent reported an unknown phase {phase!r}"
    outputs = given.get("outputs")
    progress = given.get("progress")
    return _Result(
        phase=cast(Phase, phase),
        message=message,
        outputs=outputs if isinstance(outputs, dict) else None,
        progress=progress if isinstance(progress, str) else "",
    )


def _take(walk: Walk, node: Node, result: _Result) -> None:
    new = dict(node)
    if result.outputs:
        new["outputs"] = {key: each for key, each in result.outputs.items() if each is not None}
    if result.progress:
        new["progress"] = result.progress
    if result.phase == "Pending" and node["phase"] == "Running":
        walk.put(new)
        return
    walk.put(nodes.turned(new, result.phase, walk.now, result.message))


def act(walk: Walk, *, done: bool) -> None:
    """Write down what is to be done, see to the agent, and take out what is over."""
    run = walk.workflow
    tasks = {} if done else _wanted(walk)
    if run.agent.tasks is None and not tasks:
        return
    pending = any(not nodes.over(walk.by_id(id)) for id in tasks)
    if _has_changed(run.agent.tasks, tasks, done=done):
        walk.actions.append(Apply(_manifest(walk, tasks, done=done)))
    _take_out(walk)
    if pending and run.agent.tasks is not None and run.agent.pod is None:  # now plugins are known
        try:
            walk.actions.append(Apply(pod.build(walk)))
        except Unbuildable as fault:
            for id in tasks:
                if (node := walk.by_id(id)) is not None:
                    walk.error(node, f'create agent pod failed with reason:"{fault}"')
    known_pod = run.agent.pod
    if done and known_pod and (run.spec.podGC.strategy or not pod.ends_by_itself(known_pod)):
        walk.actions.append(Delete(Key(names.POD, run.namespace, pod.name_of(run.name))))


def _wanted(walk: Walk) -> Mapping[str, Template]:
    """All that is to be done. What is over goes many at a time: each write is of the whole set."""
    known = {**_given(walk), **walk.tasks}
    left = {id: task for id, task in known.items() if not nodes.over(walk.by_id(id))}
    over = known.keys() - left.keys()
    said = ((walk.workflow.agent.tasks or {}).get("status") or {}).get("nodes") or {}
    weight = sum(len(str(said[id])) for id in over if id in said)
    if len(over) < max(_FEW, len(left)) and weight < _HEAVY:
        return known
    return left


def _has_changed(known: Manifest | None, tasks: Mapping[str, Template], *, done: bool) -> bool:
    if known is None:
        return True
    before = (known.get("spec") or {}).get("tasks") or {}
    said = labels.of(known).get(names.LABEL_WORKFLOW_COMPLETED)
    return before.keys() != tasks.keys() or said != str(done).lower()


def _manifest(walk: Walk, tasks: Mapping[str, Template], *, done: bool) -> Manifest:
    run = walk.workflow
    kind, _, group = names.WORKFLOW_TASK_SET.partition(".")
    return {
        "apiVersion": f"{group}/v1alpha1",
        "kind": kind,
        "metadata": {
            "name": run.name,
            "namespace": run.namespace,
            "labels": {names.LABEL_WORKFLOW_COMPLETED: str(done).lower()},
            "ownerReferences": [meta.owned_by(run.manifest)],
        },
        "spec": {"tasks": dict(tasks)},
    }


def _take_out(walk: Walk) -> None:
    """Results are needed no longer when the workflow's own status holds them, and nobody could
    take their tasks for new ones."""
    known = walk.workflow.agent.tasks or {}
    said = (known.get("status") or {}).get("nodes") or {}
    kept, given = walk.workflow.nodes, _given(walk)
    old = [id for id in said if id not in given and nodes.over(kept.get(id))][:_MOST]
    if old:
        key = Key(names.WORKFLOW_TASK_SET, walk.workflow.namespace, walk.workflow.name)
        patch = {"status": {"nodes": dict.fromkeys(old)}}
        walk.actions.append(Patch(key, patch, "status"))
