"""Types of what the controllers read."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.kinds.katib import COMPONENT
from sampan.kube import names

NONSENSE = ("x", 5, True, ["x"], [[1]], {"a": 1}, [{"type": None}], [{"type": ["x"]}])


def problems(kind: str, new: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    validate = COMPONENT.rules[kind].validate
    assert validate is not None
    return [str(each) for each in validate({"metadata": {}, **new}, old)]


@pytest.mark.parametrize("kind", [names.KATIB_EXPERIMENT, names.SUGGESTION, names.TRIAL])
@pytest.mark.parametrize("value", NONSENSE)
def test_conditions_are_conditions(kind: str, value: Any) -> None:
    [said] = problems(kind, {"status": {"conditions": value}})
    assert said.startswith("status.conditions")


@pytest.mark.parametrize("part", ["spec", "status"])
def test_parts_are_objects(part: str) -> None:
    assert problems(names.TRIAL, {part: []})[0].startswith(f"{part}: ")


def test_the_place_is_named() -> None:
    status = {"suggestions": [{"name": "a"}, {"name": "b", "labels": {"c": 1}}]}
    assert problems(names.SUGGESTION, {"status": status}) == [
        'status.suggestions[1].labels[...]: Invalid value: "": Expected `str`, got `int`'
    ]
    spec = {"runSpec": [], "objective": {"type": "minimize"}}
    assert problems(names.TRIAL, {"spec": spec})[0].startswith("spec.runSpec")


def test_each_suggestion_has_a_name_of_its_own() -> None:
    status = {"suggestions": [{"name": "a"}, {}, {"name": "a"}]}
    assert problems(names.SUGGESTION, {"status": status}) == [
        "status.suggestions[1].name: Required value",
        'status.suggestions[2].name: Duplicate value: "a"',
    ]


def test_what_is_as_it_was_is_let_through() -> None:
    wrong = {"metadata": {}, "status": {"conditions": 5}}
    assert problems(names.TRIAL, {**wrong, "spec": {}}, wrong) == []
    assert problems(names.TRIAL, {"status": {"conditions": 6}}, wrong)


def test_fields_that_nobody_reads_are_open() -> None:
    status = {"conditions": [{"type": "Created", "more": [1]}], "other": 5, "startTime": None}
    assert problems(names.TRIAL, {"status": status, "spec": {"x": 1}}) == []
