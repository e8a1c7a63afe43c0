"""Words about runs of pipelines."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.kube import names, runs
from sampan.kube.times import micro


def made(**about: Any) -> dict[str, Any]:
    return {"metadata": {"uid": "u1", "creationTimestamp": "2026-01-02T03:04:05Z", **about}}


def test_a_run_is_known_by_its_label_else_by_its_uid() -> None:
    assert runs.id_of(made(labels={names.LABEL_RUN_ID: "r1"})) == "r1"
    assert runs.id_of(made()) == "u1"


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        pytest.param("2026-01-02T03:04:05.25Z", "2026-01-02T03:04:05.250000Z", id="exact"),
        pytest.param("", "2026-01-02T03:04:05.000000Z", id="not-said"),
        pytest.param("at noon", "2026-01-02T03:04:05.000000Z", id="by-hand"),
    ],
)
def test_when_an_object_was_made(said: str, moment: str) -> None:
    assert micro(runs.made_at(made(annotations={names.ANNOTATION_CREATED_AT: said}))) == moment


def test_a_retry_leads_on_from_some_ends_alone() -> None:
    assert runs.UNDONE < runs.ENDS
