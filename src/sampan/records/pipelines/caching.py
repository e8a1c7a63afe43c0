"""The statements of the cache: which task has run before with the same fingerprint, and if none
has, in what the last one of its name differs.

    fingerprint ─> candidates, newest first ─> (`cache`: do their artifacts exist?) ─> hit or why
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from msgspec import Struct

from sampan.kube.lineage import CacheQuestion, Parts, parts_of
from sampan.records.pipelines.keeping import parts
from sampan.records.pipelines.tables import RUNS, TASKS

Scope = tuple[str, str]
"""Namespace and pipeline."""
CANDIDATES = 5
"""Executions whose artifacts are looked for, the newest first, before the cache gives up."""


class Execution(Struct, frozen=True):
    run_id: str
    task_id: str
    entry: Mapping[str, Any]

    @property
    def outputs(self) -> Mapping[str, Any]:
        return self.entry.get("outputs") or {}


class Found(Struct, frozen=True):
    """candidates: what succeeded with the same fingerprint, the newest first. last: the parts of
    the newest execution of the same name, if any; only looked for where there is no candidate."""

    candidates: tuple[Execution, ...] = ()
    last: Parts | None = None


def answers(connection: sa.Connection, questions: Sequence[CacheQuestion]) -> list[Found]:
    """In the order of the questions."""
    hits: dict[tuple[Scope, str], tuple[Execution, ...]] = {}
    for scope, some in _scoped(questions).items():
        prints = {each.fingerprint for each in some if each.fingerprint}
        for fingerprint, found in _candidates(connection, scope, prints).items():
            hits[scope, fingerprint] = tuple(found)
    missed = {
        (_scope(each), each.task_name)
        for each in questions
        if (_scope(each), each.fingerprint) not in hits
    }
    last = {name: _last(connection, *name) for name in missed}
    return [
        Found(
            hits.get((_scope(each), each.fingerprint), ()),
            last.get((_scope(each), each.task_name)),
        )
        for each in questions
    ]


def _scope(question: CacheQuestion) -> Scope:
    return question.namespace, question.pipeline[:255]


def _scoped(questions: Iterable[CacheQuestion]) -> dict[Scope, list[CacheQuestion]]:
    found: dict[Scope, list[CacheQuestion]] = {}
    for each in questions:
        found.setdefault(_scope(each), []).append(each)
    return found


def _candidates(
    connection: sa.Connection, scope: Scope, prints: Iterable[str]
) -> dict[str, list[Execution]]:
    c = TASKS.c
    numbers: list[int] = []
    for part in parts(prints):
        order = sa.func.row_number().over(partition_by=c.fingerprint, order_by=c.number.desc())
        ranked = (
            sa.select(c.number, order.label("rank_"))
            .where(c.namespace == scope[0], c.pipeline == scope[1])
            .where(c.fingerprint.in_(part), c.state == "SUCCEEDED")
            .subquery()
        )
        newest = sa.select(ranked.c.number).where(ranked.c.rank_ <= CANDIDATES)
        numbers += connection.scalars(newest)
    found: dict[str, list[Execution]] = {}
    for some in parts(sorted(numbers, reverse=True)):
        rows = connection.execute(
            sa.select(c.fingerprint, RUNS.c.run_id, c.task_id, c.document)
            .join(RUNS, RUNS.c.number == c.run)
            .where(c.number.in_(some))
            .order_by(c.number.desc())
        )
        for fingerprint, run_id, task_id, text in rows:
            entry = Execution(run_id, task_id, orjson.loads(text))
            found.setdefault(fingerprint, []).append(entry)
    return found


def _last(connection: sa.Connection, scope: Scope, name: str) -> Parts | None:
    """The parts of the newest task of this name that has ended."""
    c = TASKS.c
    found = (
        sa.select(c.document)
        .where(c.namespace == scope[0], c.pipeline == scope[1], c.name == name[:255])
        .where(c.state.in_(("SUCCEEDED", "CACHED", "FAILED")))
        .order_by(c.number.desc())
        .limit(1)
    )
    text = connection.scalar(found)
    if text is None:
        return None
    cache = orjson.loads(text).get("cache") or {}
    return parts_of(cache.get("parts") or {})
