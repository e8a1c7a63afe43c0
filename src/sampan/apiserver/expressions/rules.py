"""x-kubernetes-validations: the rules of a CRD's schema, compiled once and run on each object.

A `Place` is a part of the schema with rules in it or below. Rules with `oldSelf` compare with the
value that was there before, found by the names of fields and the keys of list maps; they are run on
updates only. A value that an update leaves alone is not judged again by the other rules, so that an
object made before the rule came can still be changed elsewhere (ratcheting).
Upstream: k8s.io/apiextensions-apiserver pkg/apiserver/schema/cel/validation.go.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple, NoReturn

from msgspec import Struct

from sampan.apiserver.expressions.library import functions
from sampan.apiserver.expressions.typing import Convert, Schema, converter, type_of
from sampan.kube.errors import Problem, duplicate, forbidden, invalid, required
from sampan.kube.keys import Manifest
from sampan.lib.cel.environment import Budget, Environment, Program
from sampan.lib.cel.faults import CompileError, EvaluationError, OverBudget
from sampan.lib.cel.types import DYN, Type, optional
from sampan.lib.cel.values import NONE, Optional

PER_OBJECT = 4_000_000
"""Steps of all rules together on one object; about a second."""
VALIDATIONS = "x-kubernetes-validations"

_LONGEST_MESSAGE = 5 << 10
_ABSENT: Any = object()
_STEP = re.compile(r"\.([^.\[\]]+)|\['((?:[^'\\]|\\.)*)'\]")


class Rule(Struct, frozen=True):
    """`changes` tells a transition rule, one that looks at oldSelf."""

    source: Mapping[str, Any]
    program: Program
    message: Program | None
    changes: bool
    optional_old: bool

    @property
    def shown(self) -> str:
        return str(self.source["rule"]).strip()


class Place(NamedTuple):
    kind: str
    rules: tuple[Rule, ...]
    convert: Convert | None
    properties: Mapping[str, Place]
    values: Place | None
    items: Place | None
    keys: tuple[str, ...]

    def problems(self, manifest: Manifest, old: Manifest | None) -> list[Problem]:
        """What the rules say against an object; `old` is the one that it replaces."""
        found: list[Problem] = []
        before = _ABSENT if old is None else old
        with contextlib.suppress(_Spent):
            _judge(self, manifest, before, "", Budget(PER_OBJECT), found)
        return found


class _Spent(Exception):
    """No rule is run any more."""


def compiled(schema: Schema) -> Place | None:
    """The rules of a schema; None when it has none. A rule that does not compile, because the CRD
    was stored by a server that knew more, refuses every object and says why."""
    return _place(schema, resource=True)


def _place(schema: Schema, *, resource: bool = False) -> Place | None:
    properties = {
        name: place
        for name, inner in (schema.get("properties") or {}).items()
        if (place := _place(inner)) is not None
    }
    values, items = schema.get("additionalProperties"), schema.get("items")
    below = _place(values) if isinstance(values, dict) else None
    each = _place(items) if isinstance(items, dict) else None
    rules = tuple(_rules(schema, resource=resource))
    if not (rules or properties or below or each):
        return None
    is_map = schema.get("x-kubernetes-list-type") == "map"
    keys = tuple(schema.get("x-kubernetes-list-map-keys") or ()) if is_map else ()
    kind = schema.get("type") or ("object" if resource else "")
    return Place(kind, rules, converter(schema) if rules else None, properties, below, each, keys)


def _rules(schema: Schema, *, resource: bool) -> Iterator[Rule]:
    given = schema.get(VALIDATIONS) or ()
    type_ = type_of(schema, resource=resource or _embedded(schema)) if given else None
    for source in given:
        try:
            yield compile_rule(source, type_ or DYN)
        except CompileError as error:
            program = Program(source["rule"], DYN, frozenset(), partial(_refuse, str(error)))
            yield Rule(source, program, None, False, False)


def _refuse(text: str, frame: object) -> NoReturn:
    raise EvaluationError(text)


def _embedded(schema: Schema) -> bool:
    return bool(schema.get("x-kubernetes-embedded-resource"))


def compile_rule(source: Mapping[str, Any], self_type: Type) -> Rule:
    """Raises CompileError, of the rule or of its messageExpression."""
    optional_old = bool(source.get("optionalOldSelf"))
    variables = {"self": self_type, "oldSelf": optional(self_type) if optional_old else self_type}
    environment = Environment(variables, functions())
    program = environment.compile(source["rule"])
    if program.type.name not in ("bool", "dyn"):
        raise CompileError(source["rule"], 0, "cel expression must evaluate to a bool")
    message = None
    if source.get("messageExpression"):
        message = environment.compile(source["messageExpression"])
    return Rule(source, program, message, "oldSelf" in program.names, optional_old)


# -- running ----------------------------------------------------------------------------------


def _judge(
    place: Place, value: Any, old: Any, path: str, budget: Budget, found: list[Problem]
) -> None:
    unchanged = old is not _ABSENT and old == value
    for rule in place.rules:
        if (old is not _ABSENT or rule.optional_old) if rule.changes else not unchanged:
            _run(rule, place, value, old, path, budget, found)
    for below, inner, before, at in _below(place, value, old, path):
        if inner is not None:
            _judge(below, inner, before, at, budget, found)


def _below(place: Place, value: Any, old: Any, path: str) -> Iterator[tuple[Place, Any, Any, str]]:
    """The parts of a value that have rules: (place, value, what was there before, path)."""
    if value.__class__ is dict:
        former = old if old.__class__ is dict else {}
        for name, below in place.properties.items():
            at = f"{path}.{name}" if path else name
            yield below, value.get(name), _was(former, name), at
        if place.values is not None:
            for name in value.keys() - place.properties.keys():
                yield place.values, value[name], _was(former, name), f"{path}[{name}]"
    elif value.__class__ is list and place.items is not None:
        known = _by_key(old, place.keys)
        for index, item in enumerate(value):
            before = known.get(_key(item, place.keys), _ABSENT) if known else _ABSENT
            yield place.items, item, before, f"{path}[{index}]"


def _was(old: Mapping[str, Any], name: str) -> Any:
    found = old.get(name)
    return _ABSENT if found is None else found


def _by_key(items: Any, keys: tuple[str, ...]) -> dict[Any, Any]:
    if not keys or items.__class__ is not list:
        return {}
    return {_key(item, keys): item for item in items}


def _key(item: Any, keys: tuple[str, ...]) -> Any:
    return tuple(str(item.get(key)) for key in keys) if item.__class__ is dict else None


def _run(
    rule: Rule,
    place: Place,
    value: Any,
    old: Any,
    path: str,
    budget: Budget,
    found: list[Problem],
) -> None:
    convert = place.convert or (lambda given: given)
    variables = {"self": convert(value)}
    if rule.optional_old:
        variables["oldSelf"] = NONE if old is _ABSENT else Optional(convert(old))
    elif old is not _ABSENT:
        variables["oldSelf"] = convert(old)
    at = path or "<nil>"
    try:
        if rule.program.run(variables, budget) is not True:
            found.append(_failed(rule, place, variables, path, budget))
    except OverBudget:
        text = f"call cost exceeds limit for rule: {rule.shown}"
        if budget.left <= 0:
            text = "validation failed due to running out of cost budget, no further validation"
            text += " rules will be run"
        found.append(invalid(at, place.kind, text))
        raise _Spent from None
    except EvaluationError as error:
        text = f"{error} evaluating rule: {rule.shown}"
        if str(error).startswith("no such overload"):
            text = (
                f"'{error}': call arguments did not match a supported operator, function or macro"
                f" signature for rule: {rule.shown}"
            )
        found.append(invalid(at, place.kind, text))


def _failed(
    rule: Rule, place: Place, variables: Mapping[str, Any], path: str, budget: Budget
) -> Problem:
    text = str(rule.source.get("message") or "").strip() or f"failed rule: {rule.shown}"
    if rule.message is not None:
        try:
            said = rule.message.run(variables, budget)
        except EvaluationError:
            said = ""
        if isinstance(said, str) and said.strip() and "\n" not in said.strip():
            text = said.strip() if len(said) <= _LONGEST_MESSAGE else text
    for step in field_steps(rule.source.get("fieldPath") or ""):
        path = f"{path}.{step}" if path else step
    at = path or "<nil>"
    match rule.source.get("reason"):
        case "FieldValueRequired":
            return required(at, text)
        case "FieldValueForbidden":
            return forbidden(at, text)
        case "FieldValueDuplicate":
            return duplicate(at, place.kind)
    return invalid(at, place.kind, text)


def field_steps(path: str) -> list[str]:
    """The names in a fieldPath: `.a['b-c']`. [] when it cannot be read."""
    steps, at = [], 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            return []
        steps.append(match[1] if match[1] is not None else re.sub(r"\\(.)", r"\1", match[2]))
        at = match.end()
    return steps
