"""Reading numbers in the text form that Prometheus reads, for those that are asked for.

    http_requests_total{method="post",code="200"} 1027 1395066363000

A series is a name and labels; who asks names those labels that matter, `loss{split="test"}`, or
none. Only lines of wanted names are looked at: what else is served may be of any kind, such as
comments of OpenMetrics. Not a writer: that is `prometheus`. Upstream: the text exposition format
0.0.4, https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r'[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*')
_VALUE = re.compile(r"[ \t]+(\S+)(?:[ \t]+(-?[0-9]{1,15}))?[ \t]*(?:# .*)?")
_ESCAPED = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}
_SHOWN = 200
"""Characters of a line that are told of."""


class Malformed(ValueError):
    """The text is no series, or no sample of one."""


class Series(Struct, frozen=True):
    """`labels`: pairs of name and value."""

    name: str
    labels: tuple[tuple[str, str], ...] = ()

    def finds(self, other: Series) -> bool:
        """Whether the other one has this name, and these labels among its own."""
        return self.name == other.name and set(self.labels) <= set(other.labels)

    def __str__(self) -> str:
        said = ",".join(f'{name}="{value}"' for name, value in self.labels)
        return f"{self.name}{{{said}}}" if said else self.name


class Sample(Struct, frozen=True):
    """`value`: as it is written, a number, NaN or an infinity. `time`: seconds since 1970, where it
    is said."""

    series: Series
    value: str
    time: float | None = None


def series(text: str) -> Series:
    """What is asked for. Malformed."""
    found, end = _series(text.strip())
    if end != len(text.strip()):
        raise Malformed(f'"{text}" is no name of a series, such as loss or loss{{split="test"}}')
    return found


def samples(text: str, names: Sequence[str]) -> Iterator[Sample]:
    """Those of these names. Malformed, with the line."""
    begins = tuple(names)
    for number, line in enumerate(_lines(text), 1):
        if line.startswith(begins) and (named := _NAME.match(line)) and named[0] in begins:
            try:
                yield _sample(line.rstrip("\r"))
            except Malformed as wrong:
                shown = line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
                raise Malformed(f'line {number} "{shown}": {wrong}') from None


def served(text: str) -> Iterator[str]:
    """The names of all samples, in order, as often as they come."""
    for line in _lines(text):
        if named := _NAME.match(line):
            yield named[0]


def _lines(text: str) -> Iterator[str]:
    """One after the other: there may be a million."""
    return (line.rstrip("\n") for line in io.StringIO(text, newline="\n"))


def _sample(line: str) -> Sample:
    found, end = _series(line)
    rest = _VALUE.fullmatch(line, end)
    if rest is None:
        raise Malformed("no value follows the name")
    try:
        float(rest[1])
    except ValueError:
        raise Malformed(f'"{rest[1]}" is no number') from None
    return Sample(found, rest[1], int(rest[2]) / 1000 if rest[2] else None)


def _series(text: str) -> tuple[Series, int]:
    """The series that a text begins with, and where it ends."""
    named = _NAME.match(text)
    if named is None:
        raise Malformed(f'"{text}" does not begin with a name')
    at, labels = named.end(), []
    if text[at : at + 1] != "{":
        return Series(named[0]), at
    at += 1
    while label := _LABEL.match(text, at):
        labels.append((label[1], _ESCAPED.sub(_unescaped, label[2])))
        at = label.end()
        if text[at : at + 1] != ",":
            break
        at += 1
    at += len(text[at:]) - len(text[at:].lstrip(" \t"))
    if text[at : at + 1] != "}":
        raise Malformed("the labels have no end")
    return Series(named[0], tuple(labels)), at + 1


def _unescaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[1], found[0])
