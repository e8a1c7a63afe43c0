"""From checked nodes to one Python closure (`operators.Run`), and what a run may cost.

Looking at values is charged for by their size, a loop by its iterations times the nodes of its
body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sampan.lib.cel.check import TYPE_NAMES
from sampan.lib.cel.extensions import by_keys
from sampan.lib.cel.faults import EvaluationError, OverBudget
from sampan.lib.cel.nodes import Bind, Call, Index, ListOf, Literal, Loop, MapOf, Name, Node, Select
from sampan.lib.cel.operators import OPERATORS, Frame, Run, true
from sampan.lib.cel.types import Functions
from sampan.lib.cel.values import NONE, Optional, TypeName, Uint, no_overload, size_of

_FAULTS = (TypeError, ValueError, AttributeError, KeyError, IndexError, ArithmeticError)


def built(node: Node, functions: Functions) -> Run:
    return _Builder(functions).build(node)


def weight(node: object) -> int:
    """Nodes in and below a node."""
    if isinstance(node, Node):
        slots = (getattr(node, name) for cls in type(node).__mro__ for name in _slots(cls))
        return 1 + sum(weight(inner) for inner in slots)
    return sum(weight(inner) for inner in node) if isinstance(node, list | tuple) else 0


def _slots(cls: type) -> Iterable[str]:
    return getattr(cls, "__slots__", ())


class _Builder:
    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._by_node: dict[type[Node], Callable[..., Run]] = {
            Literal: self._literal,
            Name: self._name,
            Select: self._select,
            Index: self._index,
            Call: self._call,
            ListOf: self._list,
            MapOf: self._map,
            Loop: self._loop,
            Bind: self._bind,
        }

    def build(self, node: Node) -> Run:
        return self._by_node[node.__class__](node)

    def _literal(self, node: Literal) -> Run:
        value = node.value
        return lambda frame: value

    def _name(self, node: Name) -> Run:
        name = node.name
        type_ = TypeName(name) if name in TYPE_NAMES else None

        def run(frame: Frame) -> Any:
            try:
                return frame.variables[name]
            except KeyError:
                if type_ is not None:
                    return type_
                raise EvaluationError(f"no such attribute(s): {name}") from None

        return run

    def _select(self, node: Select) -> Run:
        if node.type_name:
            type_ = TypeName(node.type_name)
            return lambda frame: type_
        operand, field, test = self.build(node.operand), node.field, node.test
        if node.optional:
            return lambda frame: _looked_up(operand(frame), field)

        def run(frame: Frame) -> Any:
            value = operand(frame)
            if value.__class__ is dict:
                if test:
                    return field in value
                try:
                    return value[field]
                except KeyError:
                    raise EvaluationError(f"no such key: {field}") from None
            if value.__class__ is Optional:
                found = _looked_up(value, field)
                return found.has if test else found
            raise EvaluationError(f"no such key: {field}")

        return run

    def _index(self, node: Index) -> Run:
        operand, key = self.build(node.operand), self.build(node.key)
        if node.optional:
            return lambda frame: _looked_up(operand(frame), key(frame))

        def run(frame: Frame) -> Any:
            value, at = operand(frame), key(frame)
            if value.__class__ is Optional:
                return _looked_up(value, at)
            return _at(value, at)

        return run

    def _call(self, node: Call) -> Run:
        args = [self.build(arg) for arg in node.args]
        special = OPERATORS.get(node.name)
        if special is not None:
            return special(*args)
        if node.target is not None:
            args.insert(0, self.build(node.target))
        name, call = node.name, self._functions[node.name, node.target is not None, len(args)].run

        def run(frame: Frame) -> Any:
            given = [arg(frame) for arg in args]
            frame.spend(sum(map(size_of, given)) + 1)
            try:
                return call(*given)
            except EvaluationError:
                raise
            except _FAULTS:
                raise no_overload(name, *given) from None

        return run

    def _list(self, node: ListOf) -> Run:
        items = [(self.build(item), at in node.optional) for at, item in enumerate(node.items)]

        def run(frame: Frame) -> list[Any]:
            found = []
            for item, optional in items:
                value = item(frame)
                if not optional:
                    found.append(value)
                elif value.has:
                    found.append(value.value)
            return found

        if not node.optional and all(isinstance(item, Literal) for item in node.items):
            constant = [item.value for item in node.items if isinstance(item, Literal)]
            return lambda frame: constant
        return run

    def _map(self, node: MapOf) -> Run:
        entries = [
            (self.build(key), self.build(value), at in node.optional)
            for at, (key, value) in enumerate(node.entries)
        ]

        def run(frame: Frame) -> dict[Any, Any]:
            found: dict[Any, Any] = {}
            for key, value, optional in entries:
                at, given = key(frame), value(frame)
                if optional and not given.has:
                    continue
                if at in found:
                    raise EvaluationError(f"insert failed: key {at} already exists")
                found[at] = given.value if optional else given
            return found

        return run

    def _bind(self, node: Bind) -> Run:
        name, value, body, macro = node.name, self.build(node.value), self.build(node.body), \
            node.macro  # fmt: skip

        def run(frame: Frame) -> Any:
            bound = value(frame)
            if macro != "bind":
                if not bound.has:
                    return NONE
                bound = bound.value
            frame.spend(2)
            with_it = Frame({**frame.variables, name: bound}, frame.left)
            try:
                found = body(with_it)
            finally:
                frame.left = with_it.left
            return Optional(found) if macro == "optMap" else found

        return run

    def _loop(self, node: Loop) -> Run:
        over, body = self.build(node.over), self.build(node.body)
        where = None if node.filter is None else self.build(node.filter)
        steps = weight(node.body) + (weight(node.filter) if node.filter else 0)
        collect = _MACROS[node.macro]
        names = node.names

        def run(frame: Frame) -> Any:
            given = over(frame)
            if given.__class__ is not list and given.__class__ is not dict:
                raise no_overload(node.macro, given)
            inner = Frame(dict(frame.variables), frame.left)
            try:
                return collect(_turns(inner, given, names, steps, where, body))
            finally:
                frame.left = inner.left

        return run


Turn = tuple[Any, Any, Callable[[], Any]]
"""(key or index, value, the body as a function)."""


def _turns(
    frame: Frame, given: Any, names: tuple[str, ...], steps: int, where: Run | None, body: Run
) -> Iterable[Turn]:
    """One turn of a loop after the other, its variables set."""
    variables = frame.variables
    pairs = given.items() if given.__class__ is dict else enumerate(given)
    for key, value in pairs:
        frame.spend(steps)
        if len(names) == 2:
            variables[names[0]], variables[names[1]] = key, value
            element = value
        else:
            element = key if given.__class__ is dict else value
            variables[names[0]] = element
        if where is None or true(where(frame)):
            yield key, element, lambda: body(frame)


def _quantified(turns: Iterable[Turn], decisive: bool) -> bool:
    """all and exists: one decisive answer outweighs errors, as with && and ||."""
    fault: EvaluationError | None = None
    for _, _, body in turns:
        try:
            if true(body()) is decisive:
                return decisive
        except OverBudget:
            raise
        except EvaluationError as error:
            fault = fault or error
    if fault is not None:
        raise fault
    return not decisive


_MACROS: dict[str, Callable[[Iterable[Turn]], Any]] = {
    "all": lambda turns: _quantified(turns, False),
    "exists": lambda turns: _quantified(turns, True),
    "exists_one": lambda turns: sum(true(body()) for _, _, body in turns) == 1,
    "map": lambda turns: [body() for _, _, body in turns],
    "filter": lambda turns: [element for _, element, body in turns if true(body())],
    "sortBy": lambda turns: by_keys([(body(), element) for _, element, body in turns]),
    "transformList": lambda turns: [body() for _, _, body in turns],
    "transformMap": lambda turns: {key: body() for key, _, body in turns},
    "transformMapEntry": lambda turns: {k: v for _, _, body in turns for k, v in body().items()},
}


def _looked_up(value: Any, key: Any) -> Optional:
    if value.__class__ is Optional:
        if not value.has:
            return NONE
        value = value.value
    try:
        return Optional(_at(value, key))
    except EvaluationError:
        if value.__class__ in (dict, list):
            return NONE
        raise


def _at(value: Any, key: Any) -> Any:
    if value.__class__ is dict:
        if key.__class__ is float and key.is_integer():
            key = int(key)
        try:
            return value[key]
        except (KeyError, TypeError):
            raise EvaluationError(f"no such key: {key}") from None
    if value.__class__ is not list:
        raise no_overload("_[_]", value, key)
    if key.__class__ not in (int, Uint) and not (key.__class__ is float and key.is_integer()):
        raise no_overload("_[_]", value, key)
    if not 0 <= key < len(value):
        raise EvaluationError(f"index out of bounds: {int(key)}")
    return value[int(key)]
