"""Hooks of steps and tasks, and exit handlers: templates that run beside a node or after it.

A hook runs once its expression holds, beside its node; `onExit` (or the hook `exit`) runs when the
node has completed, with the node's own outputs in reach. Both are children of their node, named
`X.hooks.<name>` and `X.onExit`, and whoever waits for the node waits for them.
Upstream: argo-workflows workflow/controller/{hooks,exit_handler}.go.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct, structs

from sampan.kinds.workflows import naming, nodes
from sampan.kinds.workflows.language import passing, scopes
from sampan.kinds.workflows.language.arguments import Arguments, Missing
from sampan.kinds.workflows.language.scopes import Scope
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.walk import Broken, Call, Running, Walk

Hook = Mapping[str, Any]
EXIT = "exit"


class Host(Struct, frozen=True, kw_only=True):
    """A step or a task. kind: `steps` or `tasks`; known: what tags in it stand for; item: what
    those of a loop do in one turn of it."""

    running: Running
    kind: str
    child: Mapping[str, Any]
    known: Callable[[], Scope]
    item: Mapping[str, str] = {}

    def turn(self, item: Mapping[str, str]) -> Host:
        """The same, in one turn of its loop."""
        return structs.replace(self, item=item) if item else self

    def scope(self, walk: Walk, node: Node) -> Scope:
        """What tags in a hook stand for: also the node's own state and outputs."""
        last = nodes.last_attempt(node, walk.by_id)
        own = dict(scopes.of_child(self.kind, self.child["name"], last or node))
        for name in (self.child["name"], node["displayName"]):
            own[f"{self.kind}.{name}.status"] = node["phase"]
        return ChainMap(own, dict(self.item), dict(self.known()))


def has_any(child: Mapping[str, Any]) -> bool:
    return bool(child.get("hooks") or child.get("onExit"))


def exit_of(body: Mapping[str, Any], arguments: Mapping[str, Any] | None) -> Hook | None:
    """The exit handler of a step, a task or a workflow; `arguments`: those of the workflow."""
    if body.get("onExit"):
        return {"template": body["onExit"], "arguments": arguments or {}}
    hook = (body.get("hooks") or {}).get(EXIT)
    if hook is None:
        return None
    return hook if hook.get("arguments") else {**hook, "arguments": arguments or {}}


def beside(body: Mapping[str, Any]) -> Iterator[tuple[str, Hook]]:
    """The hooks that are no exit handlers, by name."""
    for name, hook in (body.get("hooks") or {}).items():
        if name != EXIT:
            yield name, hook


def run(walk: Walk, host: Host, node: Node) -> bool:
    """Run what is due of a node's hooks. Whether all that were begun are over.

    Raises Broken when one of them could not be run, or its expression has no truth value.
    """
    done = True
    for name, hook in beside(host.child):
        hook_name = naming.hook_name(node["name"], name)
        known = walk.node(hook_name)
        if known is None and not _due(walk, host, node, hook, hook_name):
            continue
        done &= nodes.fulfilled(
            _called(walk, host, node, hook, hook_name, exit=host.running.call.exit)
        )
    return done


def leave(walk: Walk, host: Host, node: Node) -> bool:
    """Run the exit handler of a node that has completed. Whether there is none, or it is over."""
    hook = exit_of(host.child, walk.workflow.spec.arguments)
    if hook is None or node["phase"] not in nodes.COMPLETED or nodes.is_daemon(node):
        return True
    hook_name = naming.exit_name(node["name"])
    known = walk.node(hook_name)
    if known is None:
        if not walk.may_run(exit=True):
            return True
        if hook.get("expression") and not _holds(walk, host, node, hook):
            return True
    return nodes.fulfilled(_called(walk, host, node, hook, hook_name, exit=True))


def _due(walk: Walk, host: Host, node: Node, hook: Hook, hook_name: str) -> bool:
    if not hook.get("expression"):
        raise Broken(f"Expression required for hook {hook_name}")
    return _holds(walk, host, node, hook)


def _holds(walk: Walk, host: Host, node: Node, hook: Hook) -> bool:
    try:
        return scopes.holds(hook["expression"], host.scope(walk, node))
    except Missing as missing:
        raise Broken(str(missing)) from missing


def _called(
    walk: Walk, host: Host, node: Node, hook: Hook, hook_name: str, *, exit: bool
) -> Node | None:
    given: Arguments = {}
    if hook.get("arguments") and walk.node(hook_name) is None:
        try:
            given = passing.arguments(hook["arguments"], host.scope(walk, node), ())
        except Missing as missing:
            raise Broken(str(missing)) from missing
    call = Call(
        node=hook_name,
        who=hook,
        arguments=given,
        boundary=walk.id(host.running.call.node),
        around=host.running,
        depth=host.running.call.depth + 1,
        home=host.running.home,
        flags={"hooked": True},
        exit=exit,
    )
    found = walk.run(call)
    if found is not None:
        walk.adopt(node, found["id"])
    return found
