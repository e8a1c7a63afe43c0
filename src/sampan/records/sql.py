"""The archive's tables and statements, with SQLAlchemy Core: SQLite, PostgreSQL, MariaDB.

The tables and columns are upstream's (argo_archived_workflows and its labels), with one more:
`summary` is what lists show, so that they need not read workflows of megabytes. Times are in UTC
without a zone, whole seconds. Comparisons mind case everywhere, as `Selection.matches` does.

Everything here blocks; `archive` calls it in a thread. Importing it costs 30 MB and 0.15 s, which
is why nothing else imports it (`sampan.lib.later`).
Upstream: argo-workflows persist/sqldb.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from sampan.kube import names
from sampan.kube.selectors import Requirement
from sampan.records import database
from sampan.records.database import LONG, text
from sampan.records.selection import Selection, moment
from sampan.records.summary import summary

CLUSTER = "default"  # upstream's name of a cluster that was given none
_INTEGER = "^-?[0-9]{1,18}$"
_AT_ONCE = 500  # uids in one statement
_EPOCH = datetime(1970, 1, 1)
"""Stands for no time: MariaDB has none before the year 1000, and the columns are not null."""


_META = sa.MetaData()
_WORKFLOWS = sa.Table(
    "argo_archived_workflows",
    _META,
    sa.Column("clustername", text(64), primary_key=True),
    sa.Column("uid", text(128), primary_key=True),
    sa.Column("instanceid", text(64), nullable=False),
    sa.Column("name", text(256), nullable=False),
    sa.Column("namespace", text(256), nullable=False),
    sa.Column("phase", text(25), nullable=False),
    sa.Column("startedat", sa.DateTime, nullable=False),
    sa.Column("finishedat", sa.DateTime, nullable=False),
    sa.Column("creationtimestamp", sa.DateTime, nullable=False),
    sa.Column("workflow", LONG, nullable=False),
    sa.Column("summary", LONG, nullable=False),
    sa.Index("argo_archived_workflows_started", "clustername", "namespace", "startedat"),
    sa.Index("argo_archived_workflows_finished", "clustername", "finishedat"),
)
_LABELS = sa.Table(
    "argo_archived_workflows_labels",
    _META,
    sa.Column("clustername", text(64), primary_key=True),
    sa.Column("uid", text(128), primary_key=True),
    sa.Column("name", text(317), primary_key=True),
    sa.Column("value", text(63), nullable=False),
    sa.Index("argo_archived_workflows_labels_name", "clustername", "name", "value"),
)


_told = database.told("the archive of workflows")


class Rows:
    """One database. Make and use it in one thread."""

    @_told
    def __init__(self, url: str) -> None:
        self._engine = database.opened(url, "case_sensitive_like=ON")  # LIKE minds case
        _META.create_all(self._engine)

    def close(self) -> None:
        self._engine.dispose()

    @_told
    def put(self, workflows: Iterable[Mapping[str, Any]]) -> None:
        """Keep these; one that is kept already is replaced."""
        rows = [_row(each) for each in workflows]
        uids = [row["uid"] for row in rows]
        labels = [label for each in rows for label in each.pop("labels")]
        with self._engine.begin() as connection:
            for table in (_LABELS, _WORKFLOWS):
                connection.execute(sa.delete(table).where(*_ours(table), table.c.uid.in_(uids)))
            if rows:
                connection.execute(sa.insert(_WORKFLOWS), rows)
            if labels:
                connection.execute(sa.insert(_LABELS), labels)

    @_told
    def uids(self, wanted: Selection) -> list[str]:
        """Of those that are meant, the newest start first."""
        c = _WORKFLOWS.c
        found = sa.select(c.uid).where(*_conditions(wanted))
        found = found.order_by(c.startedat.desc(), c.namespace, c.name, c.uid)
        if wanted.limit:
            found = found.limit(wanted.limit).offset(wanted.offset)
        with self._engine.connect() as connection:
            return list(connection.scalars(found))

    @_told
    def count(self, wanted: Selection) -> int:
        """How many are meant, on all pages together."""
        found = sa.select(sa.func.count()).select_from(_WORKFLOWS).where(*_conditions(wanted))
        with self._engine.connect() as connection:
            return int(connection.scalar(found) or 0)

    @_told
    def summaries(self, uids: Sequence[str]) -> list[dict[str, Any]]:
        """In the order of the uids; those that are gone are left out."""
        c = _WORKFLOWS.c
        found: dict[str, str] = {}
        with self._engine.connect() as connection:
            for first in range(0, len(uids), _AT_ONCE):
                some = c.uid.in_(uids[first : first + _AT_ONCE])
                rows = connection.execute(
                    sa.select(c.uid, c.summary).where(*_ours(_WORKFLOWS), some)
                )
                found.update((uid, text) for uid, text in rows)
        return [orjson.loads(found[uid]) for uid in uids if uid in found]

    @_told
    def get(self, uid: str, namespace: str, name: str) -> dict[str, Any] | None:
        """By uid, or the newest of a name."""
        c = _WORKFLOWS.c
        found = sa.select(c.workflow).where(*_ours(_WORKFLOWS))
        if uid:
            found = found.where(c.uid == uid)
        else:
            found = found.where(c.namespace == namespace, c.name == name)
            found = found.order_by(c.startedat.desc()).limit(1)
        with self._engine.connect() as connection:
            text = connection.scalar(found)
        if text is None:
            return None
        workflow: dict[str, Any] = orjson.loads(text)
        return workflow

    @_told
    def delete(self, uid: str) -> None:
        with self._engine.begin() as connection:
            for table in (_LABELS, _WORKFLOWS):
                connection.execute(sa.delete(table).where(*_ours(table), table.c.uid == uid))

    @_told
    def expire(self, before: datetime) -> int:
        """Delete those that finished before this moment; answers with how many."""
        c = _WORKFLOWS.c
        old = (*_ours(_WORKFLOWS), c.finishedat < _naive(before))
        with self._engine.begin() as connection:
            uids = list(connection.scalars(sa.select(c.uid).where(*old)))
            for first in range(0, len(uids), _AT_ONCE):
                some = uids[first : first + _AT_ONCE]
                for table in (_LABELS, _WORKFLOWS):
                    connection.execute(sa.delete(table).where(*_ours(table), table.c.uid.in_(some)))
        return len(uids)

    @_told
    def label_keys(self, namespace: str) -> list[str]:
        return self._labels(_LABELS.c.name, namespace)

    @_told
    def label_values(self, namespace: str, key: str) -> list[str]:
        return self._labels(_LABELS.c.value, namespace, _LABELS.c.name == key)

    def _labels(self, column: Any, namespace: str, *more: Any) -> list[str]:
        w = _WORKFLOWS.c
        found = sa.select(column).distinct().where(*_ours(_LABELS), *more).order_by(column)
        if namespace:
            same = (w.clustername == _LABELS.c.clustername, w.uid == _LABELS.c.uid)
            found = found.where(*same, w.namespace == namespace)
        with self._engine.connect() as connection:
            return list(connection.scalars(found))


def _ours(table: sa.Table) -> tuple[Any, ...]:
    return (table.c.clustername == CLUSTER,)


def _row(workflow: Mapping[str, Any]) -> dict[str, Any]:
    meta, status = workflow["metadata"], workflow.get("status") or {}
    labels = {**(meta.get("labels") or {}), names.LABEL_ARCHIVING: "Persisted"}
    kept = {**workflow, "metadata": {**meta, "labels": labels}}
    uid = meta["uid"]
    return {
        "clustername": CLUSTER,
        "uid": uid,
        "instanceid": "",
        "name": meta["name"],
        "namespace": meta["namespace"],
        "phase": status.get("phase") or "",
        "startedat": _naive(moment(status.get("startedAt"))),
        "finishedat": _naive(moment(status.get("finishedAt"))),
        "creationtimestamp": _naive(moment(meta.get("creationTimestamp"))),
        "workflow": orjson.dumps(kept).decode(),
        "summary": orjson.dumps(summary(kept)).decode(),
        "labels": [
            {"clustername": CLUSTER, "uid": uid, "name": name, "value": value}
            for name, value in labels.items()
        ],
    }


def _naive(time: datetime) -> datetime:
    return max(time.replace(tzinfo=None, microsecond=0), _EPOCH)


def _conditions(wanted: Selection) -> list[Any]:
    c = _WORKFLOWS.c
    found = [*_ours(_WORKFLOWS)]
    if wanted.namespace:
        found.append(c.namespace == wanted.namespace)
    if wanted.not_namespace:
        found.append(c.namespace != wanted.not_namespace)
    if wanted.name_prefix:
        found.append(c.name.startswith(wanted.name_prefix, autoescape=True))
    if wanted.name:
        found.append(_named(wanted))
    for column, time, least in (
        (c.creationtimestamp, wanted.created_after, True),
        (c.startedat, wanted.started_from, True),
        (c.startedat, wanted.started_to, False),
        (c.finishedat, wanted.finished_before, False),
    ):
        if time is not None:
            found.append(column >= _ceiling(time) if least else column <= _naive(time))
    found += [_labelled(each) for each in wanted.labels.requirements]
    return found


def _ceiling(time: datetime) -> datetime:
    """Of a moment within a second the end, as columns hold whole ones."""
    whole = time.replace(microsecond=0)
    seconds = whole if whole == time else datetime.fromtimestamp(whole.timestamp() + 1, time.tzinfo)
    return _naive(seconds)


def _named(wanted: Selection) -> Any:
    column = _WORKFLOWS.c.name
    match wanted.name_filter:
        case "Contains":
            return column.contains(wanted.name, autoescape=True)
        case "Prefix":
            return column.startswith(wanted.name, autoescape=True)
        case "NotEquals":
            return column != wanted.name
        case _:
            return column == wanted.name


def _labelled(term: Requirement) -> Any:
    c = _LABELS.c
    same = (c.clustername == _WORKFLOWS.c.clustername, c.uid == _WORKFLOWS.c.uid)
    has = sa.select(sa.literal(1)).select_from(_LABELS).where(*same, c.name == term.key)
    match term.op:
        case "in":
            return sa.exists(has.where(c.value.in_(term.values)))
        case "notin":
            return ~sa.exists(has.where(c.value.in_(term.values)))
        case "exists":
            return sa.exists(has)
        case "!":
            return ~sa.exists(has)
    number = sa.case((c.value.regexp_match(_INTEGER), sa.cast(c.value, sa.BigInteger)), else_=None)
    limit = int(term.values[0])
    return sa.exists(has.where(number > limit if term.op == "gt" else number < limit))
