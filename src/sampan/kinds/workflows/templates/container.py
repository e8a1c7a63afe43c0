"""Templates of kind `container`: one pod, whose container `main` is the template's.

`start` is shared with all kinds that are a pod. A pod that the API server would refuse is not sent:
the node ends in error and says why.
Upstream: argo-workflows workflow/controller/{container,workflowpod}.go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sampan.kinds.workflows import durations
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.pods import build, wanted
from sampan.kinds.workflows.pods.about import About, Unbuildable
from sampan.kinds.workflows.templates import deadlines, groups, retry
from sampan.kinds.workflows.types import Template
from sampan.kinds.workflows.walk import Broken, Call, Running, Walk
from sampan.kube import meta, times
from sampan.kube.argoexec import MAIN
from sampan.kube.keys import Manifest
from sampan.kube.plan import Apply

Mains = Callable[[Template], list[dict[str, Any]]]
"""The template's own containers, with their names, from the template whose tags are replaced."""


def execute(walk: Walk, running: Running) -> Node | None:
    return start(walk, running, _main)


def _same(template: Template) -> Template:
    return template


def start(
    walk: Walk,
    running: Running,
    mains: Mains,
    prepared: Callable[[Template], Template] = _same,
) -> Node | None:
    """Make the node and its pod. `prepared` has the last word about the template whose tags are
    replaced."""
    call, run = running.call, walk.workflow
    if said := walk.barred(exit=call.exit):
        return walk.begin(running, "Pod", "Failed", said)
    if fault := run.blocked if call.node == run.name else "":
        return walk.begin(running, "Pod", "Error", fault)
    try:
        manifests = _manifests(walk, running, mains, prepared)
        deadlines.limit(walk, running, manifests[-1]["spec"])
        retry.keep_away(manifests[-1]["spec"], call.avoid)
    except (Unbuildable, durations.Mistake) as error:
        return walk.begin(running, "Pod", "Error", str(error))
    if wrong := build.problems(manifests[-1]):
        said = f"pod cannot be made: {wrong[0]}"
        walk.begin(running, "Pod", "Error", said)
        raise Broken(said)
    if walk.id(call.node) not in run.pods:
        walk.actions += map(Apply, manifests)
    return walk.begin(running, "Pod", "Pending")


def _manifests(
    walk: Walk, running: Running, mains: Mains, prepared: Callable[[Template], Template]
) -> list[Manifest]:
    call, run = running.call, walk.workflow
    name = build.name_of(run, call.node, call.template)
    template, patches = build.filled(run, walk.globals, running, pod=name)
    about = About(
        known={**walk.globals, **groups.heard(walk, running)},
        node=walk.id(call.node),
        node_name=call.node,
        template=call.template,
        workflow=run.name,
        workflow_uid=meta.uid_of(run.manifest),
        result=_is_asked(walk, call),
        deadline=_moment(call.deadline),
        on_exit=call.exit,
        around=call.around.template if call.around else {},
        patches=patches,
        drivers=run.drivers,
    )
    template = prepared(template)
    return build.build(run, template, mains(template), about)


def _moment(seconds: float | None) -> str:
    return "" if seconds is None else times.from_seconds(seconds)


def _is_asked(walk: Walk, call: Call) -> bool:
    """Whether the node's result is wanted; the template around it is searched once a look."""
    if call.around is None:
        return False
    asked = walk.results.get(call.boundary)
    if asked is None:
        asked = walk.results[call.boundary] = wanted.results(call.around.template)
    return bool(asked) and wanted.step_name(call.node, call.around.call.node) in asked


def _main(template: Template) -> list[dict[str, Any]]:
    return [{**template["container"], "name": MAIN}]
