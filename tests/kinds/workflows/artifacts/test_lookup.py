"""Where an artifact of a node lies."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.kinds.workflows.artifacts import lookup

REPOSITORY = {"s3": {"endpoint": "e", "bucket": "b"}}
OWN = {"s3": {"endpoint": "own", "bucket": "o", "key": "k"}}


def workflow(artifact: dict[str, Any], template: str = "t", **archive: Any) -> dict[str, Any]:
    node = {"templateName": template, "outputs": {"artifacts": [{"name": "a", **artifact}]}}
    return {
        "spec": {"templates": [{"name": "t", **archive}]},
        "status": {
            "nodes": {"n": node},
            "artifactRepositoryRef": {"artifactRepository": REPOSITORY},
        },
    }


@pytest.mark.parametrize(
    ("artifact", "archive", "endpoint", "bucket"),
    [
        pytest.param({"s3": {"key": "x"}}, {}, "e", "b", id="the-repository's"),
        pytest.param({"s3": {"key": "x"}}, {"archiveLocation": OWN}, "own", "o", id="template's"),
        pytest.param({"s3": {"key": "x", "endpoint": "1", "bucket": "2"}}, {}, "1", "2", id="own"),
    ],
)
def test_a_key_is_completed(
    artifact: dict[str, Any], archive: dict[str, Any], endpoint: str, bucket: str
) -> None:
    found = lookup.find(workflow(artifact, **archive), "n", "a", "outputs")
    assert found["s3"] == {"key": "x", "endpoint": endpoint, "bucket": bucket}


@pytest.mark.parametrize(
    ("node", "name", "end"), [("m", "a", "outputs"), ("n", "b", "outputs"), ("n", "a", "inputs")]
)
def test_what_there_is_not_is_said(node: str, name: str, end: Any) -> None:
    with pytest.raises(lookup.NoSuch):
        lookup.find(workflow({"s3": {"key": "x"}}), node, name, end)


def test_what_is_deleted_is_gone() -> None:
    with pytest.raises(lookup.NoSuch, match="has been deleted"):
        lookup.find(workflow({"s3": {"key": "x"}, "deleted": True}), "n", "a", "outputs")
