"""Which variables an expression reads: upstream's `getIdentifiers` of Argo's templates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampan.lib.expr.nodes import Binary, Let, Literal, Member, Name, Node


def roots(node: Node) -> dict[str, int]:
    """The variables themselves, with the place where each stands first; none that `let` makes."""
    found: dict[str, int] = {}
    local = {one.name for one in _walk(node) if isinstance(one, Let)}
    for one in _walk(node):
        if isinstance(one, Name) and one.name not in local and one.name != "$env":
            found.setdefault(one.name, one.at)
    return found


def names(node: Node) -> frozenset[str]:
    """All variables, and the dotted path of each member: `a`, `a.b`, `a.b.c`. A member that `??`
    or `?.` guards is not among them, for the expression copes without it; its variable is."""
    guarded: set[int] = set()
    for one in _walk(node):
        if isinstance(one, Binary):
            signs = [sign for _, sign, _ in one.rest]
            if "??" in signs:
                last = len(signs) - 1 - signs[::-1].index("??")
                for left in (one.first, *(operand for _, _, operand in one.rest[:last])):
                    guarded.update(id(inner) for inner in _walk(left) if isinstance(inner, Member))
        elif isinstance(one, Member) and one.optional and isinstance(one.operand, Member):
            guarded.add(id(one.operand))
    paths = (
        _path(one) for one in _walk(node) if isinstance(one, Member) and id(one) not in guarded
    )
    variables = roots(node)
    return frozenset(variables) | {path for path in paths if path.partition(".")[0] in variables}


def _path(node: Member) -> str:
    parts: list[str] = []
    one: Node = node
    while isinstance(one, Member):
        if one.optional or not isinstance(one.key, Literal) or one.key.value.__class__ is not str:
            return ""
        parts.append(one.key.value)
        one = one.operand
    return ".".join([one.name, *reversed(parts)]) if isinstance(one, Name) else ""


def _walk(node: Node) -> Iterator[Node]:
    waiting: list[Any] = [node]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if isinstance(one, list | tuple):
            waiting.extend(one)
        elif isinstance(one, Node) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting.extend(getattr(one, field) for field in one.__struct_fields__)
