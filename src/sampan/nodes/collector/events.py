"""The files of events below a directory, followed while they grow.

A metric may be `<directory>/<tag>`: then the file lies in a directory whose path ends so. Its tag
counts when it begins with the metric's. Upstream: tfevent-metricscollector/tfevent_loader.py.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import PurePosixPath

from sampan.kube import katib
from sampan.kube.katib import Log
from sampan.nodes.collector import records
from sampan.nodes.collector.records import Scalar
from sampan.nodes.executor.view import View

log = logging.getLogger(__name__)

_NAME = "tfevents"
"""What the name of such a file has in it."""
_MOST = 1_000
"""Files that are looked at."""


class Events:
    def __init__(self, view: View, directory: str, metrics: Sequence[str]) -> None:
        self._view = view
        self._directory = directory
        self._metrics = tuple(metrics)
        self._offsets: dict[str, int] = {}
        self._damaged: set[str] = set()

    def read(self) -> Iterator[tuple[str, list[Log]]]:
        """(the file below the directory, its new values)."""
        with suppress(OSError), self._view.pinned(self._directory) as found:
            for path in sorted(_files(found.path))[:_MOST]:
                if path not in self._damaged:
                    yield path, self._values(path, self._new(found.path, path))

    def missing(self) -> str:
        objective = self._metrics[0] if self._metrics else ""
        said = f"Objective metric {objective} is not found in training logs"
        return f"{said}, in none of {len(self._offsets)} files of events in {self._directory}"

    def _new(self, base: str, path: str) -> list[Scalar]:
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with open(os.open(f"{base}/{path}", flags), "rb") as file:
                facts = os.fstat(file.fileno())
                if not stat.S_ISREG(facts.st_mode):
                    return []
                offset = self._offsets.get(path, 0)
                found, self._offsets[path] = records.read(file, offset, facts.st_size)
                return found
        except (OSError, ValueError) as fault:
            if isinstance(fault, ValueError):
                self._damaged.add(path)
            log.warning("%s is not read: %s", path, fault)
            return []

    def _values(self, path: str, found: Sequence[Scalar]) -> list[Log]:
        directory = str((PurePosixPath(self._directory) / path).parent)
        return [
            Log(_time(scalar.time), metric, scalar.value)
            for scalar in found
            for metric in self._metrics
            if _is_of(metric, scalar.tag, directory)
        ]


def _files(base: str) -> Iterator[str]:
    for directory, _, names in os.walk(base):
        for name in names:
            if _NAME in name:
                yield os.path.relpath(f"{directory}/{name}", base)


def _is_of(metric: str, tag: str, directory: str) -> bool:
    where, slash, name = metric.rpartition("/")
    return tag.startswith(name) and (not slash or directory.endswith(where))


def _time(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    except (OverflowError, ValueError, OSError):
        return katib.NEVER
