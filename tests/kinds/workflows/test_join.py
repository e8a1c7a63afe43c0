"""Specs joined: what goes before what, which lists merge."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.kinds.workflows.resolve import join


def values(*pairs: tuple[str, Any], **fields: Any) -> dict[str, Any]:
    return {"arguments": {"parameters": [{"name": n, "value": v, **fields} for n, v in pairs]}}


@pytest.mark.parametrize(
    ("own", "its", "expected"),
    [
        pytest.param({"onExit": "a"}, {"onExit": "b"}, {"onExit": "a"}, id="own-first"),
        pytest.param({"entrypoint": ""}, {"entrypoint": "b"}, {"entrypoint": "b"}, id="empty"),
        pytest.param({}, {"suspend": True}, {}, id="suspend-is-its-own"),
        pytest.param({"suspend": True}, {}, {"suspend": True}, id="suspended"),
        pytest.param(
            {"nodeSelector": {"a": "1"}}, {"nodeSelector": {"b": "2"}},
            {"nodeSelector": {"a": "1", "b": "2"}}, id="maps-merge",
        ),
        pytest.param(
            {"volumes": [{"name": "b", "emptyDir": {}}]}, {"volumes": [{"name": "a", "x": 1}]},
            {"volumes": [{"name": "b", "emptyDir": {}}, {"name": "a", "x": 1}]}, id="lists-by-name",
        ),
        pytest.param(
            values(("a", "1")), values(("b", "2"), ("a", "3"), enum=["3"]),
            {"arguments": {"parameters": [
                {"name": "b", "value": "2", "enum": ["3"]}, {"name": "a", "value": "1"},
            ]}}, id="a-parameter-is-taken-whole",
        ),
        pytest.param(
            {"hooks": {"exit": {"template": "a"}}},
            {"hooks": {"exit": {"expression": "x"}, "h": {"template": "b"}}},
            {"hooks": {"exit": {"template": "a"}, "h": {"template": "b"}}}, id="hooks-whole",
        ),
        pytest.param(
            {"workflowMetadata": {"labelsFrom": {"a": {"expression": "1"}}}},
            {"workflowMetadata": {"labels": {"l": "x"}, "labelsFrom": {"b": {"expression": "2"}}}},
            {"workflowMetadata": {
                "labels": {"l": "x"},
                "labelsFrom": {"a": {"expression": "1"}, "b": {"expression": "2"}},
            }}, id="labels-from",
        ),
    ],
)  # fmt: skip
def test_the_workflow_goes_before_its_template(own: Any, its: Any, expected: Any) -> None:
    assert join.joined(own, its) == expected


def test_an_artifact_keeps_the_rest_of_a_place_of_the_same_kind() -> None:
    def artifact(**s3: str) -> dict[str, Any]:
        return {"arguments": {"artifacts": [{"name": "a", "s3": s3}]}}

    merged = join.joined(artifact(key="own"), artifact(key="its", bucket="b"))
    assert merged == artifact(key="own", bucket="b")
    http = {"arguments": {"artifacts": [{"name": "a", "http": {"url": "u"}}]}}
    assert join.joined(http, artifact(key="its")) == http


def test_joining_changes_nothing_that_it_was_given() -> None:
    own, its = values(("a", "1")), values(("a", "2"), ("b", "3"))
    join.joined(own, its, {"parallelism": 1})
    assert (own, its) == (values(("a", "1")), values(("a", "2"), ("b", "3")))


def test_defaults_of_other_types_are_left_out() -> None:
    defaults = {"container": {"image": "c"}, "script": {"image": "s"}, "timeout": "1m"}
    own = {"name": "t", "script": {"source": "x"}}
    assert join.template(own, defaults) == {
        "name": "t",
        "script": {"image": "s", "source": "x"},
        "timeout": "1m",
    }
