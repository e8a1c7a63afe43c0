"""Metrics in the lines of a file: free text with filters, or an object of JSON a line.

TEXT: a line with the name of a metric in it is searched for filters whose first group is a name and
whose second one is a value; its first word is its time, if it is one. JSON: values are strings
under the metrics' names, the time is `timestamp`. Filters are Go's regular expressions.
Upstream: pkg/metricscollector/v1beta1/file-metricscollector.
"""

from __future__ import annotations

import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sampan.kube import katib
from sampan.kube.katib import Log
from sampan.kube.times import parse
from sampan.lib.regex.patterns import Pattern, PatternError, compiled
from sampan.nodes.collector.options import USAGE
from sampan.nodes.executor.job import Failed

_TIMESTAMP = "timestamp"
_NUMBER = re.compile(r"[+-]?[0-9]*(?:\.[0-9]+)?(?:[Ee][+-]?[0-9]+)?")
_BLANK = "\t\n\f\r "
LONGEST = 16_384
"""Characters of a value; those of architectures have some hundred."""
_SHOWN = 200
"""Characters of a line that are told of."""


class Malformed(ValueError):
    """A line is not what it has to be."""


class Form(ABC):
    """Reads lines of one kind. `why`: the first line with an objective that is no number."""

    hint = "no filter finds it in"

    def __init__(self, metrics: Sequence[str], filters: Sequence[str]) -> None:
        self._metrics = tuple(metrics)
        self._number = 0
        self._unmatched = ""
        self.why = ""

    def read_all(self, text: str) -> Iterator[Log]:
        """The values in the next lines. Malformed."""
        for line in text.removesuffix("\n").split("\n"):
            yield from self.read(line)

    def read(self, line: str) -> list[Log]:
        """The values in the next line. Malformed."""
        self._number += 1
        found = list(self._found(line))
        if not self.why:
            self._look(line, found)
        return [log for log in found if len(log.value) <= LONGEST]

    def missing(self) -> str:
        """Why there is no objective: what was looked at."""
        if self.why:
            return self.why
        objective = self._metrics[0] if self._metrics else ""
        said = f"Objective metric {objective} is not found in training logs"
        if self._unmatched:
            return f"{said}; {self._unmatched}"
        return f"{said}, in none of {self._number} lines"

    def _look(self, line: str, found: Sequence[Log]) -> None:
        objective = self._metrics[0] if self._metrics else ""
        values = [log.value for log in found if log.metric == objective]
        if not values and not self._unmatched and objective and objective in line:
            self._unmatched = f"{self.hint} {self._at(line)}"
        for value in values:
            if len(value) > LONGEST:
                said = f"{objective} has more than {LONGEST} characters"
                self.why = f"{said} in {self._at(line)}"
                return
            if not value or not _is_finite(value):
                what = f'its value is "{value}"' if value else "no number follows"
                self.why = f"{objective} is not a number in {self._at(line)}: {what}"
                return

    def _at(self, line: str) -> str:
        shown = line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
        return f'line {self._number} "{shown}"'

    @abstractmethod
    def _found(self, line: str) -> Iterator[Log]:
        """The metrics in a line."""


def form(kind: str, metrics: Sequence[str], filters: Sequence[str]) -> Form:
    """Failed for filters that cannot be used."""
    return Json(metrics, filters) if kind == "JSON" else Text(metrics, filters)


