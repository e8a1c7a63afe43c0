"""A program as a tree of nodes that evaluate themselves.

Each node turns an item into a stream of items. An item is a value with the path that led to it; the
path is None where nobody asked for paths, and LOST where a value was made rather than found. Frames
are a linked list of names and what they stand for; the parser has made sure that each name is
there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from sampan.lib.jq import operators, paths
from sampan.lib.jq.faults import Fault
from sampan.lib.jq.values import Machine, described, encode, in_order, truthy


class _Lost:
    """The path of a value that is nowhere in the input."""


LOST = _Lost()


class Item(NamedTuple):
    value: Any
    path: paths.Path | _Lost | None = None

    def made(self, value: Any) -> Item:
        """A new value in the place of this one."""
        return Item(value, None if self.path is None else LOST)

    def below(self, machine: Machine, key: Any, value: Any, *, each: bool = False) -> Item:
        """What is found at a key of this one."""
        if self.path is None:
            return Item(value)
        if isinstance(self.path, _Lost):
            on = " on iterating" if each else ""
            raise Fault(f"invalid path{on} against: {described(machine, self.value)}")
        return Item(value, (*self.path, key))


class Frame(NamedTuple):
    """A name with its meaning, and the names around it."""

    name: str
    meaning: Any
    outer: Frame | None


def look_up(frame: Frame | None, name: str) -> Frame:
    while frame is not None and frame.name != name:
        frame = frame.outer
    assert frame is not None, name
    return frame


class Node(Protocol):
    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]: ...


def values(machine: Machine, frame: Frame | None, node: Node, value: Any) -> Iterator[Any]:
    """The values that a node makes of a value, without paths."""
    for item in node.run(machine, frame, Item(value)):
        yield item.value


@dataclass(frozen=True)
class Identity:
    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        yield item


@dataclass(frozen=True)
class Literal:
    value: Any

    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        machine.tick()
        yield item.made(self.value)


@dataclass(frozen=True)
class Variable:
    name: str

    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        machine.tick()
        yield item.made(look_up(frame, self.name).meaning)


@dataclass(frozen=True)
class Pipe:
    left: Node
    right: Node

    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        for each in self.left.run(machine, frame, item):
            yield from self.right.run(machine, frame, each)


@dataclass(frozen=True)
class Comma:
    parts: tuple[Node, ...]

    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        for part in self.parts:
            yield from part.run(machine, frame, item)


@dataclass(frozen=True)
class Index:
    term: Node
    key: Node

    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        for key in values(machine, frame, self.key, item.value):
            for base in self.term.run(machine, frame, item):
                yield base.below(machine, key, paths.index(machine, base.value, key))


@dataclass(frozen=True)
class Slice:
    term: Node
    start: Node
    end: Node

    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        for start in values(machine, frame, self.start, item.value):
            for end in values(machine, frame, self.end, item.value):
                key = {"start": start, "end": end}
                for base in self.term.run(machine, frame, item):
                    part = paths.slice_of(machine, base.value, start, end)
                    yield base.below(machine, key, part)


@dataclass(frozen=True)
class Each:
    term: Node

    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        for base in self.term.run(machine, frame, item):
            yield from each_of(machine, base)


def each_of(machine: Machine, item: Item) -> Iterator[Item]:
    """The values in a list or an object."""
    value = item.value
    if isinstance(value, dict):
        for key in in_order(value):
            machine.tick()
            yield item.below(machine, key, value[key], each=True)
    elif isinstance(value, list):
        for at, part in enumerate(value):
            machine.tick()
            yield item.below(machine, at, part, each=True)
    else:
        raise Fault(f"cannot iterate over: {described(machine, value)}")


def below(
    machine: Machine, item: Item, step: Callable[[Item], Iterator[Item]] | None = None
) -> Iterator[Item]:
    """The item and everything below it, or what a step leads to, depth first. A loop, so that it
    may go deep."""

    def parts(each: Item) -> Iterator[Item]:
        is_tree = isinstance(each.value, list | dict)
        return each_of(machine, each) if is_tree else iter(())

    step = step or parts
    yield item
    waiting = [step(item)]
    while waiting:
        machine.tick()
        found = next(waiting[-1], None)
        if found is None:
            waiting.pop()
            continue
        yield found
        waiting.append(step(found))


@dataclass(frozen=True)
class Try:
    body: Node
    handler: Node | None

    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        try:
            yield from self.body.run(machine, frame, item)
        except Fault as fault:
            caught = fault.value
        else:
            return
        if self.handler is not None:
            yield from self.handler.run(machine, frame, item.made(caught))


@dataclass(frozen=True)
class Binary:
    """Arithmetic and comparison: the right side is the outer loop."""

    sign: str
    left: Node
    right: Node

    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        operate = operators.BINARY[self.sign]
        for right in values(machine, frame, self.right, item.value):
            for left in values(machine, frame, self.left, item.value):
                machine.tick()
                yield item.made(operate(machine, left, right))


@dataclass(frozen=True)
class Unary:
    operate: Callable[[Machine, Any], Any]
    term: Node

    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        for value in values(machine, frame, self.term, item.value):
            yield item.made(self.operate(machine, value))


@dataclass(frozen=True)
class Logic:
    """`and`, or `or` when `settles` is true."""

    settles: bool
    left: Node
    right: Node

    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        for left in values(machine, frame, self.left, item.value):
            if truthy(left) is self.settles:
                yield item.made(self.settles)
                continue
            for right in values(machine, frame, self.right, item.value):
                yield item.made(truthy(right))


@dataclass(frozen=True)
class Otherwise:
    """`left // right`: what is neither null nor false of the left side, else the right side."""

    left: Node
    right: Node

    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        found = False
        for each in self.left.run(machine, frame, item):
            if truthy(each.value):
                found = True
                yield each
        if not found:
            yield from self.right.run(machine, frame, item)


@dataclass(frozen=True)
class If:
    condition: Node
    then: Node
    otherwise: Node

    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        for value in values(machine, frame, self.condition, item.value):
            branch = self.then if truthy(value) else self.otherwise
            yield from branch.run(machine, frame, item)


@dataclass(frozen=True)
class Array:
    body: Node | None

    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        machine.tick()
        found = [] if self.body is None else list(values(machine, frame, self.body, item.value))
        yield item.made(found)


@dataclass(frozen=True)
class Object:
    entries: tuple[tuple[Node, Node | None], ...]
    """Keys and values; None is the value at that key of the input."""

    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        for made in self._made(machine, frame, item.value, len(self.entries)):
            yield item.made(made)

    def _made(
        self, machine: Machine, frame: Frame | None, value: Any, count: int
    ) -> Iterator[dict[str, Any]]:
        """All objects of the first entries; the last entry varies fastest."""
        machine.tick()
        if count == 0:
            yield {}
            return
        key_node, value_node = self.entries[count - 1]
        for before in self._made(machine, frame, value, count - 1):
            for key in values(machine, frame, key_node, value):
                if not isinstance(key, str):
                    shown = described(machine, key)
                    raise Fault(f"expected a string for object key but got: {shown}")
                if value_node is None:
                    yield {**before, key: paths.index(machine, value, key)}
                    continue
                for found in values(machine, frame, value_node, value):
                    yield {**before, key: found}


@dataclass(frozen=True)
class Text:
    """A text with queries in it, whose results go through a format."""

    parts: tuple[str | Node, ...]
    format: Callable[[Machine, Any], str]

    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        for text in self._made(machine, frame, item.value, len(self.parts)):
            yield item.made(text)

    def _made(self, machine: Machine, frame: Frame | None, value: Any, count: int) -> Iterator[str]:
        machine.tick()
        if count == 0:
            yield ""
            return
        part = self.parts[count - 1]
        ends = (
            (part,)
            if isinstance(part, str)
            else (self.format(machine, each) for each in values(machine, frame, part, value))
        )
        for end in ends:
            for before in self._made(machine, frame, value, count - 1):
                yield operators.add(machine, before, end)


def shown(machine: Machine, value: Any) -> str:
    """`tostring`: a text as it is, everything else as JSON."""
    return value if isinstance(value, str) else encode(machine, value)


Builtin = Callable[[Machine, Frame | None, Item, tuple[Node, ...]], Iterator[Item]]


@dataclass(frozen=True)
class Native:
    """A call of a function of the language."""

    function: Builtin
    arguments: tuple[Node, ...]

    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        machine.tick()
        yield from self.function(machine, frame, item, self.arguments)
