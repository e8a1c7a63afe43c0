"""Selectors: which objects a list, a watch or a controller means.

Label selectors come as text (`a=b,c in (d,e),!f`) or as a LabelSelector object; both become one
value with `matches`. Field selectors come as text only and are taken apart into terms, because only
the server knows which fields a kind has. Errors are BadRequest with the words of a real server.
Upstream: k8s.io/apimachinery pkg/labels/selector.go, pkg/fields, pkg/apis/meta/v1/helpers.go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct

from sampan.kube import formats
from sampan.kube.errors import BadRequest, Problem, invalid

FieldTerm = tuple[str, Literal["=", "!="], str]


class Requirement(Struct, frozen=True):
    """One term: `op` is in, notin, exists, !, gt or lt. `=` is `in` with one value."""

    key: str
    op: str
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        has = labels.get(self.key)
        match self.op:
            case "in":
                return has is not None and has in self.values
            case "notin":
                return has is None or has not in self.values
            case "exists":
                return has is not None
            case "!":
                return has is None
        return has is not None and _compares(has, self.op, self.values[0])


class LabelSelector(Struct, frozen=True):
    """All requirements together. Without any it matches everything."""

    requirements: tuple[Requirement, ...] = ()

    @property
    def empty(self) -> bool:
        return not self.requirements

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The labels that it demands with one value each."""
        terms = self.requirements
        return tuple((t.key, t.values[0]) for t in terms if t.op == "in" and len(t.values) == 1)

    @property
    def test(self) -> Callable[[Mapping[str, str]], bool]:
        """`matches` for many objects: what is only pairs, as most are, is seen several times as
        quickly."""
        pairs = frozenset(self.pairs)
        if len(self.requirements) > len(self.pairs):
            return self.matches
        return lambda labels: pairs <= labels.items()

    def matches(self, labels: Mapping[str, str] | None) -> bool:
        labels = labels or {}
        return all(requirement.holds(labels) for requirement in self.requirements)


EVERYTHING = LabelSelector()


def parse_labels(text: str) -> LabelSelector:
    """The selector of a `labelSelector` query. BadRequest when it cannot be read."""
    if not text.strip():
        return EVERYTHING
    return LabelSelector(tuple(_Reader(text).requirements()))


def from_selector(selector: Mapping[str, Any]) -> LabelSelector:
    """The selector of a LabelSelector object (matchLabels, matchExpressions), or BadRequest."""
    found = [
        _requirement(key, "in", (value,))
        for key, value in sorted((selector.get("matchLabels") or {}).items())
    ]
    for term in selector.get("matchExpressions") or ():
        operator = term.get("operator")
        if operator not in _OPERATORS:
            raise BadRequest(f'"{operator}" is not a valid label selector operator')
        values = tuple(term.get("values") or ())
        found.append(_requirement(term.get("key", ""), _OPERATORS[operator], values))
    return LabelSelector(tuple(found))


def label_problems(labels: Mapping[str, str], path: str) -> list[Problem]:
    """What is wrong with the keys and values of a map of labels at `path`."""
    found = []
    for key, value in labels.items():
        if fault := formats.label_key(key):
            found.append(invalid(path, key, fault))
        if fault := formats.label_value(value):
            found.append(invalid(path, value, fault))
    return found


def parse_fields(text: str) -> tuple[FieldTerm, ...]:
    r"""The terms of a `fieldSelector` query: `metadata.name=a,status.phase!=Failed`.

    `\,`, `\=` and `\\` stand for the characters themselves. BadRequest when a term has no operator.
    """
    terms: list[FieldTerm] = []
    for term in _split_fields(text):
        match = _FIELD.fullmatch(term)
        if match is None:
            raise BadRequest(f"invalid selector: '{text}'; can't understand '{term}'")
        terms.append((match[1], "!=" if match[2] == "!=" else "=", _unescape(match[3], text)))
    return tuple(terms)


_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}
_FIELD = re.compile(r"((?:[^=!\\]|\\.)*?)(==|=|!=)(.*)", re.DOTALL)
_TOKEN = re.compile(r"\s*(==|!=|[=!<>(),]|[^\s=!<>(),]+)")
_TEXT_OPERATORS = {"=": "in", "==": "in", "!=": "notin", ">": "gt", "<": "lt"}
_SPECIAL = frozenset(("=", "==", "!=", "!", "<", ">", "(", ")", ",", ""))


