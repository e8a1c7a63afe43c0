"""Validate a custom resource against the OpenAPI schema of its CRD, in the words of a real server.

A schema becomes a tree of `Validator`s, compiled once. A validation appends Problems; paths are
kept as linked pairs and written out only for problems. Covered: type (with int-or-string and
nullable), required, enum, bounds, lengths, patterns, formats, multipleOf, list sets and maps,
properties, additionalProperties, items, allOf, anyOf, oneOf, not. CEL rules are not run here.
Upstream: k8s.io/kube-openapi pkg/validation, apiextensions-apiserver pkg/apiserver/validation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sized
from typing import Any

import orjson

from sampan.apiserver.schemas import formats
from sampan.kube.errors import Problem, duplicate, invalid, required, too_long, unsupported
from sampan.lib.regex.patterns import PatternError, compiled

Path = tuple[Any, str | int] | None
"""(parent, key or index); None is the root."""
Rule = Callable[[Any, Path], Problem | None]

_TYPES: dict[type, str] = {
    dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number",
    type(None): "null",
}  # fmt: skip


def written(path: Path) -> str:
    """`spec.items[0].name`; `<nil>` for the root, as upstream."""
    parts: list[str] = []
    while path is not None:
        path, key = path
        parts.append(f"[{key}]" if key.__class__ is int else f".{key}")
    return "".join(reversed(parts)).lstrip(".") or "<nil>"


class Validator:
    """One schema."""

    __slots__ = (
        "combined", "items", "nullable", "other", "properties", "required", "rules", "types",
    )  # fmt: skip

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.types = _types(schema)
        self.nullable = bool(schema.get("nullable"))
        self.required: tuple[str, ...] = tuple(schema.get("required") or ())
        properties = schema.get("properties") or {}
        self.properties = {name: Validator(inner) for name, inner in properties.items()}
        other = schema.get("additionalProperties")
        self.other = Validator(other) if isinstance(other, dict) else None
        items = schema.get("items")
        self.items = Validator(items) if isinstance(items, dict) else None
        self.rules = _rules(schema)
        self.combined = _combined(schema)

    def problems(self, value: Any, path: Path, found: list[Problem]) -> None:
        """Append what is wrong with a value at a path."""
        if value is None and self.nullable:
            return
        if self.types and not self._typed(value):
            found.append(_mistyped(value, path, ",".join(self.types)))
            return
        for rule in self.rules:
            problem = rule(value, path)
            if problem is not None:
                found.append(problem)
        if value.__class__ is dict:
            self._object(value, path, found)
        elif value.__class__ is list and self.items is not None:
            for index, item in enumerate(value):
                self.items.problems(item, (path, index), found)
        for check in self.combined:
            check(value, path, found)

    def accepts(self, value: Any) -> bool:
        found: list[Problem] = []
        self.problems(value, None, found)
        return not found

    def _typed(self, value: Any) -> bool:
        kind = _TYPES.get(value.__class__)
        if kind in self.types:
            return True
        if kind == "integer":
            return "number" in self.types
        return kind == "number" and "integer" in self.types and value.is_integer()

    def _object(self, value: dict[str, Any], path: Path, found: list[Problem]) -> None:
        missing = [name for name in self.required if name not in value]
        found.extend(required(written((path, name))) for name in missing)
        properties, other = self.properties, self.other
        for key, inner in value.items():
            validator = properties.get(key, other)
            if validator is not None:
                validator.problems(inner, (path, key), found)


def _types(schema: Mapping[str, Any]) -> tuple[str, ...]:
    if schema.get("x-kubernetes-int-or-string"):
        return ("integer", "string")
    return (schema["type"],) if schema.get("type") else ()


def _mistyped(value: Any, path: Path, wanted: str) -> Problem:
    kind, place = _TYPES.get(value.__class__, "object"), written(path)
    text = f'Invalid value: "{kind}": {place} in body must be of type {wanted}: "{kind}"'
    return Problem(place, "FieldValueTypeInvalid", text)


def _said(path: Path, value: Any, text: str) -> Problem:
    place = written(path)
    return invalid(place, _shown(value), f"{place} in body {text}")


def _shown(value: Any) -> Any:
    """Lists and objects as JSON; the rest as it is."""
    if isinstance(value, dict | list):
        return _Raw(orjson.dumps(value).decode())
    return value


class _Raw:
    """Text that is shown without quotes."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


def _rules(schema: Mapping[str, Any]) -> tuple[Rule, ...]:
    rules: list[Rule] = []
    for name, make in _MAKERS.items():
        if schema.get(name) is not None:
            rule = make(schema[name], schema)
            if rule is not None:
                rules.append(rule)
    return tuple(rules)


def _enum(choices: Any, schema: Mapping[str, Any]) -> Rule:
    encoded = {orjson.dumps(choice, option=orjson.OPT_SORT_KEYS) for choice in choices}
    shown = [c if isinstance(c, str) else orjson.dumps(c).decode() for c in choices]

    def rule(value: Any, path: Path) -> Problem | None:
        if orjson.dumps(value, option=orjson.OPT_SORT_KEYS) in encoded:
            return None
        return unsupported(written(path), _shown(value), shown)

    return rule


def _bound(limit: Any, strict: bool, upper: bool) -> Rule:
    side = "less" if upper else "greater"
    text = (
        f"should be {side} than {limit}" if strict else f"should be {side} than or equal to {limit}"
    )

    def rule(value: Any, path: Path) -> Problem | None:
        if value.__class__ is not int and value.__class__ is not float:
            return None
        over = value - limit if upper else limit - value
        return _said(path, value, text) if over > 0 or (strict and over == 0) else None

    return rule


