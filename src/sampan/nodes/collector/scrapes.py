"""What a program tells over HTTP while it runs, in the text form that Prometheus reads.

It is asked again and again, and a value counts when it is another one than before. There is nothing
to read once more after a restart, so each value is written down before it is told. A gauge is 0, or
NaN, before a program has set it: as a first value these count only if no other one follows.
Upstream has the kind of collector, but no program for it.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from urllib.parse import urlsplit

from sampan.kube.errors import ApiStatus
from sampan.kube.katib import Log
from sampan.kube.times import micro
from sampan.lib import exposition
from sampan.lib.exposition import Malformed, Sample
from sampan.nodes import answer
from sampan.nodes.collector.kept import Kept
from sampan.nodes.collector.options import USAGE, Options
from sampan.nodes.executor.job import Failed, Job

MOST, MANY = 1 << 20, 1_000
"""Bytes of an answer, and series with the names of metrics."""
_PATIENCE = 5.0
"""Seconds for an answer."""
_SOURCE = "scrapes"
_SHOWN = 5
"""Names of other series that are told of."""
_OF_CLIENTS = ("python_", "process_", "go_", "jvm_", "promhttp_", "scrape_")
"""What libraries serve of themselves."""


class Scrapes:
    pause = 0.5
    void: Sequence[str] = ()
    fault = last = ""

    def __init__(self, job: Job, options: Options, kept: Kept) -> None:
        self._job, self._kept, self._url = job, kept, options.url
        self._request = _request(options)
        metrics = dict.fromkeys((*options.metrics, *(rule.metric for rule in options.rules)))
        try:
            self._wanted = {metric: exposition.series(metric) for metric in metrics}
        except Malformed as wrong:
            raise Failed(str(wrong), USAGE) from None
        self._objective = next(iter(metrics), "")
        self._journal = job.directory / "scraped"
        self._told: dict[str, tuple[str, float | None]] = {}
        self._held: dict[str, Log] = {}
        self._answered = self._begun = self._paused = self._over = False
        self._unclear = self._fault = self.why = ""
        self._others: list[str] = []

    async def read(self, *, ended: bool) -> tuple[str, Sequence[Log]] | None:
        """One scrape, and then nothing until it is time for the next."""
        if not self._begun:
            self._begun = True
            return _SOURCE, self._taken_up()
        if ended:
            over, self._over = self._over, True
            return None if over else (_SOURCE, self._noted(list(self._held.values())))
        self._paused = not self._paused
        return (_SOURCE, await self._scrape()) if self._paused else None

    def missing(self) -> str:
        said = f"Objective metric {self._objective} is not found"
        if self._unclear:
            return f"{said}: {self._unclear}"
        if not self._answered:
            return f"{said}: {self._fault or f'nobody asked {self._url} before the end'}"
        others = ", ".join(self._others) or "nothing"
        return f"{said} at {self._url}, which serves {others}"

    def absent(self) -> str:
        return ""

    # -- a scrape ---------------------------------------------------------------------------------
    async def _scrape(self) -> list[Log]:
        try:
            async with asyncio.timeout(_PATIENCE):
                text = await self._get()
            found = await asyncio.to_thread(self._samples, text)
        except TimeoutError:
            self._fault = f"GET {self._url}: no answer within {_PATIENCE:g} s"
        except (ApiStatus, OSError, EOFError, ValueError) as error:
            said = error.message if isinstance(error, ApiStatus) else str(error)
            self._fault = f"GET {self._url}: {said}"
        else:
            self._answered, self._fault = True, ""
            return self._noted([log for metric in self._wanted for log in self._new(metric, found)])
        return []

    async def _get(self) -> str:
        parts = urlsplit(self._url)
        link = await self._job.dial(parts.port or 0, tls=parts.scheme == "https")
        try:
            await link.write(self._request)
            status, body = await answer.read(link, MOST)
        finally:
            link.close()
        if status != 200:
            raise ValueError(f"the answer is {status}")
        return body.decode(errors="replace")

    def _samples(self, text: str) -> list[Sample]:
        others = (each for each in exposition.served(text) if not each.startswith(_OF_CLIENTS))
        self._others = list(dict.fromkeys(islice(others, MANY)))[:_SHOWN]
        named = exposition.samples(text, [each.name for each in self._wanted.values()])
        found = list(islice(named, MANY + 1))
        if len(found) > MANY:
            raise Malformed(f"there are more than {MANY} series with the names of the metrics")
        return found

    def _new(self, metric: str, found: Sequence[Sample]) -> list[Log]:
        """The value of a metric, if it is another one than before."""
        mine = [each for each in found if self._wanted[metric].finds(each.series)]
        if len(mine) > 1:
            if metric == self._objective:
                two = " and ".join(str(each.series) for each in mine[:2])
                self._unclear = f"it may be any of {len(mine)} series, such as {two}"
            return []
        if not mine or self._told.get(metric) == (mine[0].value, mine[0].time):
            return []
        log = Log(self._time(mine[0]), metric, mine[0].value)
        if metric not in self._told and _is_unset(log.value):
            self._held.setdefault(metric, log)
            return []
        self._told[metric] = (mine[0].value, mine[0].time)
        self._held.pop(metric, None)
        return [log]

    def _time(self, sample: Sample) -> str:
        if sample.time is not None:
            with suppress(OverflowError, ValueError, OSError):
                return micro(datetime.fromtimestamp(sample.time, UTC))
        return micro(self._job.clock.now())

    def _look(self, log: Log) -> None:
        if log.metric == self._objective and not self.why and not math.isfinite(float(log.value)):
            self.why = f'{log.metric} is not a number at {self._url}: its value is "{log.value}"'

    # -- what is on disk --------------------------------------------------------------------------
    def _taken_up(self) -> list[Log]:
        """What was scraped under an earlier control plane."""
        try:
            data = self._journal.read_bytes()
        except FileNotFoundError:
            return []
        whole, end, _ = data.rpartition(b"\n")
        logs = [Log(*json.loads(line)) for line in whole.splitlines()]
        with self._journal.open("r+b") as file:
            file.truncate(len(whole + end))  # a last line may be half of one
        for each in logs:
            self._told[each.metric] = (each.value, None)
            self._look(each)
        self._answered = bool(logs)
        self._tell(logs[self._kept.state.offset :])
        return logs

    def _noted(self, logs: list[Log]) -> list[Log]:
        """The same, on disk and in the log."""
        if logs:
            with self._journal.open("a") as file:
                file.writelines(f"{json.dumps([x.time, x.metric, x.value])}\n" for x in logs)
            for each in logs:
                self._look(each)
            self._tell(logs)
        return logs

    def _tell(self, logs: Sequence[Log]) -> None:
        if logs:
            lines = "".join(f"{each.time} {each.metric}={each.value}\n" for each in logs)
            self._kept.state.size = self._job.write(lines.encode(errors="replace"))
            self._kept.state.offset += len(logs)
            self._kept.save()


def _is_unset(value: str) -> bool:
    number = float(value)
    return number == 0 or math.isnan(number)


def _request(options: Options) -> bytes:
    parts = urlsplit(options.url)
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    headers = {"host": parts.netloc, "accept": "text/plain;version=0.0.4", "connection": "close"}
    for each in options.headers:
        name, _, value = each.partition(":")
        headers[name.strip().lower()] = value.strip()
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", errors="replace")
