"""x-kubernetes-validations: what rules say against objects, and which rules are refused."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sampan.apiserver.expressions.definitions import rule_problems
from sampan.apiserver.expressions.rules import compiled

VALIDATIONS = "x-kubernetes-validations"


def schema(spec: dict[str, Any], *rules: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"spec": spec}} | (
        {VALIDATIONS: list(rules)} if rules else {}
    )


def ruled(kind: str, *rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": kind, VALIDATIONS: list(rules), **more}


def said(found: dict[str, Any], new: Any, old: Any = ...) -> list[str]:
    """What is said against an object whose spec is `new`, that had `old`."""
    place = compiled(found)
    assert place is not None
    meta = {"apiVersion": "a/v1", "kind": "K", "metadata": {"name": "n", "labels": {"l": "v"}}}
    before = None if old is ... else {**meta, "spec": old}
    return [str(problem) for problem in place.problems({**meta, "spec": new}, before)]


INTEGER = {"type": "integer"}
PAIR = {"properties": {"min": INTEGER, "max": INTEGER}}
BELOW = {"rule": "self.min <= self.max"}


@pytest.mark.parametrize(
    ("found", "value", "problem"),
    [
        pytest.param(ruled("object", BELOW, **PAIR), {"min": 1, "max": 2}, None, id="holds"),
        pytest.param(
            ruled("object", BELOW, **PAIR),
            {"min": 2, "max": 1},
            'spec: Invalid value: "object": failed rule: self.min <= self.max',
            id="no-message",
        ),
        pytest.param(
            ruled("object", BELOW | {"message": "too small "}, **PAIR),
            {"min": 2, "max": 1},
            'spec: Invalid value: "object": too small',
            id="message",
        ),
        pytest.param(
            ruled("object", BELOW | {"messageExpression": "'min is ' + string(self.min)"}, **PAIR),
            {"min": 2, "max": 1},
            'spec: Invalid value: "object": min is 2',
            id="message-expression",
        ),
        pytest.param(
            ruled("object", BELOW | {"messageExpression": "string(1 / 0)", "message": "m"}, **PAIR),
            {"min": 2, "max": 1},
            'spec: Invalid value: "object": m',
            id="message-expression-fails",
        ),
        pytest.param(
            ruled("object", BELOW | {"reason": "FieldValueRequired", "fieldPath": ".max"}, **PAIR),
            {"min": 2, "max": 1},
            "spec.max: Required value: failed rule: self.min <= self.max",
            id="reason-and-path",
        ),
        pytest.param(
            ruled("object", BELOW, **PAIR),
            {"min": 2},
            'spec: Invalid value: "object": no such key: max evaluating rule: self.min <= self.max',
            id="absent-field",
        ),
        pytest.param(
            {"type": "array", "items": ruled("integer", {"rule": "self > 1"})},
            [2, 1],
            'spec[1]: Invalid value: "integer": failed rule: self > 1',
            id="items",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": ruled("string", {"rule": "self != 'x'"})},
            {"a": "y", "b": "x"},
            "spec[b]: Invalid value: \"string\": failed rule: self != 'x'",
            id="values",
        ),
        pytest.param(
            ruled("object", {"rule": "self.n / 2.0 == 0.5"}, properties={"n": {"type": "number"}}),
            {"n": 1},
            None,
            id="numbers-are-doubles",
        ),
        pytest.param(
            ruled(
                "object",
                {"rule": "self.t > timestamp('2020-01-01T00:00:00Z')"},
                properties={"t": {"type": "string", "format": "date-time"}},
            ),
            {"t": "2021-01-01T00:00:00Z"},
            None,
            id="times",
        ),
        pytest.param(
            ruled(
                "object",
                {"rule": "self.p == '50%' || self.p < 3"},
                properties={"p": {"x-kubernetes-int-or-string": True}},
            ),
            {"p": 2},
            None,
            id="int-or-string",
        ),
        pytest.param(
            ruled(
                "object",
                {"rule": "self.a__dash__b == self.__for__ + self.u__underscores__v"},
                properties={"a-b": INTEGER, "for": INTEGER, "u__v": INTEGER},
            ),
            {"a-b": 3, "for": 1, "u__v": 2},
            None,
            id="escaped-names",
        ),
        pytest.param(
            ruled(
                "object",
                {"rule": "self.metadata.name == 'x' && self.kind == 'K'"},
                **{"x-kubernetes-embedded-resource": True},
            ),
            {"kind": "K", "metadata": {"name": "x"}},
            None,
            id="embedded",
        ),
    ],
)
def test_rules(found: dict[str, Any], value: Any, problem: str | None) -> None:
    assert said(schema(found), value) == ([problem] if problem else [])


def test_the_root_knows_its_name() -> None:
    rule = {"rule": "self.metadata.name.startsWith('x') && has(self.spec)"}
    assert said(schema({"type": "object"}, rule), {}) == [
        f'<nil>: Invalid value: "object": failed rule: {rule["rule"]}'
    ]


def test_transition_rules_compare_with_what_was_there() -> None:
    found = schema(ruled("integer", {"rule": "self >= oldSelf", "message": "may only grow"}))
    assert said(found, 1) == []
    assert said(found, 2, 1) == []
    assert said(found, 1, 2) == ['spec: Invalid value: "integer": may only grow']


def test_old_values_may_be_asked_for() -> None:
    rule = {"rule": "oldSelf.hasValue() || self == 1", "optionalOldSelf": True}
    found = schema(ruled("integer", rule))
    assert said(found, 1) == []
    assert len(said(found, 2)) == 1
    assert said(found, 2, 1) == []


def test_items_of_list_maps_are_matched_by_their_keys() -> None:
    items = ruled(
        "object",
        {"rule": "self.v == oldSelf.v"},
        properties={"k": {"type": "string"}, "v": INTEGER},
    )
    found = schema(
        {
            "type": "array",
            "items": items,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["k"],
        }
    )
    old = [{"k": "a", "v": 1}, {"k": "b", "v": 2}]
    assert said(found, [{"k": "b", "v": 2}, {"k": "c", "v": 9}, {"k": "a", "v": 1}], old) == []
    assert said(found, [{"k": "b", "v": 3}], old)[0].startswith("spec[0]: Invalid value")


def test_what_an_update_leaves_alone_is_not_judged_again() -> None:
    found = schema(
        {
            "type": "object",
            "properties": {"a": ruled("integer", {"rule": "self < 5"}), "b": INTEGER},
        }
    )
    assert said(found, {"a": 9, "b": 2}, {"a": 9, "b": 1}) == []
    assert len(said(found, {"a": 8, "b": 1}, {"a": 9, "b": 1})) == 1


def test_a_dear_rule_ends() -> None:
    rule = {"rule": "self.all(a, self.all(b, self.all(c, a + b + c >= 0)))"}
    found = schema({"type": "array", "items": INTEGER, VALIDATIONS: [rule]})
    began = time.monotonic()
    problem = said(found, list(range(2000)))
    assert "cost" in problem[0]
    assert time.monotonic() - began < 10


def definition(found: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": found}}]}}


@pytest.mark.parametrize(
    ("rule", "field", "text"),
    [
        ({"rule": "self.nope"}, "rule", "undefined field 'nope'"),
        ({"rule": "self.min <"}, "rule", "Syntax error"),
        ({"rule": "self.min"}, "rule", "must evaluate to a bool"),
        ({"rule": ""}, "rule", "rule is not specified"),
        ({"rule": "true", "message": "a\nb"}, "message", "line breaks"),
        (
            {"rule": "true", "messageExpression": "1"},
            "messageExpression",
            "must evaluate to a string",
        ),
        (
            {"rule": "true", "messageExpression": "nope"},
            "messageExpression",
            "undeclared reference",
        ),
        ({"rule": "true", "reason": "Nope"}, "reason", "Unsupported value"),
        ({"rule": "true", "fieldPath": ".nope"}, "fieldPath", "valid path"),
        ({"rule": "true", "optionalOldSelf": True}, "optionalOldSelf", "oldSelf is not used"),
    ],
)
def test_rules_that_are_refused(rule: dict[str, Any], field: str, text: str) -> None:
    problems = rule_problems(definition(schema(ruled("object", rule, **PAIR))), None)
    place = "spec.versions[0].schema.openAPIV3Schema.properties[spec]"
    assert [problem.field for problem in problems] == [f"{place}.{VALIDATIONS}[0].{field}"]
    assert text in problems[0].message


def test_old_values_of_plain_lists_are_not_to_be_found() -> None:
    found = schema({"type": "array", "items": ruled("integer", {"rule": "self == oldSelf"})})
    problems = rule_problems(definition(found), None)
    assert "uncorrelatable portion of the schema" in problems[0].message
    assert rule_problems(definition(found), definition(found)) == []


def test_rules_have_no_place_in_logic() -> None:
    found = schema({"type": "object", "anyOf": [ruled("", {"rule": "true"})]})
    assert rule_problems(definition(found), None)[0].field.endswith(f"anyOf[0].{VALIDATIONS}")


ALL = "self.all(a, self.all(b, a == b))"


@pytest.mark.parametrize(
    ("found", "refused"),
    [
        pytest.param({"items": INTEGER}, True, id="nested-loops"),
        pytest.param({"items": INTEGER, "maxItems": 1000}, False, id="bounded"),
        pytest.param(
            {"items": {"type": "string"}, "maxItems": 50_000}, True, id="bounded-too-high"
        ),
    ],
)
def test_rules_that_surely_are_too_dear(found: dict[str, Any], refused: bool) -> None:
    listed = {"type": "array", VALIDATIONS: [{"rule": ALL}]} | found
    problems = rule_problems(definition(schema(listed)), None)
    assert [problem.reason for problem in problems] == ["FieldValueForbidden"] * refused


def test_a_rule_may_be_there_twice() -> None:
    twice = ruled("object", BELOW, BELOW, **PAIR)
    assert rule_problems(definition(schema(twice)), None) == []