def _multiple(step: Any, schema: Mapping[str, Any]) -> Rule:
    def rule(value: Any, path: Path) -> Problem | None:
        if value.__class__ not in (int, float) or not step or value % step == 0:
            return None
        return _said(path, value, f"should be a multiple of {step}")

    return rule


_UNITS: dict[type[Sized], str] = {str: "chars long", list: "items", dict: "properties"}


def _shorter(limit: int, kind: type[Sized]) -> Rule:
    def rule(value: Any, path: Path) -> Problem | None:
        if not isinstance(value, kind) or len(value) <= limit:
            return None
        if kind is str:
            return too_long(written(path), limit)
        text = f"Too many: {len(value)}: must have at most {limit} items"
        return Problem(written(path), "FieldValueTooMany", text)

    return rule


def _longer(limit: int, kind: type[Sized]) -> Rule:
    verb = "be" if kind is str else "have"

    def rule(value: Any, path: Path) -> Problem | None:
        if not isinstance(value, kind) or len(value) >= limit:
            return None
        return _said(path, value, f"should {verb} at least {limit} {_UNITS[kind]}")

    return rule


def _pattern(text: str, schema: Mapping[str, Any]) -> Rule | None:
    try:
        pattern = compiled(text)
    except PatternError:
        return None  # refused when the CRD is made; upstream ignores it here as well

    def rule(value: Any, path: Path) -> Problem | None:
        if value.__class__ is not str:
            return None
        matched = pattern.search(value)
        if matched is None:
            return _said(path, value, f"is too long to be matched against '{text}'")
        return None if matched else _said(path, value, f"should match '{text}'")

    return rule


def _format(name: str, schema: Mapping[str, Any]) -> Rule | None:
    test = formats.TESTS.get(name)
    if test is None:
        return None

    def rule(value: Any, path: Path) -> Problem | None:
        if test(value):
            return None
        place = written(path)
        shown = f'"{value}"' if isinstance(value, str) else str(value)
        text = f"Invalid value: {shown}: {place} in body must be of type {name}: {shown}"
        return Problem(place, "FieldValueTypeInvalid", text)

    return rule


def _list_type(kind: str, schema: Mapping[str, Any]) -> Rule | None:
    keys = tuple(schema.get("x-kubernetes-list-map-keys") or ())
    if kind not in ("set", "map"):
        return None
    defaults = {
        key: inner["default"]
        for key, inner in ((schema.get("items") or {}).get("properties") or {}).items()
        if key in keys and "default" in inner
    }

    def rule(value: Any, path: Path) -> Problem | None:
        if value.__class__ is not list:
            return None
        seen: set[bytes] = set()
        for index, item in enumerate(value):
            if kind == "map":
                if item.__class__ is not dict:
                    continue
                item = {key: item.get(key, defaults.get(key)) for key in keys}
            code = orjson.dumps(item, option=orjson.OPT_SORT_KEYS)
            if code in seen:
                return duplicate(written((path, index)), _shown(item))
            seen.add(code)
        return None

    return rule


_MAKERS: dict[str, Callable[[Any, Mapping[str, Any]], Rule | None]] = {
    "enum": _enum,
    "minimum": lambda limit, s: _bound(limit, bool(s.get("exclusiveMinimum")), upper=False),
    "maximum": lambda limit, s: _bound(limit, bool(s.get("exclusiveMaximum")), upper=True),
    "multipleOf": _multiple,
    "minLength": lambda limit, s: _longer(limit, str),
    "maxLength": lambda limit, s: _shorter(limit, str),
    "minItems": lambda limit, s: _longer(limit, list),
    "maxItems": lambda limit, s: _shorter(limit, list),
    "minProperties": lambda limit, s: _longer(limit, dict),
    "maxProperties": lambda limit, s: _shorter(limit, dict),
    "pattern": _pattern,
    "format": _format,
    "x-kubernetes-list-type": _list_type,
}

Check = Callable[[Any, Path, list[Problem]], None]


def _combined(schema: Mapping[str, Any]) -> tuple[Check, ...]:
    made: list[Check] = []
    for name, make in (("allOf", _all_of), ("anyOf", _any_of), ("oneOf", _one_of)):
        if schema.get(name) and not (name != "oneOf" and schema.get("x-kubernetes-int-or-string")):
            made.append(make([Validator(inner) for inner in schema[name]]))
    if schema.get("not"):
        made.append(_not(Validator(schema["not"])))
    return tuple(made)


def _composite(path: Path, text: str) -> Problem:
    place = written(path)
    return invalid(place, "", f'"{place}" must {text}')


def _all_of(inner: list[Validator]) -> Check:
    def check(value: Any, path: Path, found: list[Problem]) -> None:
        before = len(found)
        for validator in inner:
            validator.problems(value, path, found)
        if len(found) > before:
            found.insert(before, _composite(path, "validate all the schemas (allOf)"))

    return check


def _any_of(inner: list[Validator]) -> Check:
    def check(value: Any, path: Path, found: list[Problem]) -> None:
        if any(validator.accepts(value) for validator in inner):
            return
        found.append(_composite(path, "validate at least one schema (anyOf)"))
        inner[0].problems(value, path, found)

    return check


def _one_of(inner: list[Validator]) -> Check:
    def check(value: Any, path: Path, found: list[Problem]) -> None:
        fit = sum(validator.accepts(value) for validator in inner)
        if fit == 1:
            return
        text = "validate one and only one schema (oneOf). Found "
        found.append(
            _composite(path, text + (f"{fit} valid alternatives" if fit else "none valid"))
        )

    return check


def _not(inner: Validator) -> Check:
    def check(value: Any, path: Path, found: list[Problem]) -> None:
        if inner.accepts(value):
            found.append(_composite(path, "not validate the schema (not)"))

    return check
