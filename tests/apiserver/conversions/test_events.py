"""Events of the core group and of events.k8s.io."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.apiserver.conversions import events

EVENT: dict[str, Any] = {
    "apiVersion": "events.k8s.io/v1",
    "kind": "Event",
    "metadata": {"name": "e", "namespace": "a"},
    "eventTime": "2026-01-01T00:00:00.000000Z",
    "reportingController": "example.com/me",
    "reportingInstance": "me-1",
    "action": "Watching",
    "reason": "Seen",
    "note": "a boat",
    "type": "Normal",
    "regarding": {"kind": "Pod", "name": "p", "namespace": "a"},
}


def test_fields_have_other_names_in_core() -> None:
    core = events.to_core(EVENT)
    assert core["apiVersion"] == "v1"
    assert core["message"] == "a boat"
    assert core["involvedObject"] == EVENT["regarding"]
    assert core["reportingComponent"] == "example.com/me"
    assert {"note", "regarding", "reportingController"}.isdisjoint(core)
    assert events.from_core(core) == {**EVENT, "deprecatedSource": {}}


def test_a_new_event_of_the_new_api_is_complete() -> None:
    assert events.problems(events.to_core(EVENT)) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"eventTime": None}, "eventTime"),
        ({"reportingController": ""}, "reportingController"),
        ({"reportingController": "not a name"}, "reportingController"),
        ({"reportingInstance": "x" * 129}, "reportingInstance"),
        ({"action": ""}, "action"),
        ({"reason": ""}, "reason"),
        ({"note": "x" * 1025}, "message"),
        ({"type": "Strange"}, "type"),
        ({"deprecatedCount": 1}, "count"),
        ({"deprecatedSource": {"component": "x"}}, "source"),
        ({"series": {"count": 1}}, "series.count"),
        ({"series": {"count": 2}}, "series.lastObservedTime"),
    ],
)
def test_what_is_missing_is_named(change: dict[str, Any], field: str) -> None:
    found = events.problems(events.to_core(EVENT | change))
    assert field in [problem.field for problem in found]
