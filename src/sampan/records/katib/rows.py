"""The database of observations: what `store` calls, each a transaction. Everything here blocks.

A Trial is known by its uid: one that is made again under the same name has a log of its own. Times
are microseconds since 1970, and values the texts that were reported. `number` is the order in which
rows came, which decides where times are the same; `place` their order in a source, which tells what
of it is kept already.
Upstream: pkg/db/v1beta1/mysql, whose table knows trials by name alone and has no index.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

import sqlalchemy as sa

from sampan.kube.searching import Metric
from sampan.records import database
from sampan.records.database import LONG, text
from sampan.records.katib import summary
from sampan.records.katib.log import LONGEST_NAME, MOST, Entry, Full, Of, Wanted

_META = sa.MetaData()
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_AT_ONCE = 500  # uids in one statement
LONGEST_SOURCE = 255
_TEXT = 64  # characters of a value that count as one

_LOGS = sa.Table(
    "observation_logs",
    _META,
    sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
    sa.Column("namespace", text(63), nullable=False),
    sa.Column("trial_name", text(253), nullable=False),
    sa.Column("trial_uid", text(64), nullable=False),
    sa.Column("source", text(LONGEST_SOURCE), nullable=False),
    sa.Column("place", sa.BigInteger, nullable=False),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Column("metric_name", text(LONGEST_NAME), nullable=False),
    sa.Column("value", LONG, nullable=False),
    sa.Index("observation_logs_uid", "trial_uid", "time", "number"),
    sa.Index("observation_logs_source", "trial_uid", "source", "place"),
    sa.Index("observation_logs_name", "namespace", "trial_name"),
)
_NOTES = sa.Table(
    "observation_notes",
    _META,
    sa.Column("trial_uid", text(64), primary_key=True),
    sa.Column("why", LONG, nullable=False),
)

_told = database.told("the database of observations")


class Rows:
    """One database. What writes is called from one thread, what reads from another one."""

    @_told
    def __init__(self, url: str) -> None:
        self._engine = database.opened(url)
        _META.create_all(self._engine)

    def close(self) -> None:
        self._engine.dispose()

    @_told
    def keep(self, of: Of, entries: Sequence[Entry], source: str, first: int) -> int:
        """In one transaction; those that are not kept yet, if the source has a name. Answers with
        how many those were. Full."""
        with self._engine.begin() as connection:
            have = _count(connection, of.uid, source)
            places = range(first, first + len(entries)) if source else _places(of, have, entries)
            rows = [
                {
                    "namespace": of.namespace,
                    "trial_name": of.trial,
                    "trial_uid": of.uid,
                    "source": source,
                    "place": place,
                    "time": each.time,
                    "metric_name": _text(each.metric),
                    "value": _text(each.value),
                }
                for place, each in zip(places, entries, strict=True)
                if place >= have
            ]
            if rows:
                connection.execute(sa.insert(_LOGS), rows)
        return len(rows)

    @_told
    def note(self, uid: str, why: str) -> None:
        """What people are to read about the log, instead of what was noted before."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(_NOTES).where(_NOTES.c.trial_uid == uid))
            if why:
                connection.execute(sa.insert(_NOTES).values(trial_uid=uid, why=_text(why)))

    @_told
    def retract(self, uid: str, source: str) -> None:
        """Delete what the sources told whose names begin so."""
        c = _LOGS.c
        begins = sa.func.substr(c.source, 1, len(source)) == source
        with self._engine.begin() as connection:
            connection.execute(sa.delete(_LOGS).where(c.trial_uid == uid, begins))

    @_told
    def log(self, uid: str, wanted: Wanted) -> list[Entry]:
        """In the order of their times."""
        c = _LOGS.c
        found = sa.select(c.time, c.metric_name, c.value).where(c.trial_uid == uid)
        if wanted.metric:
            found = found.where(c.metric_name == wanted.metric)
        if wanted.since is not None:
            found = found.where(c.time >= wanted.since)
        if wanted.until is not None:
            found = found.where(c.time <= wanted.until)
        with self._engine.connect() as connection:
            rows = connection.execute(found.order_by(c.time, c.number))
            return [Entry(*row) for row in rows]

    @_told
    def summaries(
        self, wanted: Iterable[tuple[str, Sequence[str]]]
    ) -> list[tuple[tuple[Metric, ...], str]]:
        """Of each uid those of the metrics that were reported, in their order, and the note."""
        c, notes = _LOGS.c, _NOTES.c
        answers = []
        with self._engine.connect() as connection:
            for uid, metrics in wanted:
                rows = connection.execute(
                    sa.select(c.metric_name, c.value)
                    .where(c.trial_uid == uid, c.metric_name.in_(list(metrics)))
                    .order_by(c.time, c.number)
                )
                found = summary.of((name, value) for name, value in rows)
                why = connection.scalar(sa.select(notes.why).where(notes.trial_uid == uid))
                ordered = tuple(found[name] for name in dict.fromkeys(metrics) if name in found)
                answers.append((ordered, why or ""))
        return answers

    @_told
    def series(self, uids: Sequence[str], metric: str) -> dict[str, list[str]]:
        """The values of a metric in the order of their times, by uid."""
        c = _LOGS.c
        found: dict[str, list[str]] = {}
        with self._engine.connect() as connection:
            for some in _parts(uids):
                rows = connection.execute(
                    sa.select(c.trial_uid, c.value)
                    .where(c.trial_uid.in_(some), c.metric_name == metric)
                    .order_by(c.trial_uid, c.time, c.number)
                )
                for uid, value in rows:
                    found.setdefault(uid, []).append(value)
        return found

    @_told
    def delete(self, uids: Sequence[str]) -> None:
        with self._engine.begin() as connection:
            for some in _parts(uids):
                for table in (_LOGS, _NOTES):
                    connection.execute(sa.delete(table).where(table.c.trial_uid.in_(some)))

    def keep_only(self, present: frozenset[str]) -> None:
        """Delete what is of no Trial with one of these uids."""
        self.delete(sorted(self._uids() - present))

    @_told
    def _uids(self) -> set[str]:
        with self._engine.connect() as connection:
            return {
                uid
                for table in (_LOGS, _NOTES)
                for uid in connection.scalars(sa.select(table.c.trial_uid).distinct())
            }


def _count(connection: sa.Connection, uid: str, source: str) -> int:
    """How many values of the source are kept."""
    c = _LOGS.c
    last = sa.select(sa.func.max(c.place)).where(c.trial_uid == uid, c.source == source)
    found = connection.scalar(last)
    return 0 if found is None else int(found) + 1


def _places(of: Of, have: int, entries: Sequence[Entry]) -> Sequence[int]:
    """Of values that come without places. Full."""
    weights = (1 + len(each.value) // _TEXT for each in entries)
    places = list(accumulate(weights, initial=have - 1))[1:]
    if places and places[-1] >= MOST:
        raise Full(f"more than {MOST} values were reported of trial {of.trial}")
    return places


def _parts(uids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (uids[first : first + _AT_ONCE] for first in range(0, len(uids), _AT_ONCE))


def _text(value: str) -> str:
    """As PostgreSQL takes it."""
    return value.replace("\0", "")
