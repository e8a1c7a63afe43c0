"""Patterns and entries: `match`, `scan`, `sub`, `with_entries`, …"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampan.lib.jq import texts
from sampan.lib.jq.faults import Fault
from sampan.lib.jq.functions import Function, items, total, wrong
from sampan.lib.jq.nodes import Builtin, Frame, Item, Node, values
from sampan.lib.jq.values import Machine, described, in_order, truthy

Stream = Iterator[Item]
Outer = Frame | None


def _entries(machine: Machine, value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [{"key": key, "value": value[key]} for key in in_order(value)]
    if isinstance(value, list):
        return [{"key": at, "value": each} for at, each in enumerate(value)]
    raise wrong(machine, "keys", value)


def _from_entries(machine: Machine, value: Any) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for entry in items(machine, "from_entries", value):
        machine.tick()
        if not isinstance(entry, dict):
            raise Fault(f"expected an object but got: {described(machine, entry)}")
        names = (entry.get(name) for name in ("key", "Key", "name", "Name"))
        key = next((each for each in names if truthy(each)), None)
        if key is None:
            key = entry.get("Name")
        if not isinstance(key, str):
            raise Fault(f"expected a string for object key but got: {described(machine, key)}")
        made[key] = entry["value"] if "value" in entry else entry.get("Value")
    return made


def _with_entries(
    machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]
) -> Stream:
    entries = _entries(machine, item.value)
    made = [value for entry in entries for value in values(machine, frame, arguments[0], entry)]
    yield item.made(_from_entries(machine, made))


def _all_matches(name: str) -> Builtin:
    """`match`, `capture`, `scan`: a stream of what a pattern matches."""

    def function(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
        for pattern, flags in _patterns(machine, frame, item.value, arguments):
            every = name == "scan"
            for found in texts.match(machine, item.value, pattern, flags, every=every):
                yield item.made(_shape(name, found))

    return function


def _shape(name: str, found: dict[str, Any]) -> Any:
    if name == "match":
        return found
    if name == "capture":
        return texts.captures(found)
    groups = [each["string"] for each in found["captures"]]
    return groups if found["captures"] else found["string"]


def _patterns(
    machine: Machine, frame: Outer, value: Any, arguments: tuple[Node, ...]
) -> Iterator[tuple[Any, Any]]:
    for pattern in values(machine, frame, arguments[0], value):
        if len(arguments) == 1:
            yield pattern, None
            continue
        for flags in values(machine, frame, arguments[1], value):
            yield pattern, flags


def splits(listed: bool) -> Builtin:
    def function(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
        for pattern, flags in _patterns(machine, frame, item.value, arguments):
            parts: list[str] = []
            at = 0
            for found in texts.match(machine, item.value, pattern, flags, every=True):
                parts.append(item.value[at : found["offset"]])
                at = found["offset"] + found["length"]
            parts.append(item.value[at:])
            yield from [item.made(parts)] if listed else map(item.made, parts)

    return function


def substitute(every: bool) -> Builtin:
    """`sub` and `gsub`: a result for each value of the replacement."""

    def function(machine: Machine, frame: Outer, item: Item, arguments: tuple[Node, ...]) -> Stream:
        given = (arguments[0], *arguments[2:])
        for pattern, flags in _patterns(machine, frame, item.value, given):
            found = texts.match(machine, item.value, pattern, flags, every=every)
            for text in _substituted(machine, frame, item.value, found, arguments[1]):
                yield item.made(text)

    return function


def _substituted(
    machine: Machine, frame: Outer, text: str, found: list[dict[str, Any]], node: Node
) -> Iterator[str]:
    made: list[list[str]] = []
    at = 0
    for match in found:
        for which, new in enumerate(values(machine, frame, node, texts.captures(match))):
            if not isinstance(new, str):
                raise Fault(f"cannot add: {described(machine, text)} and {described(machine, new)}")
            made += [[]] if which == len(made) else []
            made[which] += [text[at : match["offset"]], new]
        at = match["offset"] + match["length"]
    for parts in made:
        yield total(machine, [*parts, text[at:]])
    if not made:
        yield text


SEARCHES: dict[str, Builtin] = {
    "with_entries/1": _with_entries,
    **{f"match/{count}": _all_matches("match") for count in (1, 2)},
    **{f"capture/{count}": _all_matches("capture") for count in (1, 2)},
    **{f"scan/{count}": _all_matches("scan") for count in (1, 2)},
    **{f"splits/{count}": splits(listed=False) for count in (1, 2)},
    "split/2": splits(listed=True),
    **{f"sub/{count}": substitute(every=False) for count in (2, 3)},
    **{f"gsub/{count}": substitute(every=True) for count in (2, 3)},
}
ENTRIES: dict[str, Function] = {"to_entries/0": _entries, "from_entries/0": _from_entries}