class Text(Form):
    def __init__(self, metrics: Sequence[str], filters: Sequence[str]) -> None:
        super().__init__(metrics, filters)
        try:
            self._filters = [
                None if text == katib.DEFAULT_FILTER else compiled(text)
                for text in filters or (katib.DEFAULT_FILTER,)
            ]
        except PatternError as wrong:
            raise Failed(str(wrong), USAGE) from None
        for each in self._filters:
            if each is not None and each.risky:
                raise Failed(f"a filter that repeats a repetition is not read: {each.text}", USAGE)

    def read_all(self, text: str) -> Iterator[Log]:
        if any(metric in text for metric in self._metrics):
            yield from super().read_all(text)
        else:  # what is printed a hundred megabytes long has no metrics in it
            self._number += text.removesuffix("\n").count("\n") + 1

    def _found(self, line: str) -> Iterator[Log]:
        if not any(metric in line for metric in self._metrics):
            return
        time, self.hint = _time_before(line), Form.hint
        for each in self._filters:
            for name, value in _default(line) if each is None else self._matches(each, line):
                if name.strip() in self._metrics:
                    yield Log(time, name.strip(), value.strip())

    def _matches(self, pattern: Pattern, line: str) -> Iterator[tuple[str, str]]:
        matcher = pattern.matcher(line)
        if matcher is None:
            self.hint = "too long for a filter like this is"
        elif matcher.groups >= 2:  # others name nothing
            for match in matcher.finditer(line):
                yield match[1] or "", match[2] or ""


def _default(line: str) -> Iterator[tuple[str, str]]:
    """What `katib.DEFAULT_FILTER` finds, in time that grows with the line and no faster: each match
    has one sign of equality, with the name before it."""
    begin, at = 0, line.find("=")
    while at >= 0:
        name = _last_word(line, begin, at)
        if name:
            rest = at + 1
            while rest < len(line) and line[rest] in _BLANK:
                rest += 1
            number = _NUMBER.match(line, rest)
            assert number is not None  # it may be empty
            yield name, number[0]
            begin = number.end()
        at = line.find("=", max(at + 1, begin))


def _last_word(line: str, begin: int, end: int) -> str:
    while end > begin and line[end - 1] in _BLANK:
        end -= 1
    first = end
    while first > begin and (line[first - 1] in "_|-" or _is_word(line[first - 1])):
        first -= 1
    return line[first:end]


def _is_word(char: str) -> bool:
    return char.isascii() and char.isalnum()


def _time_before(line: str) -> str:
    first, blank, _ = line.partition(" ")
    return first if blank and _is_time(first) else katib.NEVER


def _is_time(text: str) -> bool:
    if len(text) < 20 or text[10:11] != "T":
        return False
    try:
        parse(text)
    except ValueError:
        return False
    return True


class Json(Form):
    hint = "its value is no string in"

    def _found(self, line: str) -> Iterator[Log]:
        if not line:
            return
        try:
            said = json.loads(line)
        except (ValueError, RecursionError) as wrong:
            raise Malformed(f"failed to parse the json object: {self._at(line)}: {wrong}") from None
        if said is None:
            return
        if not isinstance(said, dict):
            raise Malformed(f"failed to parse the json object: {self._at(line)} is no object")
        time = _time_of(said.get(_TIMESTAMP))
        for metric in self._metrics:
            if isinstance(value := said.get(metric), str):
                yield Log(time, metric, value)


def _time_of(value: Any) -> str:
    """RFC 3339 as it is, or seconds since the epoch."""
    if isinstance(value, str) and _is_time(value):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return katib.NEVER
    seconds, _, fraction = f"{value!r}".partition(".")
    if not seconds.lstrip("-").isdecimal() or (fraction and not fraction.isdecimal()):
        return katib.NEVER
    # Upstream reads the digits behind the point as so many nanoseconds.
    whole, nanoseconds = divmod(int(fraction or 0), 1_000_000_000)
    try:
        moment = datetime.fromtimestamp(0, UTC) + timedelta(seconds=int(seconds) + whole)
    except OverflowError:
        return katib.NEVER
    shown = f".{nanoseconds:09d}".rstrip("0") if nanoseconds else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{shown}Z"


def _is_finite(value: str) -> bool:
    """Whether a value can be compared: texts, as architectures are, are not numbers at all."""
    try:
        return math.isfinite(float(value))
    except ValueError:
        return True
