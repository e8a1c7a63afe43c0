"""A command's streams in this terminal, over the websocket protocol v5.channel.k8s.io.

The first byte of each message is the channel: 0 stdin, 1 stdout, 2 stderr, 3 the final Status,
4 the size of the terminal, 255 closes the channel named next. Upstream: KEP-4006.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from sampan.kube.errors import UserMistake, from_status

if TYPE_CHECKING:
    from aiohttp import ClientWebSocketResponse

    from sampan.cli.connect import Client

PROTOCOL = "v5.channel.k8s.io"
STDIN, STDOUT, STDERR, STATUS, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
PIECE = 32_768


async def run_in(
    client: Client, path: str, container: str, command: Sequence[str], *, stdin: bool, tty: bool
) -> int:
    """Run the command; answers with its exit code."""
    if tty and not sys.stdin.isatty():
        raise UserMistake("-t needs a terminal; leave it out in a script")
    query = [("container", container), ("stdout", "true")]
    query += [("stdin", "true")] * stdin
    query += [("tty", "true")] if tty else [("stderr", "true")]
    query += [("command", word) for word in command]
    async with client.websocket(f"{path}?{urlencode(query)}", PROTOCOL) as socket:
        with _raw_terminal() if tty else contextlib.nullcontext():
            sender = asyncio.create_task(_send(socket, stdin=stdin, tty=tty))
            try:
                return await _receive(socket)
            finally:
                sender.cancel()


async def _receive(socket: ClientWebSocketResponse) -> int:
    targets = {STDOUT: sys.stdout.buffer, STDERR: sys.stderr.buffer}
    async for message in socket:
        if not isinstance(message.data, bytes) or not message.data:
            continue
        channel, data = message.data[0], message.data[1:]
        if channel in targets:
            targets[channel].write(data)
            targets[channel].flush()
        elif channel == STATUS:
            return _exit_code(json.loads(data))
    raise UserMistake("the connection ended before the command did")


def _exit_code(status: dict[str, Any]) -> int:
    if status.get("status") == "Success":
        return 0
    for cause in (status.get("details") or {}).get("causes") or ():
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    raise from_status(status)


async def _send(socket: ClientWebSocketResponse, *, stdin: bool, tty: bool) -> None:
    loop = asyncio.get_running_loop()
    if tty:
        resized = asyncio.Event()
        resized.set()
        loop.add_signal_handler(signal.SIGWINCH, resized.set)
        sizes = asyncio.create_task(_send_sizes(socket, resized))
        sizes.add_done_callback(lambda task: task.cancelled() or task.exception())
    if not stdin:
        return
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while data := await reader.read(PIECE):
        await socket.send_bytes(bytes([STDIN]) + data)
    await socket.send_bytes(bytes([CLOSE, STDIN]))


async def _send_sizes(socket: ClientWebSocketResponse, resized: asyncio.Event) -> None:
    while not socket.closed:
        await resized.wait()
        resized.clear()
        columns, lines = os.get_terminal_size()
        size = json.dumps({"Width": columns, "Height": lines}).encode()
        await socket.send_bytes(bytes([RESIZE]) + size)


@contextlib.contextmanager
def _raw_terminal() -> Iterator[None]:
    """Keys go through one by one, and the terminal is as it was afterwards."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
