"""What was read of a trial, on its way to who keeps it: in batches, in order, until it is kept.

Nothing is told before there is a value of the objective, because a trial without one has none of
the others either. Values without number are told up to a limit; of those beyond it the least, the
greatest and the last of each metric, with the last batch, which is all that a trial is judged by.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from sampan.kube import katib
from sampan.kube.katib import Batch, Log, Observations

log = logging.getLogger(__name__)

MOST = 100_000
"""Values of one source."""
_LARGEST = 64 << 20  # characters of them
_EVERY = 1.0  # seconds between batches
_LARGE = 5_000  # values that are told at once
_AGAIN = 0.5


class Series:
    """The values of one source, in order."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.pending: list[Log] = []
        self.told = 0
        self.seen = False
        """Whether there was a value of the objective."""
        self._beyond: dict[tuple[str, str], tuple[int, Log]] = {}
        self._number = self._size = 0

    def add(self, logs: Sequence[Log]) -> None:
        for each in logs:
            self._number += 1
            self._size += len(each.value)
            if self._number <= MOST and self._size <= _LARGEST:
                self.pending.append(each)
            else:
                self._note(each)

    def end(self) -> None:
        """Nothing follows: what is left of the values beyond the limit."""
        kept = sorted(set(self._beyond.values()), key=lambda pair: pair[0])
        self.pending += [each for _, each in kept]
        self._beyond.clear()

    def _note(self, log: Log) -> None:
        self._beyond[log.metric, "last"] = (self._number, log)
        try:
            value = float(log.value)
        except ValueError:
            return
        for how, sign in (("least", 1), ("greatest", -1)):
            known = self._beyond.get((log.metric, how))
            if known is None or sign * value < sign * float(known[1].value):
                self._beyond[log.metric, how] = (self._number, log)


class Teller:
    def __init__(
        self, observations: Observations, where: tuple[str, str], prefix: str, objective: str
    ) -> None:
        """`where` is (namespace, trial). All sources begin with `prefix`."""
        self._observations = observations
        self._namespace, self._trial = where
        self._prefix, self._objective = prefix, objective
        self._series: dict[str, Series] = {}
        self._due = 0.0

    def add(self, source: str, logs: Sequence[Log]) -> None:
        name = f"{self._prefix}{source}"
        series = self._series.setdefault(name, Series(name))
        series.add(logs)
        series.seen = series.seen or any(each.metric == self._objective for each in logs)

    @property
    def _seen(self) -> bool:
        return any(series.seen for series in self._series.values())

    async def now(self) -> None:
        """Tell what there is, if it is time to."""
        loop = asyncio.get_running_loop()
        many = any(len(each.pending) >= _LARGE for each in self._series.values())
        if self._seen and (many or loop.time() >= self._due):
            self._due = loop.time() + _EVERY
            for series in self._series.values():
                await self._tell(series)

    async def end(self, why: str, missing: str) -> None:
        """Tell the rest, and that nothing follows. `missing`: why there is no objective, if there
        is none."""
        if not self._seen:
            nothing = Series(f"{self._prefix}nothing")
            nothing.pending.append(Log(katib.NEVER, self._objective, katib.UNAVAILABLE))
            await self._tell(nothing, final=True, why=missing)
            return
        listed = list(self._series.values())
        for series in listed:
            series.end()
            await self._tell(series, final=series is listed[-1], why=why)

    async def forget(self, source: str = "") -> None:
        """What sources told that begin so does not count."""
        name = f"{self._prefix}{source}"
        for each in [each for each in self._series if each.startswith(name)]:
            del self._series[each]
        while True:
            try:
                await self._observations.retract(self._namespace, self._trial, name)
                return
            except Exception as error:
                log.warning("metrics of %s are not taken back: %s", self._trial, error)
                await asyncio.sleep(_AGAIN)

    async def stopped(self) -> None:
        while True:
            try:
                await self._observations.stopped(self._namespace, self._trial)
                return
            except Exception as error:
                log.warning("nobody hears that %s was stopped: %s", self._trial, error)
                await asyncio.sleep(_AGAIN)

    async def _tell(self, series: Series, *, final: bool = False, why: str = "") -> None:
        while series.pending or final:
            logs = tuple(series.pending[:_LARGE])
            last = final and len(logs) == len(series.pending)
            batch = Batch(
                source=series.source,
                first=series.told,
                logs=logs,
                final=last,
                why=why if last else "",
            )
            try:
                await self._observations.report(self._namespace, self._trial, batch)
            except Exception as error:
                log.warning("metrics of %s are not kept yet: %s", self._trial, error)
                await asyncio.sleep(_AGAIN)
                continue
            series.told += len(logs)
            del series.pending[: len(logs)]
            if last:
                return
