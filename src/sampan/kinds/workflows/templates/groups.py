"""What steps and dag have in common: the members of a child, its condition, its arguments, its end.

A child (a step or a task) becomes one node, or one for each turn of its loop. What those before it
tell it is worked out only when a member starts or a hook asks, and only for the names that occur in
the child's text: most looks at a workflow start nothing.
"""

from __future__ import annotations

import json
import re
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, structs

from sampan.kinds.workflows import naming, nodes
from sampan.kinds.workflows.language import passing, scopes
from sampan.kinds.workflows.language.arguments import Missing
from sampan.kinds.workflows.language.scopes import Scope
from sampan.kinds.workflows.nodes import Node
from sampan.kinds.workflows.resolve.book import Unknown
from sampan.kinds.workflows.templates import loops, when
from sampan.kinds.workflows.templates.hooks import Host
from sampan.kinds.workflows.walk import Call, Running, Walk

FAILED_FAST = "template has failed or errored children and failFast enabled"
EMPTY = "Skipped, empty params"
_DYNAMIC = re.compile(r"(?:tasks|steps)(?:\.\{\{|\[\s*[^'\"\\\s])")
"""A name of a step or task that is itself made by a tag or an expression."""
_SPOKEN = re.compile(r"""\b(steps|tasks)(?:\.|\[\\?['"])([-\w]+)""")
"""A step or task that is spoken of."""

Child = Mapping[str, Any]


class Source(Struct, frozen=True):
    """A step or task that others may ask about: name, node, group of a looped step."""

    name: str
    node: str
    group: str = ""


class Member(Struct, frozen=True):
    """One node of a child, and what `item` tags mean in it."""

    node: str
    item: Mapping[str, str] = {}


# -- what a child knows ---------------------------------------------------------------------------
def asked(
    walk: Walk, running: Running, kind: str, child: Child, before: Callable[[], Iterable[Source]]
) -> Callable[[], Scope]:
    """What tags in a child stand for, worked out once somebody asks: what the steps or tasks before
    it tell, the inputs of the template around it, the workflow. Raises Missing."""
    found: list[Scope] = []

    def known() -> Scope:
        if not found:
            told = _told(walk, kind, child, before())
            found.append(ChainMap(told, dict(running.scope), walk.globals))
        return found[0]

    return known


def _told(walk: Walk, kind: str, child: Child, before: Iterable[Source]) -> dict[str, Any]:
    text = json.dumps(child, ensure_ascii=False)
    every = _DYNAMIC.search(text) is not None
    scope: dict[str, Any] = {}
    if kind in text:
        for source in before:
            if every or source.name in text:
                scope |= tell(walk, kind, source)
    return scope


def tell(walk: Walk, kind: str, source: Source) -> Scope:
    """What a step or a task tells others. Raises Missing."""
    node = walk.node(source.node)
    if node is None:  # the step is a loop: its members are children of the group
        group = walk.node(source.group) if source.group else None
        if group is None:
            return {}
        return scopes.of_child(kind, source.name, group, _turns(walk, group, source.node))
    if node["type"] == "TaskGroup":
        return scopes.of_child(kind, source.name, node, _turns(walk, node, source.node))
    last = nodes.last_attempt(node, walk.by_id)
    return scopes.of_child(kind, source.name, last or node, declared=_declared(walk, node))


def heard(walk: Walk, running: Running) -> Scope:
    """What the steps and tasks around a node told of which the workflow's volumes speak."""
    text = json.dumps(walk.workflow.manifest["spec"].get("volumes") or (), ensure_ascii=False)
    spoken = _SPOKEN.findall(text) if "{{" in text else []
    scope: dict[str, Any] = {}
    around = running.call.around
    while spoken and around is not None:
        for kind, name in spoken:
            for source in _sources(around, kind, name):
                scope = {**tell(walk, kind, source), **scope}
        around = around.call.around
    return scope


def _sources(around: Running, kind: str, name: str) -> Iterator[Source]:
    """The children of a steps or dag node that have this name."""
    node = around.call.node
    if kind == "tasks":
        yield Source(name, naming.child_name(node, name))
        return
    for index, members in enumerate(around.template.get("steps") or ()):
        if any(step["name"] == name for step in members):
            group = naming.group_name(node, index)
            yield Source(name, naming.child_name(group, name), group)


def _declared(walk: Walk, node: Node) -> Mapping[str, Any] | None:
    """The outputs that a child would have given, had it been run."""
    if node["phase"] not in ("Skipped", "Omitted"):
        return None
    who = {"template": node.get("templateName"), "templateRef": node.get("templateRef")}
    try:
        return walk.book.find(who, node.get("templateScope") or "").template.get("outputs")
    except Unknown:
        return None


