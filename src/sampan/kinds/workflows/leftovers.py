"""What a workflow leaves behind, and when it goes: pods, claims, its disruption budget, itself.

Upstream: argo-workflows workflow/controller/pod/controller.go (podGC), operator.go (claims,
budget), gccontroller/gc_controller.go (ttlStrategy).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampan.kinds.workflows import durations, nodes
from sampan.kinds.workflows.language.arguments import text
from sampan.kinds.workflows.pods import claims, ending, reports
from sampan.kinds.workflows.types import Run
from sampan.kinds.workflows.walk import Walk
from sampan.kube import labels as selectors
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Action, Apply, Delete, Patch, Plan
from sampan.kube.times import parse

POD_DELAY = 5.0
"""Seconds between the end of a pod and its deletion, where the workflow says none."""
_OF_PODS = ("OnPodCompletion", "OnPodSuccess")


# -- while it runs --------------------------------------------------------------------------------
def first(run: Run) -> Iterator[Action]:
    """What a workflow needs before its first pod."""
    yield from claims.missing(run)
    if run.spec.podDisruptionBudget is not None and not run.phase:
        yield Apply(_budget(run, run.spec.podDisruptionBudget))


def _budget(run: Run, spec: dict[str, Any]) -> Manifest:
    labels = {names.LABEL_WORKFLOW: run.name}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {
            "name": run.name,
            "namespace": run.namespace,
            "labels": labels,
            "ownerReferences": [meta.controlled_by(run.manifest)],
        },
        "spec": {"selector": {"matchLabels": labels}, **spec},
    }


def last(run: Run, phase: str) -> Iterator[Action]:
    """What goes when the workflow ends."""
    if claims.released(run, phase):
        yield from claims.deletions(run)
    if run.spec.podDisruptionBudget is not None:
        yield Delete(Key(names.POD_DISRUPTION_BUDGET, run.namespace, run.name))


def pods_of_nodes(walk: Walk) -> None:
    """Delete the pods of nodes that are over, where podGC wants that while the workflow runs."""
    run = walk.workflow
    if run.spec.podGC.strategy not in _OF_PODS:
        return
    for id, pod in run.pods.items():
        node = walk.by_id(id)
        if node is None or not nodes.over(node) or not _goes(run, pod, node["phase"]):
            continue
        left = _delay(run) - (run.now - parse(node["finishedAt"])).total_seconds()
        if left > 0:
            walk.wait(left)
        else:
            walk.actions.append(_deletion(run, pod))


# -- afterwards -----------------------------------------------------------------------------------
def after(run: Run) -> Plan:
    """A workflow that is over: nothing runs, its pods go if they should, one day it goes itself."""
    age = (run.now - parse(run.status["finishedAt"])).total_seconds()
    key = Key(names.WORKFLOW, run.namespace, run.name)
    actions: list[Action] = [*reports.removals(run.reports)]
    if run.status.get("synchronization"):  # told by the arbiter while the workflow ended
        about = {"uid": meta.uid_of(run.manifest)}
        actions.append(Patch(key, {"metadata": about, "status": {"synchronization": None}}))
    waits: list[float] = []
    for id, pod in run.pods.items():
        phase = (run.nodes.get(id) or {}).get("phase") or ""
        if not _goes(run, pod, phase):
            actions += ending.end(run, pod)
        elif (left := _delay(run) - age) > 0:
            actions += ending.end(run, pod)
            waits.append(left)
        else:
            actions.append(_deletion(run, pod))
    lifetime = _lifetime(run)
    if lifetime is not None:
        if lifetime > age:
            waits.append(lifetime - age)
        else:
            actions.append(Delete(key, meta.uid_of(run.manifest)))
    return Plan(actions=tuple(actions), again_in=min(waits, default=None))


def _goes(run: Run, pod: Manifest, phase: str) -> bool:
    """Whether podGC deletes the pod of a node in this phase, now or when the workflow is over."""
    wanted = {
        "OnPodCompletion": True,
        "OnPodSuccess": phase == "Succeeded",
        "OnWorkflowCompletion": True,
        "OnWorkflowSuccess": run.phase == "Succeeded",
    }.get(run.spec.podGC.strategy, False)
    selector = run.spec.podGC.labelSelector
    if not wanted or meta.deleting(pod):
        return False
    return selector is None or selectors.matches(selector, selectors.of(pod))


def _deletion(run: Run, pod: Manifest) -> Delete:
    return Delete(Key(names.POD, run.namespace, meta.name_of(pod)), meta.uid_of(pod))


def _delay(run: Run) -> float:
    given = run.spec.podGC.deleteDelayDuration
    try:
        return POD_DELAY if given in (None, "") else durations.seconds(text(given))
    except durations.Mistake:
        return POD_DELAY


def _lifetime(run: Run) -> int | None:
    """Seconds from the end to the deletion; secondsAfterFailure is for Failed, not for Error."""
    ttl = run.spec.ttlStrategy
    special = {"Succeeded": ttl.secondsAfterSuccess, "Failed": ttl.secondsAfterFailure}
    seconds = special.get(run.phase)
    return ttl.secondsAfterCompletion if seconds is None else seconds
