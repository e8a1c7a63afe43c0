"""The contract of a run's controller and the launcher: what is written is what is read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.kube import launcher, names
from sampan.kube.launcher import Artifact, OutputArtifact, OutputParameter, Outputs, Result, Task

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def pod(annotations: dict[str, str], message: str = "") -> dict[str, Any]:
    ended = {"exitCode": 0, **({"message": message} if message else {})}
    statuses = [{"name": "main", "state": {"terminated": ended}}]
    return {
        "metadata": {"annotations": annotations},
        "status": {"containerStatuses": statuses},
    }


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_a_task_comes_back_as_it_was_written(parameters: dict[str, Any]) -> None:
    outputs = Outputs(
        parameters={"n": OutputParameter(type="NUMBER_INTEGER")},
        artifacts={"models": OutputArtifact(type="system.Model", list=True)},
    )
    task = Task(executorInput={"inputs": {"parameterValues": parameters}}, outputs=outputs)
    assert launcher.task_of(pod({names.ANNOTATION_TASK: launcher.encode_task(task)})) == task


@given(st.dictionaries(st.text(), VALUES | st.text(min_size=3000, max_size=6000), max_size=4))
def test_a_result_comes_back_whether_it_is_short_or_long(parameters: dict[str, Any]) -> None:
    made = Artifact(name="m", uri="s3://b/k", metadata={"rows": 3}, digest="sha256:0", size=3)
    result = Result(parameters=parameters, artifacts={"model": [made]})
    message, annotation = launcher.encode_result(result)
    assert bool(message) != bool(annotation)
    assert len(message.encode()) <= 4096
    written = {names.ANNOTATION_RESULT: annotation} if annotation else {}
    assert launcher.result_of(pod(written, message)) == result


def test_a_pod_that_is_none_of_a_pipeline_has_no_task_and_no_result() -> None:
    assert launcher.task_of(pod({})) is None
    assert launcher.result_of(pod({})) is None


def test_what_has_no_room_is_refused_with_the_limit() -> None:
    with pytest.raises(launcher.TooLong, match="at most 200000"):
        launcher.encode_task(Task(executorInput={"inputs": "x" * 200_000}))
    with pytest.raises(launcher.TooLong, match="at most 200000"):
        launcher.encode_result(Result(parameters={"x": "y" * 200_000}))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{", id="no-json"),
        pytest.param("[]", id="no-object"),
        pytest.param(json.dumps({"executorInput": 1}), id="wrong-type"),
        pytest.param('{"executorInput":{"a":' + "[" * 5000 + "]" * 5000 + "}}", id="too-deep"),
    ],
)
def test_nonsense_in_an_annotation_is_said_with_its_name(text: str) -> None:
    with pytest.raises(launcher.Unreadable, match=names.ANNOTATION_TASK):
        launcher.task_of(pod({names.ANNOTATION_TASK: text}))


def test_nonsense_in_a_termination_message_is_said() -> None:
    with pytest.raises(launcher.Unreadable, match="termination message"):
        launcher.result_of(pod({}, '{"parameters": 3}'))


@pytest.mark.parametrize(
    ("command", "behind"),
    [
        pytest.param(["/kfp-launcher/launch", "--", "sh", "-c", "true"], ["sh", "-c", "true"]),
        pytest.param(["/kfp-launcher/launch", "--"], []),
        pytest.param(["sh", "-c", "true"], None),
        pytest.param(None, None),
    ],
)
def test_the_program_behind_the_launcher(
    command: list[str] | None, behind: list[str] | None
) -> None:
    assert launcher.unwrapped(command) == behind


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("gs://b/k", "/gcs/b/k"),
        ("s3://b/k", "/s3/b/k"),
        ("minio://b/k", "/minio/b/k"),
        ("oci://r/o/i:t", "/oci/r_o_i:t/models"),
        ("/data/x", "/data/x"),
    ],
)
def test_the_place_of_an_artifact(uri: str, path: str) -> None:
    assert launcher.local_path(uri) == path


def test_an_artifact_of_another_scheme_has_no_place() -> None:
    with pytest.raises(ValueError, match="unsupported storage scheme"):
        launcher.local_path("https://x/y")
