from __future__ import annotations

import json
from typing import Any

import pytest

from sampan.nodes.executor.data import place_of, transformed
from sampan.nodes.executor.job import Failed

REPOSITORY = {"s3": {"endpoint": "here", "bucket": "artifacts", "key": "x/{{pod.name}}"}}


@pytest.mark.parametrize(
    ("paths", "place"),
    [
        pytest.param({"s3": {"key": "logs"}},
                     {"endpoint": "here", "bucket": "artifacts", "key": "logs"}, id="key"),
        pytest.param({"s3": {"bucket": "mine"}},
                     {"endpoint": "here", "bucket": "mine", "key": ""}, id="whole-bucket"),
        pytest.param({"s3": {"endpoint": "there", "bucket": "b", "key": "k"}},
                     {"endpoint": "there", "bucket": "b", "key": "k"}, id="another-place"),
    ],
)  # fmt: skip
def test_where_is_looked(paths: dict[str, Any], place: dict[str, Any]) -> None:
    found = place_of({"name": "logs", **paths}, {"archiveLogs": False, **REPOSITORY})
    assert found == {"name": "logs", "s3": place}


def test_steps_follow_one_another() -> None:
    steps = [
        {"expression": 'filter(data, {# endsWith ".log"})'},
        {},
        {"expression": "map(data, {upper(#)})"},
    ]
    assert json.loads(transformed(["a.log", "b.txt", "c.log"], steps)) == ["A.LOG", "C.LOG"]


def test_a_step_that_fails_is_told_by_its_number() -> None:
    with pytest.raises(Failed, match="error processing data step 1: "):
        transformed(["a"], [{"expression": "data"}, {"expression": "data + 1"}])
