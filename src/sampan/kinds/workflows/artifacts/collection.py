"""Delete a workflow's artifacts when it is over, or when it is deleted itself.

A finalizer keeps the workflow until that is done. For each strategy whose time has come, and each
set of rights that its artifacts need, there is one task, and when that exists one pod; what the
task says in the end is noted at the artifacts (`deleted`), and the task goes if all went well.
A fault stays as a condition, and with it the finalizer, unless the workflow says otherwise. Nobody
is held in a namespace that goes: there no pod can be made.

Everything is told by the status, the tasks and the pods, so it can be taken up again at any point.
Upstream: argo-workflows workflow/controller/artifact_gc.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from sampan.kinds.workflows.artifacts import collector, lookup, strategies
from sampan.kinds.workflows.artifacts.strategies import COMPLETION, DELETION, FINALIZER, Found
from sampan.kinds.workflows.pods import drivers
from sampan.kinds.workflows.pods.about import Unbuildable
from sampan.kinds.workflows.resolve import execution
from sampan.kinds.workflows.types import Driver
from sampan.kube import meta, names
from sampan.kube.conditions import without_condition
from sampan.kube.keys import Key, Manifest, key_of
from sampan.kube.plan import NOTHING, Action, Apply, Controller, Delete, Emit, Patch, Plan, View

_DONE = ("Succeeded", "Failed", "Error")
_ENDED = ("Succeeded", "Failed")
_CONDITION = "ArtifactGCError"


class Collection(Struct, frozen=True, kw_only=True):
    """workflow: with its whole spec. tasks: by name. pods: those that delete, by name. drivers:
    of artifacts, by name. hopeless: the namespace goes, and takes nothing new."""

    workflow: Manifest
    hopeless: bool = False
    tasks: Mapping[str, Manifest] = {}
    pods: Mapping[str, Manifest] = {}
    drivers: Mapping[str, Driver] = {}

    @property
    def spec(self) -> Mapping[str, Any]:
        return self.workflow["spec"]  # type: ignore[no-any-return]

    @property
    def status(self) -> Mapping[str, Any]:
        return self.workflow.get("status") or {}

    @property
    def told(self) -> Mapping[str, Any]:
        return self.status.get("artifactGCStatus") or {}

    @property
    def key(self) -> Key:
        return key_of(self.workflow)


def is_held(workflow: Manifest) -> bool:
    """Whether it stays, even when it is being deleted, until its artifacts are gone."""
    return FINALIZER in (workflow["metadata"].get("finalizers") or ())


def see(cluster: View, key: Key) -> Collection | None:
    manifest = cluster.get(key)
    if manifest is None or not is_held(manifest) or not _over(manifest):
        return None
    workflow = execution.see(cluster, manifest).manifest
    namespace = cluster.get(Key(names.NAMESPACE, "", key.namespace))
    tasks = cluster.owned(manifest, names.WORKFLOW_ARTIFACT_GC_TASK)
    pods = [pod for task in tasks for pod in cluster.owned(task, names.POD)]
    return Collection(
        workflow=workflow,
        tasks={meta.name_of(task): task for task in tasks},
        pods={meta.name_of(pod): pod for pod in pods},
        drivers=drivers.see(cluster),
        hopeless=namespace is not None and meta.deleting(namespace),
    )


def decide(seen: Collection) -> Plan:
    if seen.hopeless:
        return Plan(actions=(_release(seen),))
    status: dict[str, Any] = {}
    actions: list[Action] = []
    for strategy in _due(seen):
        waiting = list(_start(seen, strategy))
        actions += waiting
        if not waiting and not _processed(seen, strategy):
            _note(status, "strategiesProcessed", strategy)
    for pod in seen.pods.values():
        actions += _recoup(seen, pod, status)
    actions += _tidy(seen)
    if status:
        actions.append(Patch(seen.key, {"status": status}))
    elif not actions and _finished(seen):
        actions.append(_release(seen))
    return Plan(actions=tuple(actions)) if actions else NOTHING


def _over(workflow: Manifest) -> bool:
    return (workflow.get("status") or {}).get("phase") in _DONE


def _left(seen: Collection) -> Iterator[tuple[str, Found]]:
    return strategies.left(seen.spec, seen.status.get("nodes") or {})


def _release(seen: Collection) -> Patch:
    about = seen.workflow["metadata"]
    others = [each for each in about["finalizers"] if each != FINALIZER]
    exact = {"uid": about["uid"], "resourceVersion": about.get("resourceVersion")}
    return Patch(seen.key, {"metadata": {**exact, "finalizers": others}})


def _due(seen: Collection) -> list[str]:
    return [COMPLETION, *([DELETION] if meta.deleting(seen.workflow) else ())]


def _processed(seen: Collection, strategy: str) -> bool:
    return bool((seen.told.get("strategiesProcessed") or {}).get(strategy))


def _recouped(seen: Collection, pod: str) -> bool:
    return bool((seen.told.get("podsRecouped") or {}).get(pod))


# -- tasks and pods -------------------------------------------------------------------------------
def _start(seen: Collection, strategy: str) -> Iterator[Action]:
    """What is missing: tasks first, for pods are owned by them."""
    by_pod: dict[str, list[Found]] = {}
    for when, found in _left(seen):
        if when == strategy:
            rights = strategies.rights(seen.spec, found.artifact)
            by_pod.setdefault(rights.pod_name(seen.key.name, strategy), []).append(found)
    for name, group in by_pod.items():
        task = seen.tasks.get(collector.task_name(name))
        if task is None:
            if not _processed(seen, strategy):
                yield Apply(collector.task(seen.workflow, name, _by_node(seen, group)))
        elif name not in seen.pods and not _recouped(seen, name):
            rights = strategies.rights(seen.spec, group[0].artifact)
            try:
                yield Apply(collector.pod(seen.workflow, task, rights, strategy, seen.drivers))
            except Unbuildable as fault:
                yield from _failed(seen, str(fault))


def _by_node(seen: Collection, group: list[Found]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in group:
        node = found.setdefault(each.node, {"artifacts": {}})
        node["archiveLocation"] = lookup.place_of(seen.workflow, each.template)
        node["artifacts"][each.artifact["name"]] = each.artifact
    return found


# -- results --------------------------------------------------------------------------------------
def _recoup(seen: Collection, pod: Manifest, status: dict[str, Any]) -> Iterator[Action]:
    """Note what a pod that has ended has deleted, once."""
    name, phase = meta.name_of(pod), (pod.get("status") or {}).get("phase")
    if phase not in _ENDED or _recouped(seen, name):
        return
    strategy = meta.annotations_of(pod).get(collector.STRATEGY, "")
    if phase == "Failed":
        said = (
            f"Artifact Garbage Collection failed for strategy {strategy}, pod {name} exited with "
            "non-zero exit code: check pod logs for more information"
        )
        _condition(seen, status, said)
        yield Emit("Warning", "ArtifactGCFailed", said)
    task = seen.tasks[collector.task_name(name)]
    wrong = _mark(seen, task, status)
    if wrong:
        _condition(seen, status, f"{wrong[-1]} (artifactGCTask: {meta.name_of(task)})")
        said = f"Artifact Garbage Collection failed for strategy {strategy}, err:{wrong[0]}"
        yield Emit("Warning", "ArtifactGCFailed", said)
    _note(status, "podsRecouped", name)


def _mark(seen: Collection, task: Manifest, status: dict[str, Any]) -> list[str]:
    """Say of artifacts whether they are deleted; what went wrong."""
    wrong = []
    nodes = seen.status.get("nodes") or {}
    for id, results in _results(task).items():
        if id not in nodes:
            continue
        outputs = (nodes[id].get("outputs") or {}).get("artifacts") or ()
        now = (status.get("nodes") or {}).get(id, {}).get("outputs", {}).get("artifacts", outputs)
        made = []
        for artifact in now:
            result = results.get(artifact["name"])
            made.append(
                {**artifact, "deleted": bool(result.get("success"))} if result else artifact
            )
            if result and result.get("error"):
                wrong.append(result["error"])
        status.setdefault("nodes", {})[id] = {"outputs": {"artifacts": made}}
    return wrong


def _results(task: Manifest) -> dict[str, Mapping[str, Any]]:
    by_node = (task.get("status") or {}).get("artifactResultsByNode") or {}
    return {id: node.get("artifactResults") or {} for id, node in by_node.items()}


def _tidy(seen: Collection) -> Iterator[Action]:
    """A task goes when it has done all it was to do; otherwise somebody may want to look."""
    for name, pod in seen.pods.items():
        task = seen.tasks[collector.task_name(name)]
        recouped = (seen.told.get("podsRecouped") or {}).get(name)
        well = all(
            each.get("success") for node in _results(task).values() for each in node.values()
        )
        if recouped and well and (pod.get("status") or {}).get("phase") == "Succeeded":
            yield Delete(key_of(task), meta.uid_of(task))


def _finished(seen: Collection) -> bool:
    if not any(_left(seen)):
        return True
    if not (seen.spec.get("artifactGC") or {}).get("forceFinalizerRemoval"):
        return False
    waiting = any(strategy not in _due(seen) for strategy, _ in _left(seen))
    return not waiting and all(_recouped(seen, name) for name in seen.pods)


# -- status ---------------------------------------------------------------------------------------
def _note(status: dict[str, Any], field: str, name: str) -> None:
    status.setdefault("artifactGCStatus", {}).setdefault(field, {})[name] = True


def _condition(seen: Collection, status: dict[str, Any], message: str) -> None:
    now = status.get("conditions") or seen.status.get("conditions") or []
    new = {"type": _CONDITION, "status": "True", "message": message}
    status["conditions"] = [*without_condition(now, _CONDITION), new]


def _failed(seen: Collection, message: str) -> Iterator[Action]:
    status: dict[str, Any] = {}
    _condition(seen, status, message)
    if status["conditions"] != seen.status.get("conditions"):
        yield Patch(seen.key, {"status": status})


ARTIFACT_GC = Controller(
    name="artifact-gc", of=names.WORKFLOW, see=see, decide=decide, concerns=is_held
)
