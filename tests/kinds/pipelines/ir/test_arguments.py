"""What a run is given: upstream's rules in upstream's words, and macros."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from kinds.pipelines.ir.making import dag, parameters, pipeline, task
from sampan.kinds.pipelines.ir import arguments, macros
from sampan.kinds.pipelines.ir.faults import Invalid
from sampan.kinds.pipelines.ir.pipeline import Pipeline


def taking(**types: Any) -> Pipeline:
    return pipeline({**parameters(**types), **dag(one=task("comp"))}, comp={})


@pytest.mark.parametrize(
    ("type_", "right", "wrong", "message"),
    [
        ("NUMBER_DOUBLE", 1, "1", "requires type double or integer, but the parameter value is"),
        ("NUMBER_INTEGER", 2.0, True, "requires type double or integer"),
        ("STRING", "", 1, "requires type string, but the input parameter is not of string value"),
        ("BOOLEAN", False, 0, "requires type bool"),
        ("LIST", [1], {}, "requires type list"),
        ("STRUCT", {}, [], "requires type struct"),
    ],
)
def test_types_are_strict(type_: str, right: Any, wrong: Any, message: str) -> None:
    arguments.check(taking(x=type_), {"x": right})
    for each in (wrong, None):
        with pytest.raises(Invalid, match=f"input parameter x {message}"):
            arguments.check(taking(x=type_), {"x": each})


@pytest.mark.parametrize(
    ("definition", "given", "message"),
    [
        pytest.param("STRING", {}, "parameter x is not optional, yet has neither default value "
                     "nor user provided value", id="missing"),
        pytest.param("STRING", {"x": "", "y": 1, "z": 2},
                     r"parameter\(s\) provided are not required by pipeline: y, z", id="unknown"),
        pytest.param("PARAMETER_TYPE_ENUM_UNSPECIFIED", {"x": 1}, "has unspecified type", id="no"),
        pytest.param("TASK_FINAL_STATUS", {"x": {}}, "invalid for root component", id="status"),
        pytest.param({"parameterType": "STRING", "literals": ["a"]}, {"x": "b"},
                     'value "b" does not match any of the allowed literal values', id="literal"),
    ],
)  # fmt: skip
def test_what_is_refused(definition: Any, given: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        arguments.check(taking(x=definition), given)


def test_what_was_not_given_is_its_default_or_null() -> None:
    read = taking(
        a={"parameterType": "STRING", "defaultValue": "d"},
        b={"parameterType": "LIST", "isOptional": True},
        c="STRUCT",
    )
    arguments.check(read, {"c": {}})
    assert arguments.complete(read, {"c": {}}) == {"a": "d", "b": None, "c": {}}


NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone(timedelta(hours=1)))
ALL = macros.Moments(run_id="id", now=NOW, scheduled=datetime(2025, 12, 31, tzinfo=UTC), index=3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[[RunUUID]]/[[Index]]", "id/3"),
        ("[[CurrentTime]]", "20260304040607"),
        ("[[ScheduledTime]]", "20251231000000"),
        ("[[CurrentTime.2006-01-02]]", "2026-03-04"),
        ("[[ScheduledTime.15h]]", "00h"),
        ("[[CurrentTime.%Y-%m]]", "2026-03"),
        ("{{$.currentTime.strftime('%H:%M')}}", "04:06"),
        ("{{$.scheduledTime.strftime('%s')}}", "1767139200"),
        ("[[Unknown]] [[ RunUUID ]] {{$.else}}", "[[Unknown]] [[ RunUUID ]] {{$.else}}"),
        ("[[RunUUID", "[[RunUUID"),
    ],
)
def test_macros(text: str, expected: str) -> None:
    assert macros.expanded({"x": text, "y": [text]}, ALL) == {"x": expected, "y": [text]}


def test_a_run_without_schedule_keeps_what_schedules_say() -> None:
    text = "[[ScheduledTime]] [[Index]] {{$.scheduledTime.strftime('%Y')}} [[RunUUID]]"
    found = macros.expanded({"x": text}, macros.Moments(run_id="id", now=NOW))
    assert found["x"] == text.replace("[[RunUUID]]", "id")
