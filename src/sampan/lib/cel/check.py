"""The types of an expression: what cel-go would refuse is refused here, with the same words.

Where the type is not known (dyn) everything is let through and found out at run time. Two things
are written back into the nodes: the real name of an escaped field, and which dotted name is a
function (`math.greatest`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from sampan.lib.cel.faults import CompileError, EvaluationError
from sampan.lib.cel.nodes import Bind, Call, Index, ListOf, Literal, Loop, MapOf, Name, Node, Select
from sampan.lib.cel.standard import duration, timestamp
from sampan.lib.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DYN,
    INT,
    NULL,
    STRING,
    UINT,
    Functions,
    Overload,
    Type,
    assignable,
    joined,
    list_of,
    map_of,
    optional,
    substitute,
)
from sampan.lib.cel.values import Uint

TYPE_NAMES = frozenset({"int", "uint", "double", "bool", "string", "bytes", "list", "map",
                        "null_type", "type", "optional_type"})  # fmt: skip
_LITERALS: dict[type, Type] = {int: INT, Uint: UINT, float: DOUBLE, str: STRING, bytes: BYTES,
                               bool: BOOL, type(None): NULL}  # fmt: skip
_TYPE = Type("type")


class Checker:
    def __init__(self, source: str, variables: Mapping[str, Type], functions: Functions) -> None:
        self._source = source
        self._variables = variables
        self._functions = functions
        self._local: dict[str, Type] = {}
        self._mixed = False
        self._by_node: dict[type[Node], Callable[..., Type]] = {
            Literal: lambda node: _LITERALS[node.value.__class__],
            Name: self._name,
            Select: self._select,
            Index: self._index,
            Call: self._call,
            ListOf: self._list,
            MapOf: self._map,
            Loop: self._loop,
            Bind: self._bind,
        }

    def check(self, node: Node) -> Type:
        """The type of the node's value. Raises CompileError."""
        return self._by_node[node.__class__](node)

    def _fault(self, node: Node, text: str) -> CompileError:
        return CompileError(self._source, node.at, text)

    def _known(self, name: str) -> Type | None:
        return self._local.get(name) or self._variables.get(name)

    def _name(self, node: Name) -> Type:
        found = self._known(node.name)
        if found is not None:
            return found
        if node.name in TYPE_NAMES:
            return _TYPE
        raise self._fault(node, f"undeclared reference to '{node.name}' (in container '')")

    def _select(self, node: Select) -> Type:
        if (name := self._dotted(node)) in self._type_names:
            node.type_name = name
            return _TYPE
        operand = self.check(node.operand)
        through = operand.name == "optional_type"
        inner = operand.params[0] if through else operand
        found = self._field(node, inner)
        if node.test:
            return BOOL
        return optional(found) if through or node.optional else found

    def _dotted(self, node: Node) -> str:
        """A name with dots that begins with no variable; "" for everything else."""
        if isinstance(node, Name):
            return "" if self._known(node.name) else node.name
        if not isinstance(node, Select) or node.test or node.optional:
            return ""
        before = self._dotted(node.operand)
        return f"{before}.{node.field}" if before else ""

    @cached_property
    def _type_names(self) -> frozenset[str]:
        """The dotted names of types: those that functions answer with."""
        overloads = (each for found in self._functions.values() for each in found.overloads)
        own = {each.result.name for each in overloads if "." in each.result.name}
        return frozenset(own | {"google.protobuf.Timestamp", "google.protobuf.Duration"})

    def _field(self, node: Select, operand: Type) -> Type:
        if operand.name == "dyn":
            return DYN
        if operand.fields is not None:
            found = operand.fields.get(node.field)
            if found is None:
                raise self._fault(node, f"undefined field '{node.field}'")
            node.field = found[0]
            return found[1]
        if operand.name == "map":
            return operand.params[1]
        raise self._fault(node, f"type '{operand}' does not support field selection")

    def _index(self, node: Index) -> Type:
        operand, key = self.check(node.operand), self.check(node.key)
        through = operand.name == "optional_type"
        inner = operand.params[0] if through else operand
        if inner.name == "list":
            fits, found = key.name in ("int", "uint", "dyn"), inner.params[0]
        elif inner.name == "map":
            fits, found = assignable(inner.params[0], key, {}), inner.params[1]
        else:
            fits, found = inner.name == "dyn", DYN
        if not fits:
            raise self._no_overload(node, "_[_]", None, [operand, key])
        return optional(found) if through or node.optional else found

    def _call(self, node: Call) -> Type:
        self._qualify(node)
        target = None if node.target is None else self.check(node.target)
        before, self._mixed = self._mixed, node.name == "format"  # which takes values of all types
        args = [self.check(arg) for arg in node.args]
        self._mixed = before
        given = args if target is None else [target, *args]
        if node.name in _SPECIAL:
            return self._operator(node, args)
        if node.name in _READ and node.args and isinstance(node.args[0], Literal):
            self._read(node.name, node.args[0])
        function = self._functions.get((node.name, target is not None, len(given)))
        if function is None:
            if any(name == node.name for name, *_ in self._functions):
                raise self._no_overload(node, node.name, target, args)
            raise self._fault(node, f"undeclared reference to '{node.name}' (in container '')")
        results = [
            found for each in function.overloads if (found := _applied(each, given)) is not None
        ]
        if not results:
            raise self._no_overload(node, node.name, target, args)
        found = results[0]
        return found if all(str(other) == str(found) for other in results) else DYN

    def _read(self, name: str, literal: Literal) -> None:
        """Times that are written down are read before anything runs."""
        try:
            _READ[name](literal.value)
        except (EvaluationError, TypeError):
            raise self._fault(literal, f"invalid {name} argument") from None

    def _qualify(self, node: Call) -> None:
        """`math.greatest(a)` is a function and no method, unless there is a variable `math`."""
        target = node.target
        if not isinstance(target, Name) or self._known(target.name) is not None:
            return
        name = f"{target.name}.{node.name}"
        if (name, False, len(node.args)) in self._functions:
            node.name, node.target = name, None

    def _operator(self, node: Call, args: list[Type]) -> Type:
        name = node.name
        if name == "_?_:_":
            if args[0].name not in ("bool", "dyn"):
                raise self._no_overload(node, name, None, args)
            if not assignable(args[1], args[2], {}) and args[1].name != "null":
                raise self._no_overload(node, name, None, args)
            return joined(args[1], args[2])
        if name in ("_==_", "_!=_"):
            if not assignable(args[0], args[1], {}):
                raise self._no_overload(node, name, None, args)
            return BOOL
        box, item = args[1], args[0]
        inner = box.params[0] if box.name in ("list", "map") else DYN
        if box.name not in ("list", "map", "dyn") or not assignable(inner, item, {}):
            raise self._no_overload(node, "@in", None, args)
        return BOOL

    def _no_overload(
        self, node: Node, name: str, target: Type | None, args: list[Type]
    ) -> CompileError:
        given = f"({', '.join(map(str, args))})"
        shown = given if target is None else f"{target}.{given}"
        return self._fault(node, f"found no matching overload for '{name}' applied to '{shown}'")

    def _list(self, node: ListOf) -> Type:
        found: Type | None = None
        for at, item in enumerate(node.items):
            found = self._alike(item, found, self._item(item, at in node.optional))
        return list_of(found or DYN, len(node.items))

    def _item(self, node: Node, is_optional: bool) -> Type:
        found = self.check(node)
        if not is_optional:
            return found
        if found.name == "optional_type":
            return found.params[0]
        if found.name != "dyn":
            raise self._fault(node, f"expected type 'optional_type' but found '{found}'")
        return DYN

    def _alike(self, node: Node, found: Type | None, one: Type) -> Type:
        """The type of literals that hold one more value; Kubernetes wants them all of one type."""
        if found is None or self._mixed:
            return one if found is None else joined(found, one)
        if not assignable(found, one, {}):
            raise self._fault(node, f"expected type '{found}' but found '{one}'")
        return joined(found, one)

    def _map(self, node: MapOf) -> Type:
        keys: Type | None = None
        values: Type | None = None
        for at, (key, value) in enumerate(node.entries):
            keys = self._alike(key, keys, self.check(key))
            values = self._alike(value, values, self._item(value, at in node.optional))
        return map_of(keys or DYN, values or DYN)

    def _loop(self, node: Loop) -> Type:
        over = self.check(node.over)
        if over.name == "list":
            bound = [over.params[0]] if len(node.names) == 1 else [INT, over.params[0]]
        elif over.name == "map":
            bound = list(over.params[: len(node.names)])
        elif over.name == "dyn":
            bound = [DYN] * len(node.names)
        elif over.fields is not None:
            bound = [STRING, DYN][: len(node.names)]
        else:
            text = f"expression of type '{over}' cannot be range of a comprehension"
            raise self._fault(node.over, f"{text} (must be list, map, or dynamic)")
        before = self._local
        self._local = {**before, **dict(zip(node.names, bound, strict=True))}
        try:
            return self._looped(node, over)
        finally:
            self._local = before

    def _looped(self, node: Loop, over: Type) -> Type:
        node.most = over.most
        if node.filter is not None:
            self._boolean(node.filter)
        match node.macro:
            case "all" | "exists" | "exists_one":
                self._boolean(node.body)
                return BOOL
            case "sortBy":
                self.check(node.body)
                return over
            case "filter":
                self._boolean(node.body)
                return over if over.name == "list" else list_of(over.params[0]) if over.params \
                    else list_of(DYN)  # fmt: skip
            case "map" | "transformList":
                return list_of(self.check(node.body), over.most)
            case "transformMap":
                key = over.params[0] if over.name == "map" else INT if over.name == "list" else DYN
                return map_of(key, self.check(node.body))
        found = self.check(node.body)
        return found if found.name == "map" else map_of(DYN, DYN)

    def _boolean(self, node: Node) -> None:
        found = self.check(node)
        if found.name not in ("bool", "dyn"):
            raise self._fault(node, f"expected type 'bool' but found '{found}'")

    def _bind(self, node: Bind) -> Type:
        value = self.check(node.value)
        if node.macro != "bind":
            if value.name not in ("optional_type", "dyn"):
                raise self._no_overload(node, node.macro, value, [])
            value = value.params[0] if value.params else DYN
        before = self._local
        self._local = {**before, node.name: value}
        try:
            found = self.check(node.body)
        finally:
            self._local = before
        return optional(found) if node.macro == "optMap" else found


_READ: Mapping[str, Callable[[Any], object]] = {"duration": duration, "timestamp": timestamp}
_SPECIAL = frozenset({"_?_:_", "_==_", "_!=_", "@in"})


def _applied(overload: Overload, given: list[Type]) -> Type | None:
    bound: dict[str, Type] = {}
    for wanted, one in zip(overload.params, given, strict=True):
        if not assignable(wanted, one, bound):
            return None
    return substitute(overload.result, bound)
