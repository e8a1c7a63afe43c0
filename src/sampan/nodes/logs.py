"""Reading a container's log: the whole, the end, since, with time stamps, and following.

The files are what `supervisor.logs` writes. Pure parsing, plus one coroutine that waits for the
supervisor to say that there is more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC
from pathlib import Path

import msgspec

from sampan.kube.streams import LogOptions
from sampan.nodes.supervisor.client import Client, Gone


async def stream(
    client: Client, directory: Path, identity: str, options: LogOptions
) -> AsyncIterator[bytes]:
    """The log in `directory`, as the options ask for it; follows until the container has ended."""
    form = Form(options)
    current = directory / "log"
    old = _content(directory / "log.1")
    now = _content(current)
    yield form.take(tail(old + now, options.tail))
    offset = len(now)
    while options.follow and not form.full:
        ended = (directory / "exit").exists()
        if _size(current) < offset:
            offset = 0  # it became log.1 meanwhile
        data = _content(current, offset)
        if data:
            offset += len(data)
            yield form.take(data)
        elif ended:
            return
        else:
            try:
                await client.grown(identity, offset)
            except Gone:
                return


async def follow(
    client: Client, directory: Path, identity: str, offset: int
) -> AsyncIterator[tuple[int, bytes]]:
    """(1 or 2, bytes) as they come, from this offset of the file on, until the container ends."""
    path = directory / "log"
    rest = b""
    while True:
        ended = (directory / "exit").exists()
        if _size(path) < offset:
            offset = 0
        data = _content(path, offset)
        offset += len(data)
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            _, stream, tag, text = line.split(b" ", 3)
            end = b"\n" if tag == b"F" else b""
            yield (2 if stream == b"stderr" else 1), text + end
        if data:
            continue
        if ended:
            return
        try:
            await client.grown(identity, offset)
        except Gone:
            return


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


def last_words(directory: Path, lines: int = 80, size: int = 2048) -> str:
    """The end of a log without time stamps, for a termination message."""
    text = Form(LogOptions(container="")).take(tail(_content(directory / "log"), lines))
    return text[-size:].decode(errors="replace")


def size_of(directory: Path) -> int:
    return _size(directory / "log")


def exit_code(directory: Path) -> int:
    """How the container of this directory has ended."""
    return int(msgspec.json.decode((directory / "exit").read_bytes())["code"])


def _content(path: Path, offset: int = 0) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read()
    except FileNotFoundError:
        return b""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
