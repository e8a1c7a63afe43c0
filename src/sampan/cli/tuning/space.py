"""The search space as it is given on the command line.

    lr=loguniform(1e-4,1e-1)  lr=uniform(0,1)  lr=uniform(0,1,0.1)    numbers, maybe with a step
    n=int(1,5)  n=int(0,100,10)  n=logint(1,1000)                     whole numbers
    opt=choice(sgd,adam)  width=choice(32,64)  flag=choice(true,false)
    epochs=3                                                          the same in each trial

Choices are read as numbers or booleans where all of them are; quotes keep commas and blanks.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from sampan.kube.errors import UserMistake

Kind = Literal["float", "int", "bool", "str"]
"""What the function gets."""
_CALL = re.compile(r"(\w+)\s*\((.*)\)", re.DOTALL)
_UNSAFE = re.compile(r'["\\$]|[\x00-\x1f]')
"""In a choice. Values are put into a template as text, where these would be read as its own."""
_BOOLEANS = {"true": "true", "false": "false"}
_RANGES: Mapping[str, tuple[str, Kind, str]] = {
    "uniform": ("double", "float", "uniform"),
    "loguniform": ("double", "float", "logUniform"),
    "int": ("int", "int", "uniform"),
    "logint": ("int", "int", "logUniform"),
}
"""Word -> Katib's parameterType, what the function gets, Katib's distribution."""
_KINDS = (*_RANGES, "choice")


class Searched(Struct, frozen=True):
    """space: Katib's feasibleSpace."""

    name: str
    type: str
    kind: Kind
    space: Mapping[str, Any]


class Space(Struct, frozen=True):
    searched: Sequence[Searched]
    fixed: Mapping[str, Any]


def parse(words: Sequence[str]) -> Space:
    """UserMistake."""
    searched: list[Searched] = []
    fixed: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        name, text = name.strip(), text.strip()
        if not equals or not name.isidentifier() or not name.isascii() or not text:
            raise UserMistake(
                f"{word}: a parameter is given as NAME={'|'.join(_KINDS)}(…), or as NAME=VALUE, "
                "where NAME is one of Python's"
            )
        if name in fixed or any(each.name == name for each in searched):
            raise UserMistake(f"parameter {name} is given twice")
        if match := _CALL.fullmatch(text):
            searched.append(_searched(name, match[1], match[2]))
        else:
            fixed[name] = _read([_safe(name, text)])[1][0]
    if not searched:
        raise UserMistake("nothing to search: give a parameter such as -p lr=loguniform(1e-4,1e-1)")
    return Space(searched, fixed)


def _searched(name: str, word: str, text: str) -> Searched:
    given = _arguments(name, text)
    if word == "choice":
        return _choice(name, given)
    if word not in _RANGES:
        raise UserMistake(f"parameter {name}: there is no {word}; there are {', '.join(_KINDS)}")
    type, kind, distribution = _RANGES[word]
    if len(given) not in (2, 3):
        raise UserMistake(f"parameter {name}: {word} takes a minimum, a maximum, and maybe a step")
    numbers = [_number(name, each, kind) for each in given]
    low, high, *step = numbers
    if low >= high:
        raise UserMistake(f"parameter {name}: the minimum {given[0]} is not below {given[1]}")
    if distribution == "logUniform" and low <= 0:
        raise UserMistake(f"parameter {name}: {word} needs a minimum above 0")
    if step and step[0] <= 0:
        raise UserMistake(f"parameter {name}: the step has to be above 0")
    space = dict(zip(("min", "max", "step"), given, strict=False))
    return Searched(name, type, kind, {**space, "distribution": distribution})


def _choice(name: str, given: Sequence[str]) -> Searched:
    if not given:
        raise UserMistake(f"parameter {name}: choice takes what to choose from")
    if len(set(given)) != len(given):
        raise UserMistake(f"parameter {name}: a choice is given twice")
    kind, values = _read([_safe(name, each) for each in given])
    type = "discrete" if kind in ("int", "float") else "categorical"
    listed = [_BOOLEANS[each.lower()] for each in given] if kind == "bool" else list(given)
    assert len(values) == len(listed)
    return Searched(name, type, kind, {"list": listed})


def _arguments(name: str, text: str) -> list[str]:
    """What commas part, without the quotes around it."""
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = ",", True, ""
    try:
        return [each.strip() for each in lexer]
    except ValueError as wrong:
        raise UserMistake(f"parameter {name}: {wrong} in ({text})") from None


def _number(name: str, text: str, kind: Kind) -> float:
    try:
        found = int(text) if kind == "int" else float(text)
    except ValueError:
        what = "whole number" if kind == "int" else "number"
        raise UserMistake(f"parameter {name}: {text} is no {what}") from None
    if not math.isfinite(found):
        raise UserMistake(f"parameter {name}: {text} is not finite")
    return found


def _read(texts: Sequence[str]) -> tuple[Kind, list[Any]]:
    """As the first of these that all of them are."""
    if all(each.lower() in _BOOLEANS for each in texts):
        return "bool", [each.lower() == "true" for each in texts]
    readers: Sequence[tuple[Kind, Any]] = (("int", int), ("float", float))
    for kind, read in readers:
        try:
            return kind, [read(each) for each in texts]
        except ValueError:
            continue
    return "str", list(texts)


def _safe(name: str, text: str) -> str:
    if found := _UNSAFE.search(text):
        raise UserMistake(f"parameter {name}: {text!r} must not contain {found[0]!r}")
    return text
