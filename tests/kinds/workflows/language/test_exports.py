"""Outputs with a `globalName`."""

from __future__ import annotations

from typing import Any

from sampan.kinds.workflows.language import exports

GIVEN: dict[str, Any] = {
    "parameters": [{"name": "p", "globalName": "g", "value": "1"}, {"name": "own", "value": "2"}],
    "artifacts": [{"name": "a", "globalName": "f", "path": "/a", "s3": {"key": "k"}}],
}


def test_what_has_a_global_name_is_given_to_all() -> None:
    assert exports.added({}, GIVEN) == {
        "parameters": [{"name": "g", "value": "1"}],
        "artifacts": [{"name": "f", "s3": {"key": "k"}}],
    }


def test_a_later_one_replaces_an_earlier_one() -> None:
    known = {"parameters": [{"name": "g", "value": "0"}, {"name": "h", "value": "3"}]}
    assert exports.added(known, GIVEN)["parameters"] == [
        {"name": "g", "value": "1"},
        {"name": "h", "value": "3"},
    ]


def test_who_gives_nothing_to_all() -> None:
    assert exports.has_any(GIVEN)
    assert not exports.has_any({"parameters": [{"name": "own", "value": "2"}]})
    assert not exports.has_any(None)
