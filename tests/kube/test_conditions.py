"""Conditions keep their transition times while their status stays."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sampan.kube.conditions import get_condition, is_true, set_condition, without_condition

NOW = datetime(2026, 1, 2, tzinfo=UTC)
OLD = [
    {
        "type": "Ready",
        "status": "True",
        "reason": "A",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    },
    {"type": "Other", "status": "Unknown"},
]


@pytest.mark.parametrize(
    ("status", "since"),
    [("True", "2026-01-01T00:00:00Z"), ("False", "2026-01-02T00:00:00Z")],
    ids=["same-status", "new-status"],
)
def test_the_time_moves_with_the_status(status: str, since: str) -> None:
    ready, other = set_condition(OLD, {"type": "Ready", "status": status, "reason": "B"}, NOW)
    assert (ready["reason"], ready["lastTransitionTime"]) == ("B", since)
    assert other is OLD[1]
    assert OLD[0]["reason"] == "A", "the old list is left alone"


def test_a_new_type_comes_last() -> None:
    found = set_condition(OLD, {"type": "New", "status": "True"}, NOW)
    assert [each["type"] for each in found] == ["Ready", "Other", "New"]


def test_saying_the_same_is_the_same() -> None:
    once = set_condition(None, {"type": "Ready", "status": "True"}, NOW)
    again = set_condition(
        once, {"type": "Ready", "status": "True"}, datetime(2027, 1, 1, tzinfo=UTC)
    )
    assert again == once


def test_questions() -> None:
    assert is_true(OLD, "Ready")
    assert not is_true(OLD, "Other")
    assert not is_true(None, "Ready")
    assert get_condition(OLD, "None") is None
    assert without_condition(OLD, "Ready") == [OLD[1]]