def _turns(walk: Walk, group: Node, name: str) -> Sequence[Node]:
    found = (walk.by_id(each) for each in group.get("children") or ())
    return [node for node in found if node is not None and node["name"].startswith(f"{name}(")]


def _known(host: Host, item: Mapping[str, str]) -> Scope:
    return ChainMap(dict(item), host.known()) if item else host.known()  # type: ignore[arg-type]


# -- members --------------------------------------------------------------------------------------
def members(walk: Walk, host: Host, name: str) -> Sequence[Member]:
    """The nodes that a child becomes. Raises Missing, loops.Mistake, when.Mistake."""
    if not loops.is_loop(host.child):
        return (Member(name),)
    looped = {key: host.child[key] for key in loops.FIELDS if host.child.get(key)}
    if not _is_off(host):
        looped = scopes.fill(looped, host.known())
        if not loops.is_loop(looped):
            return (Member(name),)  # what it goes over turned out to be nothing at all
        found = loops.items(looped)
    else:
        try:
            found = loops.items(looped)
        except loops.Mistake:
            return ()
    return [Member(f"{name}{item.suffix}", item.scope) for item in found]


def _is_off(host: Host) -> bool:
    """Whether the condition of a loop is false whatever the item."""
    if not host.child.get("when"):
        return False
    try:
        return not when.holds(scopes.fill(host.child["when"], host.known()))
    except (Missing, when.Mistake):
        return False


def start(walk: Walk, host: Host, member: Member) -> Node | None:
    """Begin a member: run its template, or skip it. None while a limit keeps it from starting.

    Raises Missing, when.Mistake, Broken.
    """
    child, known = host.child, _known(host, member.item)
    condition = scopes.fill(child["when"], known) if child.get("when") else ""
    if not when.holds(condition):
        message = f"when '{condition}' evaluated false"
        return walk.skip(plain(walk, host.running, child, member.node), "Skipped", message)
    call = _who(walk, host, member, known)
    given = passing.arguments(child.get("arguments"), known)
    return walk.run(structs.replace(call, arguments=given))


def look(walk: Walk, host: Host, member: Member) -> Node | None:
    """Look at a member that has begun."""
    known = _known(host, member.item) if _moving(host.child) else {}
    return walk.run(_who(walk, host, member, known))


def _moving(child: Child) -> bool:
    """Whether the template that a child names depends on what tags stand for."""
    named = (child.get("template"), *(child.get("templateRef") or {}).values())
    return bool(child.get("inline")) or any("{{" in str(each or "") for each in named)


def _who(walk: Walk, host: Host, member: Member, known: Scope) -> Call:
    child = host.child
    if _moving(child):
        named = {k: child[k] for k in ("inline", "template", "templateRef") if child.get(k)}
        child = {**child, **scopes.fill(named, known)}
    return plain(walk, host.running, child, member.node)


def plain(walk: Walk, running: Running, child: Child, node_name: str) -> Call:
    """The call of a step or a task, without its arguments."""
    return Call(
        node=node_name,
        who=child,
        boundary=walk.id(running.call.node),
        around=running,
        depth=running.call.depth + 1,
        home=running.home,
        exit=running.call.exit,
    )


def continues(child: Child, node: Node) -> bool:
    """Whether `continueOn` allows a child to end as it did."""
    allowed = child.get("continueOn") or {}
    return bool(allowed.get({"Failed": "failed", "Error": "error"}.get(node["phase"], "")))


def failed_fast(walk: Walk, running: Running, node: Node) -> bool:
    """Whether a failure ends the template now: nothing new was begun since, and nothing runs."""
    if running.template.get("failFast") is not True:
        return False
    return walk.broken[node["id"]] > 0 and walk.going[node["id"]] == 0


# -- ends -----------------------------------------------------------------------------------------
def ends(walk: Walk, node: Node) -> list[str]:
    """The ids of the nodes in which a node's graph ends: what comes next hangs below these."""
    children = node.get("children") or []
    if node["type"] in ("StepGroup", "TaskGroup"):
        below = [walk.by_id(each) for each in children]
        found = [end for child in below if child for end in ends(walk, child)]
        return list(dict.fromkeys(found)) or [node["id"]]
    if node["type"] == "Retry" and (tried := nodes.attempts(node, walk.by_id)):
        return [tried[-1]["id"]]  # a hook is no end: nothing comes after it
    return list(node.get("outboundNodes") or [node["id"]])


def close(walk: Walk, node: Node, outbound: Iterable[str]) -> None:
    """Note in a steps or dag node where its graph ends."""
    now = walk.by_id(node["id"]) or node
    found = [end for end in dict.fromkeys(outbound) if end != node["id"]]
    if found and now.get("outboundNodes") != found:
        walk.put({**now, "outboundNodes": found})
