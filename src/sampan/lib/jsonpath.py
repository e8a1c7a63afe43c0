r"""JSONPath as kubectl speaks it, over plain JSON values.

`{.items[*].name}` with braces is a template: text outside braces is copied, `{range .a[*]}…{end}`
repeats, `{"\n"}` is text. Without braces the whole text is one path, as in printer columns. Steps:
`.a`, `['a.b']`, `.a\.b`, `[0]`, `[-1]`, `[1:3]`, `[0,2]`, `[*]`, `.*`, `..a`,
`[?(@.type=="Ready")]` with == != < <= > >= or a path alone. What is not there is simply not found.
Conditions of a filter may be joined by `&&` and `||` where the caller allows it: kubectl knows
neither, other speakers of JSONPath do. Not covered: scripts. Upstream: k8s.io/client-go
util/jsonpath.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Step = Callable[[Any, Any], Iterator[Any]]
"""(value, root) -> values one step further."""
Test = Callable[[Any, Any], bool]
"""(item, root) -> whether a filter lets the item pass."""


class JsonPathError(ValueError):
    """The text is no JSONPath."""


@dataclass(frozen=True)
class Steps:
    """A chain of steps. It starts at the root when `absolute`."""

    steps: tuple[Step, ...]
    absolute: bool = False
    definite: bool = True

    def values(self, value: Any, root: Any) -> list[Any]:
        found = [root if self.absolute else value]
        for step in self.steps:
            found = [after for before in found for after in step(before, root)]
        return found


@dataclass(frozen=True)
class Range:
    """`{range …}…{end}`."""

    over: Steps
    parts: tuple[Part, ...]


Part = str | Steps | Range


class Path:
    """A compiled template or path."""

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self._parts = parts

    @property
    def definite(self) -> bool:
        """Whether it can name one value at most: no wildcard, slice, union or filter is in it."""
        return all(isinstance(part, Steps) and part.definite for part in self._parts)

    def find(self, value: Any) -> list[Any]:
        """All values that the paths of the template name, in order."""
        return list(_found(self._parts, value, value))

    def render(self, value: Any) -> str:
        """The text: values of one path with spaces between, maps and lists as JSON."""
        return "".join(_rendered(self._parts, value, value))


def compile(text: str, *, joined: bool = False) -> Path:
    """JsonPathError when it cannot be read. joined: filters may have several conditions; the text
    is then one path."""
    if joined or "{" not in text:
        return Path((_Reader(text, joined=joined).path(),))
    parts, rest = _template(text, 0, inside=False)
    if rest != len(text):
        raise JsonPathError("not in range, nothing to end")
    return Path(parts)


def _found(parts: tuple[Part, ...], value: Any, root: Any) -> Iterator[Any]:
    for part in parts:
        if isinstance(part, Steps):
            yield from part.values(value, root)
        elif isinstance(part, Range):
            for item in part.over.values(value, root):
                yield from _found(part.parts, item, root)


def _rendered(parts: tuple[Part, ...], value: Any, root: Any) -> Iterator[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        elif isinstance(part, Steps):
            yield " ".join(map(text_of, part.values(value, root)))
        else:
            for item in part.over.values(value, root):
                yield from _rendered(part.parts, item, root)


def text_of(value: Any) -> str:
    """One value as kubectl prints it; null is nothing."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


_BLOCK = re.compile(r"""\{((?:[^{}"']|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*)\}""", re.DOTALL)


def _template(text: str, at: int, *, inside: bool) -> tuple[tuple[Part, ...], int]:
    """Parts from a place on, and where they end: at the end, or before an `{end}`."""
    parts: list[Part] = []
    while at < len(text):
        if text[at] != "{":
            end = text.find("{", at)
            end = len(text) if end < 0 else end
            parts.append(text[at:end])
            at = end
            continue
        block = _BLOCK.match(text, at)
        if block is None:
            raise JsonPathError(f"unclosed action: {text[at : at + 40]}")
        body = block[1].strip()
        if body == "end":
            return tuple(parts), at if not inside else block.end()
        at = block.end()
        if body.startswith("range "):
            inner, at = _template(text, at, inside=True)
            parts.append(Range(_Reader(body[6:].strip()).path(), inner))
        else:
            parts.extend(_Reader(body).block())
    if inside:
        raise JsonPathError("unexpected end of a range: there is no {end}")
    return tuple(parts), at


