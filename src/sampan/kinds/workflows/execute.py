"""From a call to its node: what happens to every template, whatever its kind, in this order.

    1 not too deep      2 template found, defaults merged     3 inputs have values
    4 not over yet      5 not too late                        6 room under the limits
    7 locks held        8 not remembered                      9 retries
    10 its kind         11 what the end of a node brings

Each part lives in a module of its own. Upstream: argo-workflows workflow/controller/operator.go
executeTemplate.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Mapping

from msgspec import structs

from sampan.kinds.workflows import locking, memoize, naming, nodes
from sampan.kinds.workflows.language import arguments, scopes
from sampan.kinds.workflows.language.arguments import Missing, Scope
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.resolve.book import Unknown
from sampan.kinds.workflows.templates import (
    container,
    containerset,
    dag,
    data,
    deadlines,
    depends,
    http,
    plugin,
    resource,
    retry,
    script,
    steps,
    suspend,
)
from sampan.kinds.workflows.types import Template
from sampan.kinds.workflows.walk import TOO_DEEP, Broken, Call, Kind, Running, TooDeep, Walk
from sampan.kube import names

KINDS: Mapping[str, Kind] = {
    "container": container.execute,
    "script": script.execute,
    "containerSet": containerset.execute,
    "resource": resource.execute,
    "data": data.execute,
    "http": http.execute,
    "plugin": plugin.execute,
    "steps": steps.execute,
    "dag": dag.execute,
    "suspend": suspend.execute,
}
"""What a template may be, by the field that says so."""
_DISPLAYED = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-.]{0,61}[a-zA-Z0-9]")
DEEPEST = 100
"""Templates within templates, as upstream."""
_ONCE_TOO_DEEP = 5
"""The same once templates called each other too often: those that call two of themselves would come
to 2^100 nodes otherwise, as they do upstream until the status is too large."""
PODS = ("container", "script", "resource", "data", "containerSet")
"""Kinds of templates that are run as a pod."""


def execute(walk: Walk, call: Call) -> Node | None:
    """The call's node after this look at it; None while a limit keeps it from starting.

    Raises Broken when the template could not be run; its node is in error then.
    """
    node = walk.node(call.node)
    if node is not None and (nodes.over(node) or not _needs_a_look(walk, call, node)):
        return node
    try:
        return _run(walk, call, node)
    except RecursionError:  # Python's own stack is at its end
        raise _too_deep(walk, call) from None


def _too_deep(walk: Walk, call: Call) -> TooDeep:
    """Nothing above is tried again: it would only come here once more."""
    walk.exhausted = True
    walk.fail(call, TOO_DEEP)
    return TooDeep(TOO_DEEP)


def _run(walk: Walk, call: Call, node: Node | None) -> Node | None:
    running = _prepared(walk, call, node)
    if node is not None:
        deadlines.check(walk, running, node)
    elif not _has_room(walk, call):
        return None
    waiting = locking.acquire(walk, running, node)
    if waiting is not None:
        return waiting
    known = memoize.recall(walk, running, node)
    if known is not None:
        return known
    if node is not None and node["type"] == "Pod" and not nodes.waiting(node):
        return node
    try:
        strategy = retry.strategy_of(walk, running)
    except Missing as fault:
        walk.fail(call, str(fault))
        raise Broken(str(fault)) from fault
    if strategy is not None:
        return retry.execute(walk, running, strategy, dispatch)
    return dispatch(walk, running)


def _needs_a_look(walk: Walk, call: Call, node: Node) -> bool:
    """Whether there is more to a node than its pod says, which has been observed."""
    if node["type"] != "Pod" or nodes.waiting(node):
        return True
    if node["phase"] != "Pending" or call.depth > DEEPEST:
        return False
    try:
        template = walk.book.find(call.who, call.home).template
    except Unknown:
        return False
    return deadlines.has_any(template)


def _prepared(walk: Walk, call: Call, node: Node | None) -> Running:
    """The call with its template and its inputs: those it began with, or those it is given."""
    spent = node is None and (walk.exhausted or walk.was_exhausted)
    if call.depth > (_ONCE_TOO_DEEP if spent else DEEPEST):
        raise _too_deep(walk, call)
    try:
        found = walk.book.find(call.who, call.home)
        local = _local(walk, call, found.template)
        if node is not None:
            inputs = node.get("inputs") or {}
        else:
            known = {**walk.globals, **local}
            if retry.is_retried(walk, found.template):
                known.pop("pod.name", None)  # each attempt has its own
            maps = walk.workflow.configmaps
            inputs = arguments.resolve(found.template, call.arguments, known, maps)
        running = Running(
            call=call, template=found.template, inputs=inputs, home=found.home, local=local
        )
        return structs.replace(running, display=_display(walk, running))
    except (Unknown, Missing) as fault:
        walk.fail(call, str(fault))
        raise Broken(str(fault)) from fault


def _display(walk: Walk, running: Running) -> str:
    """What the template wants its node to be called; "" for nothing. Raises Missing."""
    annotations = running.template.get("annotations") or {}
    if names.ANNOTATION_DISPLAY_NAME not in annotations:
        return ""
    known = ChainMap(dict(running.scope), dict(walk.globals))
    name = str(scopes.fill(annotations[names.ANNOTATION_DISPLAY_NAME], known))
    if _DISPLAYED.fullmatch(name) is None:
        raise Missing(f"displayName must match the regex ^{_DISPLAYED.pattern}$")
    return name


def _local(walk: Walk, call: Call, template: Template) -> Scope:
    """What tags stand for at this node alone. The pod of a retried template is an attempt's."""
    local = {"node.name": call.node, **call.retries}
    if any(template.get(each) is not None for each in PODS):
        pod = naming.pod_name(walk.workflow.name, call.template, call.node)
        local["pod.name"] = pod
    if call.around is not None:
        kind = "tasks" if call.around.template.get("dag") is not None else "steps"
        local[f"{kind}.name"] = call.node.rpartition(".")[2]
    return local


def _has_room(walk: Walk, call: Call) -> bool:
    """Whether one more node may start, under both parallelisms and failFast."""
    most = walk.workflow.spec.parallelism
    if most is not None and walk.pods[""] >= most:
        return False
    around: Template = call.around.template if call.around else {}
    if around.get("failFast") is True and walk.broken[call.boundary] and not call.flags:
        return False
    limit = around.get("parallelism")
    return limit is None or walk.active[call.boundary] < int(limit)


def dispatch(walk: Walk, running: Running) -> Node | None:
    """Run a template as what it is."""
    for field, kind in KINDS.items():
        if running.template.get(field) is not None:
            try:
                return kind(walk, running)
            except (Missing, depends.Mistake) as fault:
                walk.fail(running.call, str(fault))
                raise Broken(str(fault)) from fault
    message = f"Template '{running.call.template}' missing specification"
    walk.fail(running.call, message)
    raise Broken(message)


def settle(walk: Walk) -> None:
    """What the end of each node brings that ended in this look: locks, cache."""
    while walk.ended:
        node = walk.by_id(walk.ended.pop())
        if node is not None:
            locking.release(walk, node)
            memoize.remember(walk, node)
