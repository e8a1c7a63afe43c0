"""The parameters of a run: what was given against what the root component takes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sampan.kinds.pipelines.ir.pipeline import Pipeline


def check(pipeline: Pipeline, given: Mapping[str, Any]) -> None:
    """Raises Invalid: a required one is missing, one is unknown, of another type, no literal of
    its list. In upstream's words (they stand after `invalid pipeline job inputs: `)."""
    raise NotImplementedError


def complete(pipeline: Pipeline, given: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of the root DAG: what was given, else the default, else null if optional."""
    raise NotImplementedError


def with_macros(
    given: Mapping[str, Any],
    *,
    run_id: str,
    now: datetime,
    scheduled: datetime | None = None,
    index: int | None = None,
) -> dict[str, Any]:
    """`[[RunUUID]]`, `[[CurrentTime]]`, `[[ScheduledTime.%Y]]`, `[[Index]]` … in text replaced.
    A macro of a schedule stays as it is where there is none."""
    raise NotImplementedError
