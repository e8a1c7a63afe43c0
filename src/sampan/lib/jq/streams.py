"""Functions whose arguments are queries: they decide how often those run, and on what.

Loops of the language (`recurse`, `while`, `range`, …) are loops here too, so that they may be long.
Those that only pick values keep the paths of what they pick.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from sampan.lib.jq import operators
from sampan.lib.jq.faults import Fault
from sampan.lib.jq.functions import extreme, grouped, total, wrong
from sampan.lib.jq.nodes import (
    Builtin,
    Each,
    Frame,
    Identity,
    Item,
    Node,
    below,
    each_of,
    values,
)  # fmt: skip
from sampan.lib.jq.numbers import is_normal
from sampan.lib.jq.values import (
    Machine,
    as_float,
    compare,
    is_number,
    truthy,
)  # fmt: skip

Stream = Iterator[Item]
Outer = Frame | None


def _empty(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
    return iter(())


def _error(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
    found = values(machine, frame, arguments[0], item.value) if arguments else iter([item.value])
    for value in found:
        raise Fault(value, raised=True)
    return
    yield item  # makes this a stream


def _select(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
    for value in values(machine, frame, arguments[0], item.value):
        if truthy(value):
            yield item


def kept(condition: Callable[[Any], bool]) -> Builtin:
    """`arrays`, `nulls` and the like."""

    def function(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
        if condition(item.value):
            yield item

    return function


def _map(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
    found = [
        value
        for each in each_of(machine, Item(item.value))
        for value in values(machine, frame, arguments[0], each.value)
    ]
    yield item.made(found)


def _recurse(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
    """The item, what the query makes of it, and so on, as far as the condition holds."""

    def next_ones(each: Item) -> Stream:
        for found in arguments[0].run(machine, frame, each):
            if len(arguments) == 1:
                yield found
                continue
            for value in values(machine, frame, arguments[1], found.value):
                if truthy(value):
                    yield found

    return below(machine, item, next_ones if arguments else None)


def _unrolled(
    step: Callable[[Machine, Outer, Item, tuple[Node, ...]], Iterator[tuple[str, Item]]],
) -> Builtin:
    """A loop that goes on with every result of a step: `step` says what to give and go on with."""

    def function(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
        waiting = [step(machine, frame, item, arguments)]
        while waiting:
            machine.tick()
            found = next(waiting[-1], None)
            if found is None:
                waiting.pop()
            elif found[0] == "give":
                yield found[1]
            else:
                waiting.append(step(machine, frame, found[1], arguments))

    return function


Steps = Iterator[tuple[str, Item]]


def _while(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Steps:
    for value in values(machine, frame, arguments[0], item.value):
        if truthy(value):
            yield "give", item
            for each in arguments[1].run(machine, frame, item):
                yield "on", each


def _until(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Steps:
    for value in values(machine, frame, arguments[0], item.value):
        if truthy(value):
            yield "give", item
        else:
            for each in arguments[1].run(machine, frame, item):
                yield "on", each


def _repeat(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
    while True:
        machine.tick()
        yield from arguments[0].run(machine, frame, item)


def _range(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
    for start, end, step in _bounds(machine, frame, item.value, arguments):
        for each in (start, end, step):
            if not is_number(each):
                raise wrong(machine, "range", each)
        value = start
        sign = compare(machine, step, 0)
        while sign * compare(machine, value, end) < 0:
            yield item.made(value)
            value = value + step


def _bounds(
    machine: Machine, frame: Outer, value: Any, arguments: tuple[Node, ...]
) -> Iterator[tuple[Any, Any, Any]]:
    if len(arguments) == 1:
        for end in values(machine, frame, arguments[0], value):
            yield 0, end, 1
        return
    for start in values(machine, frame, arguments[0], value):
        for end in values(machine, frame, arguments[1], value):
            if len(arguments) == 2:
                yield start, end, 1
                continue
            for step in values(machine, frame, arguments[2], value):
                yield start, end, step


def _keyed(name: str, of: Callable[[Machine, list[Any], list[Any]], Any]) -> Builtin:
    """A function of a list and what a query makes of its items: `sort_by` and the like."""

    def function(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
        if not isinstance(item.value, list):
            given = next(_map(machine, frame, item, arguments)).value
            raise wrong(machine, name, item.value, given)
        keys = [list(values(machine, frame, arguments[0], each)) for each in item.value]
        yield item.made(of(machine, item.value, keys))

    return function


def _first(found: Iterator[Any]) -> Iterator[Any]:
    for each in found:
        yield each
        return


def _first_of(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
    yield from _first(arguments[0].run(machine, frame, item))


def _last_of(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
    last = deque(arguments[0].run(machine, frame, item), maxlen=1)
    yield from last


def _limit(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
    for count in values(machine, frame, arguments[0], item.value):
        if compare(machine, count, 0) < 0:
            raise Fault("limit doesn't support negative count")
        if not truthy(count) or compare(machine, count, 0) == 0:
            continue
        left = count
        for each in arguments[1].run(machine, frame, item):
            yield each
            left = operators.subtract(machine, left, 1)
            if left <= 0:
                break


def _skip(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
    for count in values(machine, frame, arguments[0], item.value):
        if compare(machine, count, 0) < 0:
            raise Fault("skip doesn't support negative count")
        left = count
        for each in arguments[1].run(machine, frame, item):
            left = operators.subtract(machine, left, 1)
            if left < 0:
                yield each


def _nth_of(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
    for count in values(machine, frame, arguments[0], item.value):
        if compare(machine, count, 0) < 0:
            raise Fault("nth doesn't support negative index")
        skipped = _skip(machine, frame, item, (_Given(count), arguments[1]))
        yield from _first(skipped)


class _Given:
    """A node for a value."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def run(self, machine: Machine, frame: Outer, item: Item) -> Stream:
        yield item.made(self._value)


