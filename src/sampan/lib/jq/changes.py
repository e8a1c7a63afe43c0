"""Paths, and what is changed at them: `path`, `del`, `pick`, `=`, `|=`, `walk`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from sampan.lib.jq import paths
from sampan.lib.jq.faults import Fault
from sampan.lib.jq.functions import wrong
from sampan.lib.jq.nodes import Builtin, Each, Frame, Identity, Item, Node, below, values
from sampan.lib.jq.values import Machine, described, in_order, preview, truthy

Stream = Iterator[Item]
Outer = Frame | None


def _paths(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
    """`path(f)`."""
    for path in found_paths(machine, frame, arguments[0], item.value):
        yield item.made(list(path))


def found_paths(machine: Machine, frame: Outer, node: Node, value: Any) -> Iterator[paths.Path]:
    """The paths of what a query finds. Raises Fault for what it makes."""
    for each in node.run(machine, frame, Item(value, ())):
        if not isinstance(each.path, tuple):
            raise Fault(f"invalid path against: {described(machine, each.value)}")
        yield each.path


def _all_paths(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
    for each in below(machine, Item(item.value, ())):
        if each.path == ():
            continue
        chosen = values(machine, frame, arguments[0], each.value) if arguments else iter([True])
        for value in chosen:
            if truthy(value):
                assert isinstance(each.path, tuple)
                yield item.made(list(each.path))


def _get_path(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
    for path in values(machine, frame, arguments[0], item.value):
        if not isinstance(path, list):
            raise wrong(machine, "getpath", item.value, path)
        try:
            found = paths.get(machine, item.value, tuple(path))
        except Fault as fault:
            raise Fault(
                f"getpath({preview(machine, path)}) cannot be applied to: "
                f"{described(machine, item.value)}"
            ) from fault
        if isinstance(item.path, tuple):
            yield Item(found, (*item.path, *path))
        else:
            yield item.made(found)


def _delete(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
    found = list(found_paths(machine, frame, arguments[0], item.value))
    yield item.made(paths.Update(machine).drop(item.value, found))


def _pick(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
    picked: Any = None
    for path in found_paths(machine, frame, arguments[0], item.value):
        found = paths.get(machine, item.value, path)
        picked = paths.Update(machine).put(picked, path, found)
    yield item.made(picked)


def assign(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
    """`f = g`: a result for each value of g."""
    for new in values(machine, frame, arguments[1], item.value):
        update, value = paths.Update(machine), item.value
        for path in found_paths(machine, frame, arguments[0], item.value):
            value = update.put(value, path, new)
        yield item.made(value)


def modify(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
    """`f |= g`: the first value of g at each path; without one, the path goes."""
    update, value = paths.Update(machine), item.value
    gone: list[paths.Path] = []
    for path in found_paths(machine, frame, arguments[0], item.value):
        before = update.look(value, path)
        for new in values(machine, frame, arguments[1], before):
            value = update.put(value, path, new)
            break
        else:
            gone.append(path)
    yield item.made(update.drop(value, gone))


def _map_values(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
    return modify(machine, frame, item, (Each(Identity()), arguments[0]))


def _walk(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
    """From the leaves on; a result for each value of the query for the whole."""
    for value in _walked(machine, frame, item.value, arguments[0]):
        yield item.made(value)


def _walked(machine: Machine, frame: Outer, value: Any, node: Node) -> Iterator[Any]:
    machine.tick()
    if isinstance(value, list):
        value = [each for part in value for each in _walked(machine, frame, part, node)]
    elif isinstance(value, dict):
        firsts = {key: _walked(machine, frame, value[key], node) for key in in_order(value)}
        value = {key: each for key, found in firsts.items() for each in islice(found, 1)}
    yield from values(machine, frame, node, value)


CHANGES: dict[str, Builtin] = {
    "path/1": _paths,
    "paths/0": _all_paths,
    "paths/1": _all_paths,
    "getpath/1": _get_path,
    "del/1": _delete,
    "pick/1": _pick,
    "walk/1": _walk,
    "map_values/1": _map_values,
}