class _Reader:
    """The text taken apart into tokens; "" is the end."""

    def __init__(self, text: str) -> None:
        self.tokens = _TOKEN.findall(text)
        self.at = 0

    def look(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.look()
        self.at += 1
        return token

    def requirements(self) -> Iterator[Requirement]:
        while self.look():
            if (token := self.look()) in _SPECIAL and token != "!":
                raise BadRequest(f"found '{token}', expected: !, identifier, or 'end of string'")
            try:
                yield self.requirement()
            except _Misread as wrong:
                raise BadRequest(f"unable to parse requirement: {wrong}") from None
            if (token := self.take()) not in ("", ","):
                raise BadRequest(f"found '{token}', expected: ',' or 'end of string'")
            after = self.look()
            if token == "," and after in _SPECIAL and after != "!":
                raise BadRequest(f"found '{after}', expected: identifier after ','")

    def requirement(self) -> Requirement:
        negated = self.look() == "!"
        if negated:
            self.take()
        key = self.take()
        if key in _SPECIAL:
            raise _Misread(f"found '{key}', expected: identifier")
        if negated or self.look() in ("", ","):
            return _checked(key, "!" if negated else "exists", ())
        operator = self.take()
        if operator in ("in", "notin"):
            return _checked(key, operator, tuple(sorted(self.values())))
        if operator not in _TEXT_OPERATORS:
            raise _Misread(f"found '{operator}', expected: in, notin, =, ==, !=, gt, lt")
        return _checked(key, _TEXT_OPERATORS[operator], (self.exact(),))

    def exact(self) -> str:
        if self.look() in ("", ","):
            return ""
        value = self.take()
        if value in _SPECIAL:
            raise _Misread(f"found '{value}', expected: identifier")
        return value

    def values(self) -> set[str]:
        if (token := self.take()) != "(":
            raise _Misread(f"found '{token}' expected: '('")
        found: set[str] = set()
        if self.look() == ")":
            self.take()
            return found
        while True:
            token = self.look()
            if token in _SPECIAL and token not in (",", ")"):
                raise _Misread(f"found '{token}', expected: ',', ')' or identifier")
            found.add("" if token in (",", ")") else self.take())
            if (token := self.take()) == ")":
                return found
            if token != ",":
                raise _Misread(f"found '{token}', expected: ',' or ')'")


class _Misread(Exception):
    """The reason why a requirement cannot be read; only inside this module."""


def _checked(key: str, op: str, values: tuple[str, ...]) -> Requirement:
    try:
        return _requirement(key, op, values)
    except BadRequest as wrong:
        raise _Misread(wrong.message) from None


def _requirement(key: str, op: str, values: tuple[str, ...]) -> Requirement:
    """A requirement whose key and values have the right shape; else BadRequest."""
    if fault := formats.label_key(key):
        raise BadRequest(str(invalid("key", key, fault)))
    if op in ("in", "notin") and not values:
        fault = "for 'in', 'notin' operators, values set can't be empty"
        raise BadRequest(f"values: Invalid value: []: {fault}")
    if op in ("exists", "!") and values:
        raise BadRequest(
            "values: Invalid value: values set must be empty for exists and does not exist"
        )
    for index, value in enumerate(values):
        if fault := formats.label_value(value):
            raise BadRequest(str(invalid(f"values[{index}][{key}]", value, fault)))
        if op in ("gt", "lt") and not _INTEGER(value):
            fault = "for 'Gt', 'Lt' operators, the value must be an integer"
            raise BadRequest(str(invalid(f"values[{index}]", value, fault)))
    return Requirement(key, op, values)


_INTEGER = re.compile(r"[+-]?[0-9]{1,19}").fullmatch


def _compares(has: str, op: str, wanted: str) -> bool:
    if not _INTEGER(has):
        return False
    return int(has) > int(wanted) if op == "gt" else int(has) < int(wanted)


def _split_fields(text: str) -> list[str]:
    parts = re.findall(r"(?:[^,\\]|\\.|\\$)+", text, re.DOTALL)
    return [part for part in parts if part.strip()]


def _unescape(value: str, text: str) -> str:
    if re.search(r"\\(?![\\,=])|(?<!\\)(?:\\\\)*=", value):
        raise BadRequest(f"invalid field selector: invalid value in '{text}': '{value}'")
    return re.sub(r"\\(.)", r"\1", value)
