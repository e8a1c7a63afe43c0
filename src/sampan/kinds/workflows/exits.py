"""Hooks and the exit handler of the workflow itself.

Its hooks run while it runs, once their expression holds; its exit handler when the entry template
is over. Both see `workflow.status` and `workflow.failures`. Upstream: argo-workflows
workflow/controller/operator.go operate, hooks.go executeWfLifeCycleHook.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sampan.kinds.workflows import naming, nodes
from sampan.kinds.workflows.language import scopes
from sampan.kinds.workflows.language.arguments import Missing
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.templates import hooks
from sampan.kinds.workflows.walk import Broken, Call, Walk

PHASES = {"Skipped": "Succeeded", "Omitted": "Succeeded"}
"""Phases of the entry node that a workflow calls by another name."""


def tell(walk: Walk, root: Node) -> None:
    """Let tags know how the workflow stands."""
    told = {"workflow.status": PHASES.get(root["phase"], root["phase"])}
    if _asked(walk):
        told["workflow.failures"] = _failures(walk)
    walk.globals = {**walk.globals, **told}


def _asked(walk: Walk) -> bool:
    return bool(walk.workflow.spec.hooks or walk.workflow.spec.onExit)


def _failures(walk: Walk) -> str:
    """What failed, as JSON in a text that is quoted once more."""
    found = [
        {
            "displayName": node["displayName"],
            "message": node.get("message") or "",
            "templateName": naming.template_of(node),
            "phase": node["phase"],
            "podName": naming.pod_of(walk.workflow.name, node),
            "finishedAt": node.get("finishedAt"),
        }
        for node in {**walk.workflow.nodes, **walk.changed}.values()
        if nodes.broken(node)
    ]
    listed = json.dumps(found or None, separators=(",", ":"), ensure_ascii=False)
    return json.dumps(listed, ensure_ascii=False)


def beside(walk: Walk, root: Node) -> bool:
    """Run the workflow's hooks that are due. Whether those that were begun are over."""
    done = True
    for name, hook in hooks.beside({"hooks": walk.workflow.spec.hooks}):
        hook_name = naming.hook_name(walk.workflow.name, name)
        try:
            if walk.node(hook_name) is None and not _due(walk, hook, hook_name):
                continue
            found = walk.run(_call(walk, hook, hook_name, exit=False))
        except (Broken, Missing) as fault:
            walk.error(walk.by_id(root["id"]) or root, str(fault))
            return True
        if found is not None:
            walk.adopt(root, found["id"])
        done &= nodes.fulfilled(found)
    return done


def _due(walk: Walk, hook: Mapping[str, Any], hook_name: str) -> bool:
    if not hook.get("expression"):
        raise Broken(f"Expression required for hook {hook_name}")
    return scopes.holds(hook["expression"], walk.globals)


def leave(walk: Walk) -> tuple[bool, Node | None]:
    """Run the exit handler: whether there is nothing to wait for, and its node.

    Raises Broken when it could not be run.
    """
    spec = walk.workflow.spec
    hook = hooks.exit_of({"onExit": spec.onExit, "hooks": spec.hooks}, spec.arguments)
    name = naming.exit_name(walk.workflow.name)
    if hook is None or (walk.node(name) is None and not walk.may_run(exit=True)):
        return True, None
    found = walk.run(_call(walk, hook, name, exit=True))
    return nodes.fulfilled(found), found


def _call(walk: Walk, hook: Mapping[str, Any], name: str, *, exit: bool) -> Call:
    given = scopes.fill(hook.get("arguments") or {}, walk.globals)
    return Call(node=name, who=hook, arguments=given, flags={"hooked": True}, exit=exit)
