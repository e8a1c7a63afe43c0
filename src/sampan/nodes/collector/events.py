"""The files of events below a directory, followed while they grow.

A metric may be `<directory>/<tag>`: then the file lies in a directory whose path ends so. Its tag
counts when it begins with the metric's. Upstream: tfevent-metricscollector/tfevent_loader.py.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import PurePosixPath

from sampan.kube import katib
from sampan.kube.katib import Log
from sampan.nodes.collector import records
from sampan.nodes.collector.records import Piece, Scalar
from sampan.nodes.executor.view import View

_NAME = "tfevents"
"""What the name of such a file has in it."""
_MOST, _DEEPEST = 10_000, 16
"""Entries that are looked at, and directories within each other."""
_SHOWN = 5
"""Tags that are told of."""
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Events:
    def __init__(self, view: View, directory: str, metrics: Sequence[str]) -> None:
        self._view = view
        self._directory = directory
        self._metrics = tuple(metrics)
        self._offsets: dict[str, int] = {}
        self._damaged: set[str] = set()
        self._left: dict[str, str] = {}
        """Why the rest of a file was not read."""
        self._tags: dict[str, None] = {}

    def read(self) -> Iterator[tuple[str, list[Log]]]:
        """(the file below the directory, its new values)."""
        with suppress(OSError), self._view.pinned(self._directory) as found:
            top = os.open(found.path, _OPEN | os.O_DIRECTORY)
            try:
                yield from self._below(top, "", [_MOST])
            finally:
                os.close(top)

    def missing(self) -> str:
        objective = self._metrics[0] if self._metrics else ""
        said = f"Objective metric {objective} is not found in training logs"
        said += f", in none of {len(self._offsets)} files of events in {self._directory}"
        if self._tags:
            said += f", which have {', '.join(self._tags)}"
        for path, why in list(self._left.items())[:1]:
            said += f"; {path} is not read to its end: {why}"
        return said

    def _below(self, top: int, at: str, left: list[int]) -> Iterator[tuple[str, list[Log]]]:
        """Of a directory. Each one is opened in that above it, so that a link that takes its place
        meanwhile leads nowhere. `left`: how many more entries are looked at."""
        with os.scandir(top) as entries:
            names = sorted(islice((each.name for each in entries), max(left[0], 0)))
        left[0] -= len(names)
        for name in names:
            path = f"{at}{name}"
            try:
                fd = os.open(name, _OPEN, dir_fd=top)
            except OSError:
                continue  # it went, or is a link
            try:
                mode = os.fstat(fd).st_mode
                if stat.S_ISDIR(mode) and path.count("/") < _DEEPEST:
                    yield from self._below(fd, f"{path}/", left)
                elif stat.S_ISREG(mode) and _NAME in name:
                    yield from self._pieces(fd, path)
            finally:
                os.close(fd)

    def _pieces(self, fd: int, path: str) -> Iterator[tuple[str, list[Log]]]:
        with os.fdopen(fd, "rb", closefd=False) as file:
            while path not in self._damaged:
                size = os.fstat(fd).st_size
                found = records.read(file, self._offsets.get(path, 0), size)
                self._note(path, found, size)
                yield path, self._values(path, found.scalars)
                if len(found.scalars) < records.MANY:
                    return

    def _note(self, path: str, found: Piece, size: int) -> None:
        self._offsets[path] = found.offset
        self._left.pop(path, None)
        if found.damage:
            self._damaged.add(path)
        if found.damage or found.offset < size:
            self._left[path] = (
                found.damage or f"its last record, at byte {found.offset}, has no end"
            )

    def _values(self, path: str, found: Sequence[Scalar]) -> list[Log]:
        directory = str((PurePosixPath(self._directory) / path).parent)
        for scalar in found:
            if len(self._tags) < _SHOWN:
                self._tags[scalar.tag] = None
        return [
            Log(_time(scalar.time), metric, scalar.value)
            for scalar in found
            for metric in self._metrics
            if _is_of(metric, scalar.tag, directory)
        ]


def _is_of(metric: str, tag: str, directory: str) -> bool:
    """Also a tag with a slash in it, which upstream takes for a directory only."""
    where, slash, name = metric.rpartition("/")
    return tag == metric or (tag.startswith(name) and (not slash or directory.endswith(where)))


def _time(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    except (OverflowError, ValueError, OSError):
        return katib.NEVER
