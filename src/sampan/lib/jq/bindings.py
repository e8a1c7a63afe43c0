"""Nodes that give names to something: variables, labels, functions and their arguments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from sampan.lib.jq import paths
from sampan.lib.jq.faults import Broken, Fault
from sampan.lib.jq.nodes import Frame, Identity, Item, Node, look_up, values
from sampan.lib.jq.values import Machine, described


class Pattern(Protocol):
    """What stands behind `as`: binds names to parts of a value, in all ways there are."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def bind(self, machine: Machine, frame: Frame | None, value: Any) -> Iterator[Frame]: ...


@dataclass(frozen=True)
class NamePattern:
    name: str

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def bind(self, machine: Machine, frame: Frame | None, value: Any) -> Iterator[Frame]:
        yield Frame(self.name, value, frame)


@dataclass(frozen=True)
class PartsPattern:
    """`[…]` and `{…}`: keys, and the patterns for what is there. `also` names the part itself."""

    parts: tuple[tuple[Node, str | None, Pattern | None], ...]
    is_list: bool

    @property
    def names(self) -> tuple[str, ...]:
        own = [also for _, also, _ in self.parts if also]
        return (*own, *(n for _, _, inner in self.parts if inner for n in inner.names))

    def bind(self, machine: Machine, frame: Frame | None, value: Any) -> Iterator[Frame]:
        kind = list if self.is_list else dict
        if value is not None and not isinstance(value, kind):
            what = "an array" if self.is_list else "an object"
            raise Fault(f"expected {what} but got: {described(machine, value)}")
        yield from self._bound(machine, frame, value, 0)

    def _bound(self, machine: Machine, frame: Frame | None, value: Any, at: int) -> Iterator[Frame]:
        if at == len(self.parts):
            assert frame is not None  # a pattern has parts
            yield frame
            return
        key_node, also, inner = self.parts[at]
        for key in values(machine, frame, key_node, value):
            part = paths.index(machine, value, key)
            inside = Frame(also, part, frame) if also else frame
            bound = inner.bind(machine, inside, part) if inner else iter([inside])
            for each in bound:
                yield from self._bound(machine, each, value, at + 1)


@dataclass(frozen=True)
class Bind:
    """`term as pattern ?// pattern | body`: a pattern is tried when the one before it, or the body
    with it, ends in an error."""

    term: Node
    patterns: tuple[Pattern, ...]
    body: Node

    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        for value in values(machine, frame, self.term, item.value):
            yield from self._tried(machine, frame, item, value)

    def _tried(
        self, machine: Machine, frame: Frame | None, item: Item, value: Any
    ) -> Iterator[Item]:
        names = {name for pattern in self.patterns for name in pattern.names}
        if len(self.patterns) > 1:
            for name in names:
                frame = Frame(name, None, frame)
        for pattern in self.patterns[:-1]:
            try:
                for bound in pattern.bind(machine, frame, value):
                    yield from self.body.run(machine, bound, item)
            except Fault:
                continue
            return
        for bound in self.patterns[-1].bind(machine, frame, value):
            yield from self.body.run(machine, bound, item)


@dataclass(frozen=True)
class Reduce:
    source: Node
    pattern: Pattern
    start: Node
    update: Node

    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        for state in self.start.run(machine, frame, item):
            for value in values(machine, frame, self.source, item.value):
                for bound in self.pattern.bind(machine, frame, value):
                    for after in self.update.run(machine, bound, state):
                        machine.tick()
                        state = after
            yield state


@dataclass(frozen=True)
class Foreach:
    source: Node
    pattern: Pattern
    start: Node
    update: Node
    extract: Node | None

    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        for state in self.start.run(machine, frame, item):
            for value in values(machine, frame, self.source, item.value):
                for bound in self.pattern.bind(machine, frame, value):
                    for after in self.update.run(machine, bound, state):
                        machine.tick()
                        state = after
                        if self.extract is None:
                            yield state
                        else:
                            yield from self.extract.run(machine, bound, state)


@dataclass(frozen=True)
class Label:
    name: str
    body: Node

    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        mark = object()
        try:
            yield from self.body.run(machine, Frame(self.name, mark, frame), item)
        except Broken as broken:
            if broken.label is not mark:
                raise


@dataclass(frozen=True)
class Break:
    name: str

    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        raise Broken(look_up(frame, self.name).meaning)
        yield item  # makes this a stream


@dataclass(frozen=True)
class Closure:
    """An argument with the names that it was written among."""

    body: Node
    frame: Frame | None


@dataclass
class Function:
    """`def name(parameters): body`. The body is filled in when it has been read, as it may call
    itself."""

    name: str
    parameters: tuple[str, ...]
    body: Node = field(default_factory=Identity)


@dataclass(frozen=True)
class Define:
    function: Function
    rest: Node

    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        inside = Frame(self.function.name, self.function, frame)
        yield from self.rest.run(machine, inside, item)


@dataclass(frozen=True)
class Call:
    """A call of what the program itself defines: a function, or an argument of one."""

    name: str
    arguments: tuple[Node, ...]

    def run(self, machine: Machine, frame: Frame | None, item: Item) -> Iterator[Item]:
        machine.tick()
        defined = look_up(frame, self.name)
        if isinstance(defined.meaning, Closure):
            yield from defined.meaning.body.run(machine, defined.meaning.frame, item)
            return
        function: Function = defined.meaning
        for inside in self._bound(machine, frame, item.value, function, defined, 0):
            yield from function.body.run(machine, inside, item)

    def _bound(
        self, machine: Machine, frame: Frame | None, value: Any, function: Function,
        inside: Frame, at: int,
    ) -> Iterator[Frame]:  # fmt: skip
        if at == len(self.arguments):
            yield inside
            return
        name, argument = function.parameters[at], self.arguments[at]
        bare = f"{name.removeprefix('$')}/0"
        if not name.startswith("$"):
            bound = Frame(bare, Closure(argument, frame), inside)
            yield from self._bound(machine, frame, value, function, bound, at + 1)
            return
        for each in values(machine, frame, argument, value):
            bound = Frame(name, each, Frame(bare, Closure(argument, frame), inside))
            yield from self._bound(machine, frame, value, function, bound, at + 1)
