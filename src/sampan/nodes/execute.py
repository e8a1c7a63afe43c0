"""A command in a container, or the container's own streams, as a `Process` of `kube.streams`.

Pipes are read when somebody asks for output, so a slow reader slows the command down and nothing
piles up here.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import termios
from collections.abc import AsyncIterator, Iterable, Sequence

from sampan.kube.errors import BadRequest, InternalError
from sampan.nodes.supervisor.client import Client, Command, Gone, Refused

_CHUNK = 65_536
_SIZE = (80, 24)  # of a terminal until the client says what it has


class Running:
    """A command with pipes, or with a pseudo terminal of which it has all three streams."""

    def __init__(self, command: Command, stdin: int, outputs: dict[int, int]) -> None:
        """`outputs` is descriptor -> 1 or 2. `stdin` is -1 when there is none; with a terminal
        it is the same descriptor as the output."""
        self._command = command
        self._stdin = stdin
        self._outputs = outputs
        self._terminal = stdin if stdin in outputs else -1

    async def write(self, data: bytes) -> None:
        if self._stdin >= 0:
            await write_all(self._stdin, data)

    async def close_stdin(self) -> None:
        if self._stdin < 0:
            return
        if self._terminal >= 0:
            await write_all(self._stdin, b"\x04")  # what Ctrl-D sends
            return
        os.close(self._stdin)
        self._stdin = -1

    async def resize(self, width: int, height: int) -> None:
        if self._terminal >= 0:
            set_size(self._terminal, width, height)

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        while self._outputs:
            for fd in await readable(self._outputs):
                data = _read(fd)
                if data:
                    yield self._outputs[fd], data
                elif data is not None:
                    self._drop(fd)

    async def wait(self) -> int:
        code = await self._command.wait()
        if self._stdin >= 0 and self._stdin not in self._outputs:
            os.close(self._stdin)
        self._stdin = -1
        return code

    async def kill(self) -> None:
        """End it, and close our ends: what it has started must not wait for a reader that left.
        Nobody may be reading the output at the same time."""
        self._command.kill()
        for fd in tuple(self._outputs):
            self._drop(fd)
        if self._stdin >= 0:
            os.close(self._stdin)
            self._stdin = -1

    def _drop(self, fd: int) -> None:
        del self._outputs[fd]
        if fd == self._stdin:
            self._stdin = self._terminal = -1
        os.close(fd)


async def run(
    client: Client, identity: str, argv: Sequence[str], *, stdin: bool, tty: bool, cwd: str = "/"
) -> Running:
    """Start a command in a running container; ApiStatus when that cannot be done."""
    request = {"id": identity, "argv": list(argv), "tty": tty, "cwd": cwd}
    try:
        if tty:
            master, slave = os.openpty()
            os.set_blocking(master, False)
            set_size(master, *_SIZE)
            command = await client.execute(request, [slave])
            return Running(command, master, {master: 1})
        ours, theirs = _pipes(stdin=stdin)
        command = await client.execute(request, theirs)
    except Refused as error:
        raise BadRequest(f"unable to run in the container: {error}") from error
    except Gone as error:
        raise InternalError(f"the node's supervisor does not answer: {error}") from error
    return Running(command, ours[0], {ours[1]: 1, ours[2]: 2})


async def collect(
    client: Client, identity: str, argv: Sequence[str], *, seconds: float, limit: int = 10_240
) -> tuple[int, str]:
    """(exit code, output) of a command that may take this long; TimeoutError after it."""
    command = await run(client, identity, argv, stdin=False, tty=False)
    said = b""
    try:
        async with asyncio.timeout(seconds):
            async for _, data in command.output():
                said = (said + data)[:limit]
            return await command.wait(), said.decode(errors="replace")
    except TimeoutError:
        await command.kill()
        raise


def _pipes(*, stdin: bool) -> tuple[list[int], list[int]]:
    """(our ends, theirs) of stdin, stdout, stderr."""
    ours, theirs = [], []
    if stdin:
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        ours.append(writer)
        theirs.append(reader)
    else:
        ours.append(-1)
        theirs.append(os.open(os.devnull, os.O_RDONLY))
    for _ in range(2):
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        ours.append(reader)
        theirs.append(writer)
    return ours, theirs


async def readable(fds: Iterable[int]) -> list[int]:
    """Wait until at least one of the descriptors can be read; those that can."""
    loop = asyncio.get_running_loop()
    wake = asyncio.Event()
    ready: list[int] = []

    def note(fd: int) -> None:
        loop.remove_reader(fd)
        ready.append(fd)
        wake.set()

    watched = list(fds)
    for fd in watched:
        loop.add_reader(fd, note, fd)
    try:
        await wake.wait()
    finally:
        for fd in watched:
            loop.remove_reader(fd)
    return ready


async def write_all(fd: int, data: bytes) -> None:
    """Write to a non-blocking descriptor; what nobody reads any more is dropped."""
    loop = asyncio.get_running_loop()
    while data:
        try:
            data = data[os.write(fd, data) :]
        except BlockingIOError:
            wake = asyncio.Event()
            loop.add_writer(fd, wake.set)
            try:
                await wake.wait()
            finally:
                loop.remove_writer(fd)
        except OSError:
            return


def set_size(terminal: int, width: int, height: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


def _read(fd: int) -> bytes | None:
    """b"" at the end, None when there is nothing yet."""
    try:
        return os.read(fd, _CHUNK)
    except BlockingIOError:
        return None
    except OSError:  # EIO: the other side of the terminal is gone
        return b""
