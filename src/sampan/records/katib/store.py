"""What everybody asks of the observations of trials, not waiting for the database (`threads`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sampan.kube.searching import Metric
from sampan.records.katib.log import Entry, Of, Wanted
from sampan.records.threads import Threads


class Store:
    """`url` as SQLAlchemy writes them. `present` tells the uids of the trials that there are, when
    the database is opened: what is of others goes. Methods raise ArchiveFailed."""

    def __init__(
        self, url: str, file: Path | None = None, *, present: Callable[[], frozenset[str]]
    ) -> None:
        self._rows = Threads("sampan.records.katib.rows", url, file)
        self._present = present
        self._swept = False

    @classmethod
    def at(cls, file: Path, *, present: Callable[[], frozenset[str]]) -> Store:
        """In a SQLite file."""
        return cls(f"sqlite:///{file}", file, present=present)

    async def keep(self, of: Of, entries: Sequence[Entry], source: str = "", first: int = 0) -> int:
        """All of them, or none. They are number `first` and so on of the source: those that are
        kept already are not kept again. A source without a name tells nothing twice. Answers with
        how many were new."""
        await self._open()
        found: int = await self._rows.write("keep", of, entries, source, first)
        return found

    async def note(self, of: Of, why: str) -> None:
        """What was looked for and not found, for people; "" when all is well."""
        if why:
            await self._open()
        if not self._rows.is_empty:
            await self._rows.write("note", of.uid, why)

    async def retract(self, uid: str, source: str) -> None:
        """What the sources told whose names begin so does not count."""
        if not self._rows.is_empty:
            await self._rows.write("retract", uid, source)

    async def log(self, uid: str, wanted: Wanted) -> Sequence[Entry]:
        """In the order of their times."""
        return [] if self._rows.is_empty else await self._rows.read("log", uid, wanted)

    async def summaries(
        self, wanted: Sequence[tuple[str, Sequence[str]]]
    ) -> Sequence[tuple[tuple[Metric, ...], str]]:
        """Of each uid those of its metrics that were reported, and why others were not."""
        if self._rows.is_empty:
            return [((), "")] * len(wanted)
        found: Sequence[tuple[tuple[Metric, ...], str]] = await self._rows.read("summaries", wanted)
        return found

    async def series(self, uids: Sequence[str], metric: str) -> Mapping[str, Sequence[str]]:
        """The values of a metric in the order of their times, by uid."""
        return {} if self._rows.is_empty else await self._rows.read("series", uids, metric)

    async def delete(self, uids: Sequence[str]) -> None:
        if not self._rows.is_empty:
            await self._rows.write("delete", uids)

    async def close(self) -> None:
        await self._rows.close()

    async def _open(self) -> None:
        """Make the database. Trials may have been deleted while nobody was here to hear of it."""
        self._rows.make_room()
        if not self._swept:
            self._swept = True
            await self._rows.write("keep_only", self._present())
