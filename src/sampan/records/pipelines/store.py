"""Store: what everybody asks of the records of pipelines. Statements run in threads of their own,
one that writes and one that reads.

Nothing is opened and SQLAlchemy is not loaded before something is kept or asked for; a SQLite file
that is not there yet is not made in order to find nothing in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from sampan.kube.keys import Key, Manifest
from sampan.records.pipelines.selection import Page, Selection


class Kept(Struct, frozen=True, kw_only=True):
    """A run as it was last seen. run: the whole Run (or Workflow), with the pipeline's spec and
    `status.tasks`. present: whether the cluster has it still; if not, only the records know it."""

    run: Manifest
    present: bool
    metrics: dict[str, float]


class Records:
    """`url` as SQLAlchemy writes them. Methods raise ArchiveFailed."""

    async def runs(self, wanted: Selection) -> Page:
        """Items are Runs (or Workflows) without specs and tasks, by RUN_KEYS or `metric:<name>`."""
        raise NotImplementedError

    async def run(self, run_id: str) -> Kept | None:
        raise NotImplementedError

    async def set_storage_state(self, run_id: str, state: str) -> bool:
        """Of a run that only the records know: AVAILABLE or ARCHIVED. Whether there is such."""
        raise NotImplementedError

    async def archive_experiment(self, experiment_id: str) -> Sequence[Key]:
        """Archive the experiment's runs that only the records know; the keys of the others, which
        are to be patched."""
        raise NotImplementedError

    async def revived(self, run_id: str) -> Manifest | None:
        """The Run to create for a retry of one that only the records know: with its status."""
        raise NotImplementedError

    async def tasks(self, wanted: Selection, *, run_id: str = "", parent_id: str = "") -> Page:
        raise NotImplementedError

    async def task(self, task_id: str) -> dict[str, Any] | None:
        raise NotImplementedError

    async def artifacts(self, wanted: Selection) -> Page:
        raise NotImplementedError

    async def artifact(self, artifact_id: str) -> dict[str, Any] | None:
        raise NotImplementedError
