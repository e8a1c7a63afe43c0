"""What everybody asks of the records of pipelines, without waiting for the database (`threads`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from sampan.kube import names
from sampan.kube.keys import Key, Manifest
from sampan.kube.lineage import CacheQuestion
from sampan.records.pipelines import reading
from sampan.records.pipelines.selection import Page, Selection
from sampan.records.threads import Threads

Direction = Literal["back", "forward"]


class Kept(Struct, frozen=True, kw_only=True):
    """A run as it was last seen. run: the whole Run (or Workflow), with the pipeline's spec and
    `status.tasks`. present: whether the cluster has it still; if not, only the records know it."""

    run: Manifest
    present: bool
    metrics: dict[str, float]


class Lineage(Struct, frozen=True):
    """What a walk came by. tasks: as `Records.task`. events: {number, artifact_id, task_id, run_id,
    task, namespace, type, key, position}. cut: there is more than was asked for, or than an answer
    holds."""

    artifacts: Sequence[dict[str, Any]]
    tasks: Sequence[dict[str, Any]]
    events: Sequence[dict[str, Any]]
    cut: bool


class Records:
    """`url` as SQLAlchemy writes them. Methods raise ArchiveFailed."""

    def __init__(self, url: str, file: Path | None = None) -> None:
        self._rows = Threads("sampan.records.pipelines.rows", url, file)

    @classmethod
    def at(cls, file: Path) -> Records:
        """In a SQLite file."""
        return cls(f"sqlite:///{file}", file)

    # -- runs ---------------------------------------------------------------------------------
    async def runs(self, wanted: Selection) -> Page:
        """Items are Runs (or Workflows) with their specs, without tasks; a selection's keys are
        RUN_KEYS or `metric:<name>`."""
        if self._rows.is_empty:
            return Page([], 0)
        return Page(*await self._rows.read("runs", wanted))

    async def run(self, run_id: str) -> Kept | None:
        found = None if self._rows.is_empty else await self._rows.read("run", run_id)
        if found is None:
            return None
        run, present, metrics = found
        return Kept(run=run, present=present, metrics=metrics)

    async def set_storage_state(self, run_id: str, state: str) -> bool:
        """Of a run that only the records know: AVAILABLE or ARCHIVED. Whether there is such."""
        return not self._rows.is_empty and await self._rows.write(
            "set_storage_state", run_id, state
        )

    async def archive_experiment(self, experiment_id: str, namespace: str) -> Sequence[Key]:
        """Archive the experiment's runs that only the records know; the keys of those others that
        are available, which are to be patched (`reading.stored` says how)."""
        if self._rows.is_empty:
            return []
        found = await self._rows.write("archive_experiment", experiment_id, namespace)
        kinds = {"Run": names.RUN, "Workflow": names.WORKFLOW}
        return [Key(kinds[kind], namespace, name) for kind, namespace, name in found]

    async def revived(self, run_id: str) -> Manifest | None:
        """The Run to create for a retry of one that only the records know. It says RESTORING, so
        that nobody walks it: its status is to be patched in, and the annotation to be removed
        then."""
        kept = await self.run(run_id)
        if kept is None or kept.present or kept.run["kind"] != "Run":
            return None
        return reading.revived(kept.run)

    async def report_metrics(self, uid: str, metrics: Mapping[str, float]) -> bool:
        """Beside those that tasks gave. Whether there is such a run."""
        return not self._rows.is_empty and await self._rows.write("put_metrics", uid, dict(metrics))

    # -- lineage ------------------------------------------------------------------------------
    async def tasks(self, wanted: Selection, *, run_id: str = "", parent_id: str = "") -> Page:
        """Of a run or of a DAG, by `listing.TASK_COLUMNS`."""
        if self._rows.is_empty:
            return Page([], 0)
        return Page(*await self._rows.read("tasks", wanted, run_id, parent_id))

    async def task(self, task_id: str) -> dict[str, Any] | None:
        """{task_id, parent_id, run_id, namespace, entry: of `status.tasks`, children, events}."""
        return None if self._rows.is_empty else await self._rows.read("task", task_id)

    async def artifacts(self, wanted: Selection) -> Page:
        if self._rows.is_empty:
            return Page([], 0)
        return Page(*await self._rows.read("artifacts", wanted))

    async def artifact(self, artifact_id: str) -> dict[str, Any] | None:
        """{artifact_id, namespace, name, type, uri, digest, created_at, metadata}."""
        return None if self._rows.is_empty else await self._rows.read("artifact", artifact_id)

    async def artifact_tasks(
        self, wanted: Selection, which: Mapping[str, Sequence[str]], type: str = ""
    ) -> Page:
        """Events of these `run_id`s, `task_id`s, `artifact_id`s. type: INPUT, OUTPUT, "" both."""
        if self._rows.is_empty:
            return Page([], 0)
        return Page(*await self._rows.read("artifact_tasks", wanted, which, type))

    async def namespaces(self, which: Mapping[str, Sequence[str]]) -> Sequence[str]:
        """In which the events of these ids happened."""
        return [] if self._rows.is_empty else await self._rows.read("namespaces", which)

    async def lineage(self, artifact_id: str, direction: Direction, depth: int) -> Lineage:
        if self._rows.is_empty:
            return Lineage([], [], [], cut=False)
        found = await self._rows.read("lineage", artifact_id, direction == "back", depth)
        return Lineage(found.artifacts, found.tasks, found.events, found.cut)

    async def executions(self, questions: Sequence[CacheQuestion]) -> Sequence[Any]:
        """For `cache`: a `caching.Found` for each question."""
        if self._rows.is_empty:
            return [NEVER] * len(questions)
        found: Sequence[Any] = await self._rows.read("answers", questions)
        return found

    # -- for the recorder ---------------------------------------------------------------------
    async def keep(self, batch: Sequence[tuple[Manifest, bool]]) -> None:
        """Runs as they were seen, and whether the cluster has them still."""
        self._rows.make_room()
        await self._rows.write("keep", batch)

    async def absent(self, present: frozenset[str]) -> None:
        """All runs but those with these uids are gone from the cluster."""
        if not self._rows.is_empty:
            await self._rows.write("absent", present)

    async def delete(self, uid: str) -> tuple[str, str] | None:
        """The namespace and name of the run that was kept, if one was."""
        return None if self._rows.is_empty else await self._rows.write("delete", uid)

    @property
    def is_open(self) -> bool:
        return self._rows.is_open

    async def close(self) -> None:
        await self._rows.close()


class _Never(Struct, frozen=True):
    candidates: tuple[Any, ...] = ()
    last: Any = None


NEVER = _Never()
"""What there is of a task when there is nothing."""
