"""Custom resources: validation, pruning, defaults, structural schemas."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.apiserver.schemas import Schema, counting, crd_problems
from sampan.kube.errors import BadRequest, Problem
from sampan.lib.regex.automaton import Automaton
from sampan.lib.regex.patterns import PatternError, compiled


def custom(**spec: Any) -> Schema:
    """The schema of a custom resource whose spec has these properties."""
    body = {"type": "object", "properties": spec}
    return Schema.from_crd({"type": "object", "properties": {"spec": body}})


def said(schema: dict[str, Any], value: Any) -> list[str]:
    return [str(problem) for problem in custom(x=schema).problems({"spec": {"x": value}})]


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"type": "integer"}, "a",
         'spec.x: Invalid value: "string": spec.x in body must be of type integer: "string"'),
        ({"type": "string"}, None,
         'spec.x: Invalid value: "null": spec.x in body must be of type string: "null"'),
        ({"type": "object", "required": ["y"]}, {}, "spec.x.y: Required value"),
        ({"type": "string", "enum": ["a", "b"]}, "c",
         'spec.x: Unsupported value: "c": supported values: "a", "b"'),
        ({"type": "integer", "minimum": 1}, 0,
         "spec.x: Invalid value: 0: spec.x in body should be greater than or equal to 1"),
        ({"type": "integer", "maximum": 1, "exclusiveMaximum": True}, 1,
         "spec.x: Invalid value: 1: spec.x in body should be less than 1"),
        ({"type": "integer", "multipleOf": 5}, 7,
         "spec.x: Invalid value: 7: spec.x in body should be a multiple of 5"),
        ({"type": "string", "minLength": 1}, "",
         'spec.x: Invalid value: "": spec.x in body should be at least 1 chars long'),
        ({"type": "string", "maxLength": 2}, "abc",
         "spec.x: Too long: may not be more than 2 bytes"),
        ({"type": "array", "items": {"type": "string"}, "maxItems": 1}, ["a", "b"],
         "spec.x: Too many: 2: must have at most 1 items"),
        ({"type": "array", "items": {"type": "string"}, "minItems": 1}, [],
         "spec.x: Invalid value: []: spec.x in body should have at least 1 items"),
        ({"type": "string", "pattern": "^a+$"}, "b",
         "spec.x: Invalid value: \"b\": spec.x in body should match '^a+$'"),
        ({"type": "string", "format": "date-time"}, "now",
         'spec.x: Invalid value: "now": spec.x in body must be of type date-time: "now"'),
        ({"type": "array", "items": {"type": "integer"}}, [1, "b"],
         'spec.x[1]: Invalid value: "string": spec.x[1] in body must be of type integer: "string"'),
        ({"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
         ["a", "a"], 'spec.x[1]: Duplicate value: "a"'),
        ({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"],
          "items": {"type": "object", "properties": {"n": {"type": "string"}}}},
         [{"n": "a"}, {"n": "a"}], 'spec.x[1]: Duplicate value: {"n":"a"}'),
        ({"x-kubernetes-int-or-string": True}, True,
         'spec.x: Invalid value: "boolean": spec.x in body must be of type integer,string:'
         ' "boolean"'),
        ({"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, {},
         'spec.x: Invalid value: "": "spec.x" must validate one and only one schema (oneOf).'
         " Found none valid"),
        ({"type": "object", "not": {"required": ["a"]},
          "x-kubernetes-preserve-unknown-fields": True}, {"a": 1},
         'spec.x: Invalid value: "": "spec.x" must not validate the schema (not)'),
    ],
)  # fmt: skip
def test_problems(schema: dict[str, Any], value: Any, message: str) -> None:
    assert said(schema, value) == [message]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, 1.0), ({"type": "number"}, 1),
        ({"x-kubernetes-int-or-string": True}, "a"), ({"type": "string", "nullable": True}, None),
        ({"type": "string", "format": "unheard-of"}, "a"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"a": 1}),
        ({"type": "object", "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"b": 1}),
        ({"type": "string", "format": "date-time"}, "2026-01-02T03:04:05.678Z"),
    ],
)  # fmt: skip
def test_these_are_right(schema: dict[str, Any], value: Any) -> None:
    assert said(schema, value) == []


def test_metadata_of_custom_resources_has_types() -> None:
    with pytest.raises(BadRequest, match="Go struct field ObjectMeta"):
        custom().check({"metadata": {"labels": {"a": 1}}, "spec": "any"}, "Foo", "v1")


def test_pruning_keeps_what_is_declared_or_preserved() -> None:
    schema = custom(
        known={"type": "string"},
        free={"type": "object", "x-kubernetes-preserve-unknown-fields": True,
              "properties": {"typed": {"type": "object"}}},
        table={"type": "object", "additionalProperties": {"type": "object"}},
        items={"type": "array", "items": {"type": "object"}},
        pod={"type": "object", "x-kubernetes-embedded-resource": True},
    )  # fmt: skip
    manifest: dict[str, Any] = {
        "apiVersion": "v1", "kind": "Foo", "metadata": {"name": "a", "odd": 1}, "odd": 1,
        "spec": {
            "known": "a", "odd": 1, "free": {"any": {"x": 1}, "typed": {"odd": 1}},
            "table": {"k": {"odd": 1}}, "items": [{"odd": 1}],
            "pod": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b"}, "spec": 1},
        },
    }  # fmt: skip
    expected = [
        "metadata.odd", "odd", "spec.odd", "spec.free.typed.odd", "spec.table.k.odd",
        "spec.items[0].odd", "spec.pod.spec",
    ]  # fmt: skip
    assert sorted(schema.unknown(manifest)) == sorted(expected)
    schema.unknown(manifest, prune=True)
    assert manifest == {
        "apiVersion": "v1", "kind": "Foo", "metadata": {"name": "a"},
        "spec": {
            "known": "a", "free": {"any": {"x": 1}, "typed": {}}, "table": {"k": {}}, "items": [{}],
            "pod": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b"}},
        },
    }  # fmt: skip


def test_defaults_are_filled_in() -> None:
    schema = custom(
        a={"type": "object", "default": {}, "properties": {"b": {"type": "integer", "default": 1}}},
        n={"type": "string", "default": "x"},
        m={"type": "string", "default": "y", "nullable": True},
        items={"type": "array", "items": {"type": "object", "properties": {
            "p": {"type": "string", "default": "TCP"}}}},
    )  # fmt: skip
    manifest: dict[str, Any] = {"spec": {"n": None, "m": None, "items": [{}, {"p": "UDP"}]}}
    schema.fill(manifest)
    filled = {"n": "x", "m": None, "items": [{"p": "TCP"}, {"p": "UDP"}], "a": {"b": 1}}
    assert manifest == {"spec": filled}
    manifest["spec"]["a"]["b"] = 9
    other: dict[str, Any] = {"spec": {}}
    schema.fill(other)
    assert other["spec"]["a"] == {"b": 1}


def test_a_schema_that_is_empty_keeps_everything() -> None:
    schema = Schema.from_crd({})
    assert schema.unknown({"metadata": {}, "spec": {"a": 1}, "x": 1}) == []
    assert schema.problems({"spec": 1}) == []


def test_rules_are_seen() -> None:
    assert custom(x={"type": "string", "x-kubernetes-validations": [{"rule": "true"}]}).has_rules
    assert not custom(x={"type": "string"}).has_rules


def crd(schema: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": schema}}]}}


AT = "spec.versions[0].schema.openAPIV3Schema"


@pytest.mark.parametrize(
    ("schema", "field"),
    [
        ({"type": "object", "properties": {"a": {}}}, ".properties[a].type"),
        ({"type": "string"}, ".type"),
        ({"type": "object", "properties": {"a": {"type": "array"}}}, ".properties[a].items"),
        ({"type": "object", "anyOf": [{"type": "object"}]}, ".anyOf[0].type"),
        ({"type": "object", "$ref": "#/x"}, ".$ref"),
        ({"type": "object", "properties": {"a": {"type": "strin"}}}, ".properties[a].type"),
        ({"type": "object", "properties": {"a": {"type": "integer", "default": "x"}}},
         ".properties[a].default"),
        ({"type": "object", "properties": {"a": {"type": "string", "pattern": "("}}},
         ".properties[a].pattern"),
        ({"type": "object", "additionalProperties": {"type": "string"},
          "properties": {"a": {"type": "string"}}}, ".additionalProperties"),
        ({"type": "object", "properties": {"a": {
            "type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "map"}}},
         ".properties[a].x-kubernetes-list-map-keys"),
    ],
)  # fmt: skip
def test_schemas_that_are_not_structural_are_refused(schema: dict[str, Any], field: str) -> None:
    assert [problem.field for problem in crd_problems(crd(schema))] == [AT + field]


def test_structural_schemas_are_accepted() -> None:
    fine = {
        "type": "object",
        "properties": {
            "port": {"x-kubernetes-int-or-string": True,
                     "anyOf": [{"type": "integer"}, {"type": "string"}]},
            "any": {"x-kubernetes-preserve-unknown-fields": True},
            "choice": {"type": "object", "properties": {"a": {"type": "string"}},
                       "oneOf": [{"required": ["a"], "properties": {"a": {"minLength": 1}}}]},
        },
    }  # fmt: skip
    assert crd_problems(crd(fine)) == []
    assert [p.reason for p in crd_problems({"spec": {"versions": [{}]}})] == ["FieldValueRequired"]


@pytest.mark.parametrize(
    ("pattern", "value", "found"),
    [
        ("^a$", "a\n", False), (r"^[[:alpha:]]+$", "ab", True), (r"^[[:alpha:]_]+$", "a1", False),
        (r"\Aa\z", "a", True), (r"^\Qa.b\E$", "a.b", True), (r"^\Qa.b\E$", "axb", False),
        (r"(?P<n>x)", "yxz", True), ("(?<n>x)", "x", True), ("^[]a]+$", "]a", True),
        ("^[^]a]$", "]", False), (r"^\d+$", "٣", False), (r"^\pL+$", "éa", True),
    ],
)  # fmt: skip
def test_patterns_mean_what_go_means(pattern: str, value: str, found: bool) -> None:
    assert compiled(pattern).search(value) is found


def test_patterns_do_not_run_away() -> None:
    assert compiled("^(a+)+$").search("a" * 3000 + "!") is False
    for text in (
        "^(a|aa)+$",
        "^(.+)*$",
        r"^(\.[.a]+)*$",
        "^(a?b?)*c",
        "^(?:a+){30}$",
        "^(?P<x>a*)*$",
    ):
        assert compiled(text).risky, text
        assert compiled(text).search("a" * 60 + "\n") is not None
    for text in ("^[a-z]+$", "^a(b|c)$", r"^[a-z]([-a-z]*[a-z])?(\.[a-z]([-a-z]*[a-z])?)*$"):
        assert not compiled(text).risky, text
    assert compiled("a.*b.*c").search("ab" * 2000) is False
    assert compiled("^[a-z]+$").search("a" * 100_000) is True
    assert compiled("^(a+)+$").search("a" * 100_000) is None
    for text in ("(", r"^(a+)+\1$", r"^(?=(a+)+)"):
        with pytest.raises(PatternError):
            compiled(text)


atoms = st.sampled_from(["a", "b", "[ab]", "[^a]", ".", r"\d", r"\w", r"\b", "^", "$", "(?:ab)"])
patterns = st.recursive(
    atoms,
    lambda inner: st.builds(
        lambda left, right, how: f"(?:{left}{how}{right})",
        inner, inner, st.sampled_from(["", "|", "*", "+", "?", "{2}", "{1,2}", "*?"]),
    ),
    max_leaves=5,
)  # fmt: skip


@given(patterns, st.text("ab1 \n", max_size=8))
def test_the_automaton_agrees_with_python(pattern: str, text: str) -> None:
    try:
        expected = re.compile(pattern, re.ASCII).search(text) is not None
    except re.error:
        return  # such as `^*`
    assert Automaton(pattern).search(text) is expected


@pytest.mark.parametrize(
    ("field", "reason", "new", "old", "counts"),
    [
        ("spec.a", "FieldValueInvalid", {"a": 1, "b": 2}, {"a": 1, "b": 1}, False),
        ("spec.a", "FieldValueInvalid", {"a": 2}, {"a": 1}, True),
        ("spec.a", "FieldValueInvalid", {"a": 1}, {}, True),
        ("spec.a", "FieldValueRequired", {"b": 2}, {"b": 1}, True),
        ("spec.a", "FieldValueRequired", {"b": 1}, {"b": 1}, False),
        ("spec.l[1].x", "FieldValueInvalid", {"l": [1, {"x": 1}]}, {"l": [1, {"x": 1}]}, False),
        ("spec.l[1].x", "FieldValueInvalid", {"l": [2, {"x": 1}]}, {"l": [1, {"x": 1}]}, True),
        ("<nil>", "FieldValueInvalid", {}, {}, True),
    ],
)
def test_only_what_changes_counts(
    field: str, reason: str, new: Any, old: Any, counts: bool
) -> None:
    problem = Problem(field, reason, "")
    assert bool(counting([problem], {"spec": new}, {"spec": old})) is counts
