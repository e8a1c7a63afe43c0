"""Reading a container's log: the whole, the end, since, with time stamps, and following.

The files are what `supervisor.logs` writes. Pure parsing, plus one coroutine that waits for the
supervisor to say that there is more.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec

from sampan.kube.streams import LogOptions
from sampan.nodes.supervisor.client import Gone

_PIECE = 1 << 18  # bytes
_PERIOD = 0.2  # seconds


class Grows(Protocol):
    """Who knows when a log grows."""

    async def grown(self, identity: str, size: int) -> None:
        """Returns when the log has another size than this, or its container has ended."""
        ...


class Looks:
    """Of the containers that the supervisor does not know: one looks again after a while."""

    async def grown(self, identity: str, size: int) -> None:
        await asyncio.sleep(_PERIOD)


async def stream(
    client: Grows, directory: Path, identity: str, options: LogOptions
) -> AsyncIterator[bytes]:
    """The log in `directory`, as the options ask for it; follows until the container has ended.
    However long it is, only a piece of it is in memory."""
    form = Form(options)
    with Cursor(directory) as cursor:
        if options.tail is not None:
            yield form.take(_end(directory, options.tail))
            cursor.skip()
        elif not options.follow:
            while (data := cursor.read()) and not form.full:
                yield form.take(data)
            return
        async for data in _grow(client, directory, identity, cursor, follow=options.follow):
            yield form.take(data)
            if form.full:
                return


async def follow(
    client: Grows, directory: Path, identity: str, offset: int
) -> AsyncIterator[tuple[int, bytes]]:
    """(1 or 2, bytes) as they come, from this offset of the file on, until the container ends."""
    rest = b""
    with Cursor(directory) as cursor:
        cursor.skip(offset)
        async for data in _grow(client, directory, identity, cursor, follow=True):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                _, stream, tag, text = line.split(b" ", 3)
                end = b"\n" if tag == b"F" else b""
                yield (2 if stream == b"stderr" else 1), text + end


async def _grow(
    client: Grows, directory: Path, identity: str, cursor: Cursor, *, follow: bool
) -> AsyncIterator[bytes]:
    """What comes after the cursor, until the container has ended or all is read."""
    while True:
        ended = (directory / "exit").exists()
        data = cursor.read()
        if data:
            yield data
        elif ended or not follow:
            return
        else:
            try:
                await client.grown(identity, cursor.offset)
            except Gone:
                return


class Cursor:
    """Reads a log from its oldest line on, over all files, while it grows and is rotated: what is
    being read stays open under whatever name, and its successor is found by its place."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file: BinaryIO | None = None

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    @property
    def offset(self) -> int:
        """In the file that is being read."""
        return self._file.tell() if self._file else 0

    def skip(self, offset: int | None = None) -> None:
        """Go to the end, or to this offset, of the newest file."""
        self._close()
        with contextlib.suppress(FileNotFoundError):
            self._file = (self._directory / "log").open("rb")
            self._file.seek(*((0, os.SEEK_END) if offset is None else (offset,)))

    def read(self) -> bytes:
        """The next piece; b"" when there is none yet."""
        data = self._file.read(_PIECE) if self._file else b""
        while not data:
            newer = self._newer()
            if newer is None:
                return b""
            # Something may have been written to it between the end that we saw and its renaming.
            data = self._file.read(_PIECE) if self._file else b""
            if not data:
                self._close()
                try:
                    self._file = newer.open("rb")
                except FileNotFoundError:
                    continue  # renamed this very moment
                data = self._file.read(_PIECE)
        return data

    def _newer(self) -> Path | None:
        """The file after the one that is being read; the oldest when that is gone."""
        files = generations(self._directory)
        if self._file is None:
            return files[0] if files else None
        ours = os.fstat(self._file.fileno()).st_ino
        for index, path in enumerate(files):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_ino == ours:
                    return files[index + 1] if index + 1 < len(files) else None
        return files[0] if files else None

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def generations(directory: Path) -> list[Path]:
    """The files of a log, the oldest first."""
    try:
        found = os.listdir(directory)
    except OSError:
        return []
    old = [int(name[4:]) for name in found if name.startswith("log.") and name[4:].isdigit()]
    files = [directory / f"log.{number}" for number in sorted(old, reverse=True)]
    return [*files, directory / "log"] if "log" in found else files


class Form:
    """Turns lines of the file into what the client sees."""

    def __init__(self, options: LogOptions) -> None:
        self._stamps = options.timestamps
        since = options.since
        self._since = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}".encode() if since else b""
        self._left = options.limit_bytes
        self._fresh = True
        self._rest = b""

    @property
    def full(self) -> bool:
        return self._left is not None and self._left <= 0

    def take(self, data: bytes) -> bytes:
        *lines, self._rest = (self._rest + data).split(b"\n")
        text = b"".join(self._lines(lines))
        if self._left is not None:
            text = text[: self._left]
            self._left -= len(text)
        return text

    def _lines(self, lines: list[bytes]) -> Iterator[bytes]:
        for line in lines:
            stamp, _, rest = line.partition(b" ")
            if stamp < self._since:
                continue
            _, _, rest = rest.partition(b" ")
            if self._stamps and self._fresh:
                yield stamp + b" "
            yield rest[2:]
            self._fresh = rest[:1] == b"F"
            if self._fresh:
                yield b"\n"


def tail(data: bytes, lines: int | None) -> bytes:
    """The last lines of a log; a line in several pieces counts as one."""
    if lines is None:
        return data
    if lines <= 0:
        return b""
    rows = data.split(b"\n")[:-1]
    ends = [index for index, row in enumerate(rows) if row.split(b" ", 3)[2:3] == [b"F"]]
    if rows and (not ends or ends[-1] != len(rows) - 1):
        ends.append(len(rows) - 1)
    if len(ends) <= lines:
        return data
    return b"\n".join(rows[ends[-lines - 1] + 1 :]) + b"\n"


def _end(directory: Path, lines: int) -> bytes:
    """The last lines of a log, reading no more of it than that takes."""
    found = b""
    for path in reversed(generations(directory)):
        size = _size(path)
        piece = _PIECE
        while size > 0:
            start = max(0, size - piece)
            found = _content(path, start, size - start) + found
            size, piece = start, piece * 2
            if found.count(b" F ") > lines and len(cut := tail(found, lines)) < len(found):
                return cut
    return tail(found, lines)


def last_words(directory: Path, lines: int = 80, size: int = 2048) -> str:
    """The end of a log without time stamps, for a termination message."""
    text = Form(LogOptions(container="")).take(_end(directory, lines))
    return text[-size:].decode(errors="replace")


def write_text(directory: Path, target: Path) -> None:
    """Both streams as they came, without their time stamps. A log that is not there is empty."""
    rest = b""
    with Cursor(directory) as cursor, target.open("wb") as file:
        while data := cursor.read():
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                _, _, tag, text = line.split(b" ", 3)
                file.write(text + (b"\n" if tag == b"F" else b""))


def size_of(directory: Path) -> int:
    return _size(directory / "log")


def exit_code(directory: Path) -> int:
    """How the container of this directory has ended."""
    return int(msgspec.json.decode((directory / "exit").read_bytes())["code"])


def _content(path: Path, offset: int, length: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(length)
    except FileNotFoundError:
        return b""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