def _is_empty(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
    found = next(arguments[0].run(machine, frame, Item(item.value)), None)
    yield item.made(found is None)


def quantified(wanted: bool) -> Builtin:
    """`any`, or `all` when the one that decides is a false one."""

    def function(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
        source = arguments[0] if len(arguments) == 2 else Each(Identity())
        condition = arguments[-1] if arguments else Identity()
        answers = (
            truthy(answer)
            for value in values(machine, frame, source, item.value)
            for answer in values(machine, frame, condition, value)
        )
        yield item.made(any(answers) if wanted else all(answers))

    return function


def _add_of(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
    yield item.made(total(machine, list(values(machine, frame, arguments[0], item.value))))


STREAMS: dict[str, Builtin] = {
    "empty/0": _empty,
    "error/0": _error,
    "error/1": _error,
    "select/1": _select,
    "map/1": _map,
    "recurse/0": _recurse,
    "recurse/1": _recurse,
    "recurse/2": _recurse,
    "while/2": _unrolled(_while),
    "until/2": _unrolled(_until),
    "repeat/1": _repeat,
    "range/1": _range,
    "range/2": _range,
    "range/3": _range,
    "sort_by/1": _keyed("sort_by", lambda m, v, k: [e for g in grouped(m, v, k) for e in g]),
    "group_by/1": _keyed("group_by", grouped),
    "unique_by/1": _keyed("unique_by", lambda m, v, k: [g[0] for g in grouped(m, v, k)]),
    "min_by/1": _keyed("min_by", lambda m, v, k: extreme(m, v, k, least=True)),
    "max_by/1": _keyed("max_by", lambda m, v, k: extreme(m, v, k, least=False)),
    "first/1": _first_of,
    "last/1": _last_of,
    "limit/2": _limit,
    "skip/2": _skip,
    "nth/2": _nth_of,
    "isempty/1": _is_empty,
    **{f"any/{count}": quantified(True) for count in range(3)},
    **{f"all/{count}": quantified(False) for count in range(3)},
    "add/1": _add_of,
    "arrays/0": kept(lambda value: isinstance(value, list)),
    "objects/0": kept(lambda value: isinstance(value, dict)),
    "iterables/0": kept(lambda value: isinstance(value, list | dict)),
    "scalars/0": kept(lambda value: not isinstance(value, list | dict)),
    "booleans/0": kept(lambda value: isinstance(value, bool)),
    "numbers/0": kept(is_number),
    "strings/0": kept(lambda value: isinstance(value, str)),
    "finites/0": kept(lambda value: is_number(value) and not math.isinf(as_float(value))),
    "normals/0": kept(is_normal),
    "nulls/0": kept(lambda value: value is None),
    "values/0": kept(lambda value: value is not None),
}