_NAME = re.compile(r"(?:\\.|[^\s.\[\]{}()'\"?@$,=!<>|&*\\])+")
_QUOTED = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""", re.DOTALL)
_SLICE = re.compile(r"\s*(-?\d{1,9})?\s*:\s*(-?\d{1,9})?\s*(?::\s*(-?\d{1,9})?\s*)?\]")
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d+)?")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<=": operator.le, ">=": operator.ge,
    "<": operator.lt, ">": operator.gt,
}  # fmt: skip
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class _Reader:
    """Reads one path, or the inside of one pair of braces."""

    def __init__(self, text: str, *, joined: bool = False) -> None:
        self.text = text
        self.at = 0
        self.joined = joined
        self.many = False  # whether a step was read that can lead to several values

    def path(self) -> Steps:
        """The whole text as one path."""
        found = self._steps()
        self._space()
        if self.at < len(self.text):
            raise self._unexpected()
        return found

    def block(self) -> Iterator[Part]:
        """Paths and quoted texts, one after the other."""
        self._space()
        while self.at < len(self.text):
            if self.text[self.at] in "'\"":
                yield self._quoted()
            else:
                before = self.at
                yield self._steps()
                if self.at == before:
                    raise self._unexpected()
            self._space()

    def _steps(self) -> Steps:
        self._space()
        absolute = self._take("$")
        if not absolute:
            self._take("@")
        steps: list[Step] = []
        if self.at < len(self.text) and _NAME.match(self.text, self.at):
            steps.append(self._named())  # `metadata.name`, as printer columns may be written
        while self.at < len(self.text):
            if self._take(".."):
                self.many = True
                steps.append(_descend)
                if not self.text.startswith("[", self.at):
                    steps.append(self._wildcard_or_name())
            elif self._take("."):
                if self.text.startswith("[", self.at) or self.at >= len(self.text):
                    continue
                steps.append(self._wildcard_or_name())
            elif self._take("["):
                steps.append(self._bracket())
            else:
                break
        return Steps(tuple(steps), absolute, definite=not self.many)

    def _wildcard_or_name(self) -> Step:
        return self._all() if self._take("*") else self._named()

    def _all(self) -> Step:
        self.many = True
        return _every

    def _named(self) -> Step:
        match = _NAME.match(self.text, self.at)
        if match is None:
            raise self._unexpected()
        self.at = match.end()
        return _field(re.sub(r"\\(.)", r"\1", match[0]))

    def _bracket(self) -> Step:
        self._space()
        if self._take("*"):
            self._need("]")
            return self._all()
        if self._take("?"):
            self.many = True
            return self._filter()
        match = _SLICE.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
            first, last, stride = (int(part) if part else None for part in match.groups())
            if stride == 0:
                raise JsonPathError("a slice may not have a step of 0")
            self.many = True
            return _slice(first, last, stride)
        steps = [self._key()]
        while self._take(","):
            steps.append(self._key())
        self._need("]")
        if len(steps) == 1:
            return steps[0]
        self.many = True
        return _union(tuple(steps))

    def _key(self) -> Step:
        self._space()
        if self.text[self.at : self.at + 1] in ("'", '"'):
            step = _field(self._quoted())
        elif match := re.compile(r"-?\d{1,9}").match(self.text, self.at):
            self.at = match.end()
            step = _index(int(match[0]))
        else:
            raise self._unexpected()
        self._space()
        return step

    def _filter(self) -> Step:
        self._need("(")
        test = self._condition()
        self._need(")")
        self._need("]")
        return _filter(test)

    def _condition(self) -> Test:
        """Comparisons joined by `||`, which binds more loosely, and `&&`."""
        either = [self._both()]
        while self._takes("||"):
            either.append(self._both())
        return lambda item, root: any(test(item, root) for test in either)

    def _both(self) -> Test:
        both = [self._comparison()]
        while self._takes("&&"):
            both.append(self._comparison())
        return lambda item, root: all(test(item, root) for test in both)

    def _comparison(self) -> Test:
        left = self._operand()
        self._space()
        for sign, found in _COMPARE.items():
            if self._take(sign):
                return _compared(left, found, self._operand())
        return _compared(left, None, None)

    def _takes(self, sign: str) -> bool:
        self._space()
        return self.joined and self._take(sign)

    def _operand(self) -> Steps | tuple[Any]:
        """A path, or a constant as a tuple of one."""
        self._space()
        if self.text[self.at : self.at + 1] in ("'", '"'):
            return (self._quoted(),)
        for word, value in (("true", True), ("false", False), ("null", None)):
            if self._take(word):
                return (value,)
        if number := _NUMBER.match(self.text, self.at):
            self.at = number.end()
            return (float(number[0]) if "." in number[0] else int(number[0]),)
        if self.text[self.at : self.at + 1] not in ("@", "$", "."):
            raise self._unexpected()
        return self._steps()

    def _quoted(self) -> str:
        match = _QUOTED.match(self.text, self.at)
        if match is None:
            raise JsonPathError("unterminated quoted string")
        self.at = match.end()
        text = match[1] if match[1] is not None else match[2]
        return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text)

    def _space(self) -> None:
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1

    def _take(self, sign: str) -> bool:
        if self.text.startswith(sign, self.at):
            self.at += len(sign)
            return True
        return False

    def _need(self, sign: str) -> None:
        self._space()
        if not self._take(sign):
            raise self._unexpected()

    def _unexpected(self) -> JsonPathError:
        rest = self.text[self.at : self.at + 20]
        return JsonPathError(
            f"unrecognized character at {self.at}: {rest}" if rest else "the path ends too early"
        )


def _field(name: str) -> Step:
    def step(value: Any, root: Any) -> Iterator[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]

    return step


def _index(index: int) -> Step:
    def step(value: Any, root: Any) -> Iterator[Any]:
        if isinstance(value, list) and -len(value) <= index < len(value):
            yield value[index]

    return step


def _slice(first: int | None, last: int | None, stride: int | None) -> Step:
    def step(value: Any, root: Any) -> Iterator[Any]:
        if isinstance(value, list):
            yield from value[first:last:stride]

    return step


def _union(steps: tuple[Step, ...]) -> Step:
    def step(value: Any, root: Any) -> Iterator[Any]:
        for inner in steps:
            yield from inner(value, root)

    return step


def _every(value: Any, root: Any) -> Iterator[Any]:
    if isinstance(value, list):
        yield from value
    elif isinstance(value, dict):
        yield from value.values()


def _descend(value: Any, root: Any) -> Iterator[Any]:
    """The value and everything below it."""
    waiting = [value]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(list(_every(current, root))))


def _compared(
    left: Steps | tuple[Any], compare: Callable[[Any, Any], bool] | None, right: Any
) -> Test:
    def values(operand: Steps | tuple[Any], item: Any, root: Any) -> list[Any]:
        return operand.values(item, root) if isinstance(operand, Steps) else list(operand)

    def test(item: Any, root: Any) -> bool:
        ours = values(left, item, root)
        if compare is None:
            return bool(ours)
        theirs = values(right, item, root) if ours else []
        return bool(theirs) and _holds(compare, ours, theirs)

    return test


def _filter(test: Test) -> Step:
    def step(value: Any, root: Any) -> Iterator[Any]:
        return (item for item in _every(value, root) if test(item, root))

    return step


def _holds(compare: Callable[[Any, Any], bool], left: list[Any], right: list[Any]) -> bool:
    try:
        return compare(left[0], right[0])
    except TypeError:
        return False  # things that have no order
