"""From nodes to one Python closure, and what a run may cost.

A closure (`Run`) takes the frame of the run. Each loop, call and operation pays with steps, each
text and list with room (`frame`), so a run ends soon, whatever the expression and the values are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sampan.lib.expr.faults import Fault
from sampan.lib.expr.frame import Frame, Run, true
from sampan.lib.expr.nodes import (
    Binary,
    Builtin,
    Call,
    Chain,
    Conditional,
    Let,
    ListOf,
    Literal,
    Loop,
    MapOf,
    Member,
    Name,
    Node,
    Pointer,
    Sequence,
    Slice,
    Unary,
)
from sampan.lib.expr.operators import OPERATORS
from sampan.lib.expr.values import fetch, is_number, sliced, type_of, wrapped

_CUT = object()
"""What a chain passes on once `?.` has met nil."""


class Builder:
    """`builtins` are called with the frame and their arguments; `loops` with the frame, the list,
    the predicate and the last argument."""

    def __init__(
        self,
        builtins: Mapping[str, Callable[..., Any]],
        loops: Mapping[str, Callable[..., Any]],
    ) -> None:
        self._builtins = builtins
        self._loops = loops
        self._local: list[str] = []
        self._built: dict[int, Run] = {}
        self._by_node: dict[type[Node], Callable[..., Run]] = {
            Literal: self._literal,
            Name: self._name,
            Pointer: self._pointer,
            Unary: self._unary,
            Binary: self._binary,
            Conditional: self._conditional,
            Member: self._member,
            Chain: self._chain,
            Slice: self._slice,
            Call: self._call,
            Builtin: self._builtin,
            Loop: self._loop,
            ListOf: self._list,
            MapOf: self._map,
            Let: self._let,
            Sequence: self._sequence,
        }

    def build(self, node: Node) -> Run:
        made = self._built.get(id(node))  # `a < b < c` has the same b twice
        if made is None:
            made = self._built[id(node)] = self._by_node[node.__class__](node)
        return made

    def _literal(self, node: Literal) -> Run:
        value = node.value
        return lambda frame: value

    def _name(self, node: Name) -> Run:
        name, at = node.name, node.at
        if name in self._local:
            return lambda frame: frame.local[name]
        if name == "$env":
            return lambda frame: frame.env

        def run(frame: Frame) -> Any:
            try:
                return frame.env[name]
            except KeyError:
                if name in frame.functions:
                    return frame.functions[name]
                frame.at = at
                raise Fault(f"unknown name {name}") from None

        return run

    def _pointer(self, node: Pointer) -> Run:
        match node.name:
            case "":
                return lambda frame: frame.item
            case "acc":
                return lambda frame: frame.accumulated
            case "index":
                return lambda frame: frame.index
        raise Fault(f"unknown pointer {node.name}")

    def _unary(self, node: Unary) -> Run:
        operand, sign, at = self.build(node.operand), node.sign, node.at

        def run(frame: Frame) -> Any:
            value = operand(frame)
            frame.at = at
            if sign in ("not", "!"):
                if value.__class__ is bool:
                    return not value
            elif is_number(value):
                return (
                    value if sign == "+" else wrapped(-value) if value.__class__ is int else -value
                )
            raise Fault(f"invalid operation: {sign} {type_of(value)}")

        return run

    def _binary(self, node: Binary) -> Run:
        first = self.build(node.first)
        rest = [(at, sign, OPERATORS.get(sign), self.build(one)) for at, sign, one in node.rest]

        def run(frame: Frame) -> Any:
            value = first(frame)
            for at, sign, operator, operand in rest:
                if operator is not None:
                    right = operand(frame)
                    frame.at = at
                    frame.spend(1)
                    if value.__class__ is list or right.__class__ is list:
                        frame.spend(_size(value) + _size(right))
                    value = frame.made(operator(value, right))
                    continue
                frame.at = at
                if sign == "??":
                    if value is None:
                        value = operand(frame)
                elif true(value) is (sign in ("&&", "and")):
                    value = operand(frame)
                    frame.at = at
                    true(value)
            return value

        return run

    def _conditional(self, node: Conditional) -> Run:
        condition, yes, no = self.build(node.condition), self.build(node.yes), self.build(node.no)
        at = node.at

        def run(frame: Frame) -> Any:
            decided = condition(frame)
            frame.at = at
            return yes(frame) if true(decided) else no(frame)

        return run

    def _member(self, node: Member) -> Run:
        operand, key, optional, at = (
            self.build(node.operand), self.build(node.key), node.optional, node.at,
        )  # fmt: skip

        def run(frame: Frame) -> Any:
            box = operand(frame)
            if box is _CUT or (box is None and optional):
                return _CUT
            name = key(frame)
            frame.at = at
            return fetch(box, name)

        return run

    def _chain(self, node: Chain) -> Run:
        inner = self.build(node.inner)

        def run(frame: Frame) -> Any:
            value = inner(frame)
            return None if value is _CUT else value

        return run

    def _slice(self, node: Slice) -> Run:
        operand, at = self.build(node.operand), node.at
        begin = None if node.begin is None else self.build(node.begin)
        end = None if node.end is None else self.build(node.end)

        def run(frame: Frame) -> Any:
            box = operand(frame)
            first = None if begin is None else begin(frame)
            last = None if end is None else end(frame)
            frame.at = at
            return frame.made(sliced(box, first, last))

        return run

    def _call(self, node: Call) -> Run:
        callee, at = self.build(node.callee), node.at
        arguments = [self.build(one) for one in node.arguments]

        def run(frame: Frame) -> Any:
            function = callee(frame)
            if function is _CUT:
                return _CUT
            given = [one(frame) for one in arguments]
            frame.at = at
            frame.spend(1)
            if not callable(function):
                shown = "nil" if function is None else f"non-function of type {type_of(function)}"
                raise Fault(f"invalid operation: cannot call {shown}")
            try:
                return frame.made(function(*given))
            except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError) as wrong:
                raise Fault(str(wrong)) from None

        return run

    def _builtin(self, node: Builtin) -> Run:
        function, at = self._builtins[node.name], node.at
        arguments = [self.build(one) for one in node.arguments]

        def run(frame: Frame) -> Any:
            given = [one(frame) for one in arguments]
            frame.at = at
            frame.spend(1)
            return frame.made(function(frame, *given))

        return run

    def _loop(self, node: Loop) -> Run:
        function, name, at = self._loops[node.name], node.name, node.at
        over = self.build(node.over)
        predicate = None if node.predicate is None else self.build(node.predicate)
        last = None if node.last is None else self.build(node.last)

        def run(frame: Frame) -> Any:
            given = over(frame)
            frame.at = at
            if not isinstance(given, list | tuple):
                raise Fault(f"builtin {name} takes only array (got {type_of(given)})")
            end = () if last is None else (last(frame),)
            kept = frame.item, frame.index, frame.accumulated
            try:
                return frame.made(function(frame, given, predicate, *end))
            finally:
                frame.item, frame.index, frame.accumulated = kept

        return run

    def _list(self, node: ListOf) -> Run:
        items = [self.build(one) for one in node.items]
        return lambda frame: frame.made([one(frame) for one in items])

    def _map(self, node: MapOf) -> Run:
        entries = [(self.build(key), self.build(value)) for key, value in node.entries]
        at = node.at

        def run(frame: Frame) -> dict[str, Any]:
            found: dict[str, Any] = {}
            for key, value in entries:
                name = key(frame)
                if name.__class__ is not str:
                    frame.at = at
                    raise Fault(f"cannot use {type_of(name)} as a key of a map")
                found[name] = value(frame)
            return found

        return run

    def _let(self, node: Let) -> Run:
        name, value = node.name, self.build(node.value)
        if name in self._local:
            raise Fault(f"cannot redeclare variable {name}")
        self._local.append(name)
        body = self.build(node.body)
        self._local.pop()

        def run(frame: Frame) -> Any:
            frame.local[name] = value(frame)
            return body(frame)

        return run

    def _sequence(self, node: Sequence) -> Run:
        *before, last = [self.build(one) for one in node.nodes]

        def run(frame: Frame) -> Any:
            for one in before:
                one(frame)
            return last(frame)

        return run


def _size(value: Any) -> int:
    return len(value) if value.__class__ is list else 1
