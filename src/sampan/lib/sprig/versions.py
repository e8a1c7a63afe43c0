"""Semantic versions, and constraints on them: `>= 1.2, < 3 || ~4.1`.

    constraint = group { "||" group }           group = part { [","] part }
    part       = [operator] version | version " - " version
    operator   = "=" "!=" ">" "<" ">=" "<=" "~" "~>" "^"      version may lack parts or have `x`

A version with a prerelease satisfies only a part that has one, too.
Upstream: github.com/Masterminds/semver v3.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from sampan.lib.expr.values import Opaque
from sampan.lib.sprig.faults import Mistake

_TAIL = r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
_VERSION = re.compile(rf"v?([0-9]{{1,18}})(?:\.([0-9]{{1,18}}))?(?:\.([0-9]{{1,18}}))?{_TAIL}")
_NUMBER = r"[0-9]{1,18}|[xX*]"
_PART = re.compile(
    rf"(=|==|!=|>|<|>=|=>|<=|=<|~|~>|\^)?\s*v?({_NUMBER})(?:\.({_NUMBER}))?(?:\.({_NUMBER}))?{_TAIL}"
)
_SPAN = re.compile(r"(\S+)\s+-\s+(\S+)")
_LONGEST = 512


class Version(Opaque):
    """Major, minor, patch, prerelease and build data."""

    TYPE = "*semver.Version"

    def __init__(self, text: str) -> None:
        match = _VERSION.fullmatch(text) if len(text) < _LONGEST else None
        if match is None:
            raise Mistake("Invalid Semantic Version")
        self.original = text
        self.numbers = (int(match[1]), int(match[2] or 0), int(match[3] or 0))
        self.prerelease = match[4] or ""
        self.metadata = match[5] or ""

    def __str__(self) -> str:
        tail = (f"-{self.prerelease}" if self.prerelease else "") + (
            f"+{self.metadata}" if self.metadata else ""
        )
        return ".".join(map(str, self.numbers)) + tail

    def json(self) -> str:
        return f'"{self}"'

    @property
    def order(self) -> tuple[Any, ...]:
        """Sorts as versions do: a prerelease before its release, numbers before words."""
        if not self.prerelease:
            return (*self.numbers, 1)
        parts = [
            (0, int(part), "") if part.isdigit() and len(part) < 19 else (1, 0, part)
            for part in self.prerelease.split(".")
        ]
        return (*self.numbers, 0, parts)

    def method(self, name: str) -> Any:
        plain = {
            "Major": self.numbers[0],
            "Minor": self.numbers[1],
            "Patch": self.numbers[2],
            "Prerelease": self.prerelease,
            "Metadata": self.metadata,
            "Original": self.original,
            "String": str(self),
        }
        if name == "Compare":
            return lambda other: _compared(self, other)
        return (lambda: plain[name]) if name in plain else None


def _compared(one: Version, other: Any) -> int:
    if not isinstance(other, Version):
        raise Mistake("Compare takes a version")
    return (one.order > other.order) - (one.order < other.order)


class _Part(NamedTuple):
    """`floor` is the version with zeros for what is missing; `given` how many numbers stand."""

    operator: str
    floor: Version
    given: int

    def holds(self, version: Version) -> bool:
        if version.prerelease and not self.floor.prerelease and self.operator != "!=":
            return False
        at_least = version.order >= self.floor.order
        match self.operator:
            case "=" | "==" | "":
                return self._same(version)
            case "!=":
                return not self._same(version)
            case ">=" | "=>":
                return at_least
            case "<":
                return not at_least
            case ">":
                return version.order > self.floor.order and not self._within(version)
            case "<=" | "=<":
                return version.order <= self.floor.order or self._within(version)
            case "^":
                return at_least and self._compatible(version)
        return at_least and version.numbers[: min(self.given, 2)] == self._head(2)

    def _head(self, most: int) -> tuple[int, ...]:
        return self.floor.numbers[: min(self.given, most)]

    def _within(self, version: Version) -> bool:
        return self.given < 3 and version.numbers[: self.given] == self._head(3)

    def _same(self, version: Version) -> bool:
        return self._within(version) if self.given < 3 else version.order == self.floor.order

    def _compatible(self, version: Version) -> bool:
        """Up to the first number that is not 0."""
        numbers = self.floor.numbers[: self.given]
        first = next((at for at, number in enumerate(numbers) if number), len(numbers) - 1)
        return version.numbers[: first + 1] == numbers[: first + 1]


def _part(text: str) -> _Part:
    match = _PART.fullmatch(text)
    if match is None:
        raise Mistake(f"improper constraint: {text}")
    numbers = []
    for number in match.groups()[1:4]:
        if number is None or not number.isdigit():
            break
        numbers.append(number)
    floor = ".".join([*numbers, "0", "0", "0"][:3])
    return _Part(
        match[1] or "", Version(floor + (f"-{match[5]}" if match[5] else "")), len(numbers)
    )


def _parts(group: str) -> list[_Part]:
    group = _SPAN.sub(r">=\1,<=\2", group.strip())
    group = re.sub(r"([=!<>~^])\s+", r"\1", group)
    return [_part(one) for one in re.split(r"[,\s]+", group) if one]


def compare(constraint: str, version: str) -> bool:
    """Whether the version satisfies the constraint. Raises Mistake for one that is none."""
    if len(constraint) > _LONGEST:
        raise Mistake(f"improper constraint: longer than {_LONGEST} characters")
    groups = [_parts(group) for group in constraint.split("||")]
    if not all(groups):
        raise Mistake(f"improper constraint: {constraint}")
    given = Version(version)
    return any(all(part.holds(given) for part in group) for group in groups)
