"""What is wrong with the rules of a CustomResourceDefinition: each must compile.

Upstream: k8s.io/apiextensions-apiserver pkg/apis/apiextensions/validation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sampan.apiserver.expressions.rules import VALIDATIONS, compile_rule, field_steps
from sampan.apiserver.expressions.typing import Schema, type_of
from sampan.kube.errors import Problem, forbidden, invalid, required, unsupported
from sampan.lib.cel.faults import CompileError
from sampan.lib.cel.types import Type

_REASONS = (
    "FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired", "FieldValueDuplicate",
)  # fmt: skip
_TOO_DEAR = 100 * 10_000_000  # steps of one rule on one object; a hundred times what upstream bears
_DEAR = (
    "estimated rule cost exceeds budget by factor of more than 100x (try simplifying the rule, or"
    " adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)"
)
_LOGIC = ("allOf", "anyOf", "oneOf")


def rule_problems(crd: Mapping[str, Any], old: Mapping[str, Any] | None) -> list[Problem]:
    """Problems with the rules of all versions whose schema `old` does not have already."""
    known = [_schema(version) for version in _versions(old or {})]
    found: list[Problem] = []
    for index, version in enumerate(_versions(crd)):
        schema = _schema(version)
        if schema not in known:
            path = f"spec.versions[{index}].schema.openAPIV3Schema"
            found.extend(_problems(schema, path, "", resource=True))
    return found


def _versions(crd: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return (crd.get("spec") or {}).get("versions") or []


def _schema(version: Mapping[str, Any]) -> Schema:
    return (version.get("schema") or {}).get("openAPIV3Schema") or {}


def _problems(
    schema: Schema, path: str, unrelated: str, *, resource: bool = False
) -> Iterator[Problem]:
    """`unrelated` is the part of the schema within which old and new values cannot be matched."""
    rules = schema.get(VALIDATIONS) or ()
    if rules:
        place = f"{path}.{VALIDATIONS}"
        yield from _rules(schema, place, unrelated, resource=resource)
    for name, inner in (schema.get("properties") or {}).items():
        yield from _problems(inner, f"{path}.properties[{name}]", unrelated)
    other = schema.get("additionalProperties")
    if isinstance(other, dict):
        yield from _problems(other, f"{path}.additionalProperties", unrelated)
    items = schema.get("items")
    if isinstance(items, dict):
        is_map = schema.get("x-kubernetes-list-type") == "map"
        within = unrelated or ("" if is_map else path)
        yield from _problems(items, f"{path}.items", within)
    for name in _LOGIC:
        for index, inner in enumerate(schema.get(name) or ()):
            yield from _misplaced(inner, f"{path}.{name}[{index}]")
    if isinstance(schema.get("not"), dict):
        yield from _misplaced(schema["not"], f"{path}.not")


def _misplaced(schema: Schema, path: str) -> Iterator[Problem]:
    if schema.get(VALIDATIONS):
        yield forbidden(f"{path}.{VALIDATIONS}", "must be empty to be structural")
    for name, inner in (schema.get("properties") or {}).items():
        yield from _misplaced(inner, f"{path}.properties[{name}]")
    if isinstance(schema.get("items"), dict):
        yield from _misplaced(schema["items"], f"{path}.items")


def _rules(schema: Schema, path: str, unrelated: str, *, resource: bool) -> Iterator[Problem]:
    embedded = bool(schema.get("x-kubernetes-embedded-resource"))
    type_ = type_of(schema, resource=resource or embedded)
    for index, rule in enumerate(schema[VALIDATIONS]):
        at, text = f"{path}[{index}]", rule.get("rule") or ""
        if not text.strip():
            yield required(f"{at}.rule", "rule is not specified")
            continue
        yield from _words(rule, at, schema)
        if type_ is None:
            text = "a rule needs a schema with a type that an expression can see"
            yield invalid(f"{at}.rule", rule["rule"], f"compilation failed: {text}")
        else:
            yield from _compiled(rule, type_, at, unrelated)


def _compiled(rule: Mapping[str, Any], type_: Type, at: str, unrelated: str) -> Iterator[Problem]:
    try:
        made = compile_rule({**rule, "messageExpression": ""}, type_)
    except CompileError as error:
        if "must evaluate to a bool" in error.text:
            yield invalid(f"{at}.rule", rule["rule"], error.text)
        else:
            yield invalid(f"{at}.rule", rule["rule"], f"compilation failed: {error}")
        return
    if made.program.worst > _TOO_DEAR:
        yield forbidden(f"{at}.rule", _DEAR)
    if made.changes and unrelated:
        text = (
            f"oldSelf cannot be used on the uncorrelatable portion of the schema within {unrelated}"
        )
        yield invalid(f"{at}.rule", rule["rule"], text)
    if rule.get("optionalOldSelf") and not made.changes:
        text = "may not be set if oldSelf is not used in rule"
        yield invalid(f"{at}.optionalOldSelf", True, text)
    message = rule.get("messageExpression")
    if not message:
        return
    try:
        found = compile_rule(rule, type_).message
    except CompileError as error:
        text = f"messageExpression compilation failed: {error}"
        yield invalid(f"{at}.messageExpression", message, text)
        return
    if found is not None and found.type.name not in ("string", "dyn"):
        text = "messageExpression must evaluate to a string"
        yield invalid(f"{at}.messageExpression", message, text)


def _words(rule: Mapping[str, Any], at: str, schema: Schema) -> Iterator[Problem]:
    """What is wrong with a rule besides its expressions."""
    message = rule.get("message")
    if message is not None and not message.strip():
        yield invalid(f"{at}.message", message, "message must be non-empty if specified")
    elif message and "\n" in message.strip():
        yield invalid(f"{at}.message", message, "message must not contain line breaks")
    elif "\n" in rule["rule"].strip() and not message:
        yield required(f"{at}.message", "message must be specified if rule contains line breaks")
    if "messageExpression" in rule and not (rule["messageExpression"] or "").strip():
        text = "must be non-empty if specified"
        yield required(f"{at}.messageExpression", text)
    reason = rule.get("reason")
    if reason and reason not in _REASONS:
        yield unsupported(f"{at}.reason", reason, _REASONS)
    path = rule.get("fieldPath")
    if path and not _exists(schema, path):
        text = f"fieldPath must be a valid path: does not refer to a valid field: {path}"
        yield invalid(f"{at}.fieldPath", path, text)


def _exists(schema: Schema, path: str) -> bool:
    steps = field_steps(path)
    for step in steps:
        properties, other = schema.get("properties") or {}, schema.get("additionalProperties")
        if step in properties:
            schema = properties[step]
        elif isinstance(other, dict):
            schema = other
        else:
            return False
    return bool(steps)
