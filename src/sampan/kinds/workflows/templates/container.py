"""Templates of kind `container`: one pod, whose container `main` is the template's.

`start` is shared with scripts. A pod that the API server would refuse is not sent: the node ends
in error and says why. Upstream: argo-workflows workflow/controller/{container,workflowpod}.go.
"""

from __future__ import annotations

from typing import Any

from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.pods import build, wanted
from sampan.kinds.workflows.pods.about import About
from sampan.kinds.workflows.types import Template
from sampan.kinds.workflows.walk import Call, Running, Walk
from sampan.kube import argoexec, meta
from sampan.kube.argoexec import MAIN
from sampan.kube.plan import Apply


def execute(walk: Walk, running: Running) -> Node | None:
    return start(walk, running)


def start(walk: Walk, running: Running, *, script: bool = False) -> Node | None:
    """Make the node and its pod; None while there is no room for a pod more."""
    call, run = running.call, walk.workflow
    if said := walk.barred(exit=call.exit):
        return walk.begin(running, "Pod", "Failed", said)
    filled = build.filled(run, walk.globals, running, pod=_pod_name(walk, running))
    template, containers = _mains(filled, script)
    about = About(
        known=walk.globals,
        node=walk.id(call.node),
        node_name=call.node,
        template=call.template,
        workflow=run.name,
        workflow_uid=meta.uid_of(run.manifest),
        result=_is_asked(walk, call),
    )
    pod = build.build(run, template, containers, about)
    if fault := run.blocked if call.node == run.name else "":
        return walk.begin(running, "Pod", "Error", fault)
    if wrong := build.problems(pod):
        return walk.begin(running, "Pod", "Error", f"pod cannot be made: {wrong[0]}")
    if about.node not in run.pods:
        walk.actions.append(Apply(pod))
    return walk.begin(running, "Pod", "Pending")


def _is_asked(walk: Walk, call: Call) -> bool:
    """Whether the node's result is wanted; the template around it is searched once a look."""
    if call.around is None:
        return False
    asked = walk.results.get(call.boundary)
    if asked is None:
        asked = walk.results[call.boundary] = wanted.results(call.around.template)
    return bool(asked) and wanted.step_name(call.node, call.around.call.node) in asked


def _pod_name(walk: Walk, running: Running) -> str:
    return build.name_of(walk.workflow, running.call.node, running.call.template)


def _mains(template: Template, script: bool) -> tuple[Template, list[dict[str, Any]]]:
    container: dict[str, Any] = {**template["script" if script else "container"], "name": MAIN}
    if script:
        container.pop("source", None)
        container["args"] = [*(container.get("args") or ()), argoexec.SCRIPT]
    return template, [container]
