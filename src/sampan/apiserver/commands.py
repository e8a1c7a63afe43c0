"""A command's streams between a client and a `Process`: over a websocket's channels, or over SPDY.

Websocket: the first byte of a message is the channel: 0 stdin, 1 stdout, 2 stderr, 3 the outcome, 4
a new terminal size; with v5 also 255, which closes the channel that follows (`Dialect`).
SPDY: the client opens a stream for each, named by its header `streamtype`, and ends stdin by ending
the stream. From v4 on the outcome is a Status, before that the message alone.
Upstream: k8s.io/apimachinery pkg/util/remotecommand,
k8s.io/kubelet pkg/cri/streaming/remotecommand.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from msgspec import Struct

from sampan.apiserver.http import Receive, Send
from sampan.apiserver.spdy.connection import Connection, Pipe, Stream
from sampan.apiserver.waiting import until_either
from sampan.apiserver.websocket import LAST
from sampan.kube.errors import ApiStatus, InternalError
from sampan.kube.streams import Process

_log = logging.getLogger(__name__)

SPDY_PROTOCOLS = (
    "v5.channel.k8s.io", "v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io",
    "channel.k8s.io",
)  # fmt: skip
_STDIN, _ERROR, _RESIZE, _CLOSE = 0, 3, 4, 255
_OUTPUTS = {1: "stdout", 2: "stderr"}
_OPENING = 30.0  # seconds that the client has to open its streams, as upstream
_LINGER = 5.0  # seconds that it has to read the outcome and close the connection itself
_LONGEST_SIZE = 1024  # bytes of a terminal size

Give = Callable[[int, bytes], Awaitable[None]]


class Wanted(Struct, frozen=True):
    """The streams that the client is going to open over SPDY."""

    streams: frozenset[str]
    status: bool  # the outcome is a Status

    @classmethod
    def of(cls, asks: Callable[[str], bool], protocol: str) -> Wanted:
        """From the query and the protocol that was agreed on."""
        version = int(protocol[1]) if protocol.startswith("v") else 1
        streams = {"error", *(each for each in ("stdin", "stdout", "stderr") if asks(each))}
        if asks("tty"):
            streams.discard("stderr")
            if version >= 3:
                streams.add("resize")
        return cls(frozenset(streams), version >= 4)


# -- websocket ------------------------------------------------------------------------------------


class Dialect(Struct, frozen=True):
    """A subprotocol. coded: messages are text, the channel a digit, the rest base64. status: the
    outcome is always told, as a Status; else only a failure is, in words."""

    coded: bool
    status: bool

    def said(self, channel: int, data: bytes) -> dict[str, Any]:
        """A message to the client."""
        if self.coded:
            text = str(channel) + base64.b64encode(data).decode()
            return {"type": "websocket.send", "text": text}
        return {"type": "websocket.send", "bytes": bytes([channel]) + data}

    def heard(self, message: Any) -> bytes:
        """A message of the client: channel and data; b"" for one that cannot be read."""
        data: bytes = message.get("bytes") or (message.get("text") or "").encode()
        if not self.coded or not data:
            return data
        try:
            return bytes([data[0] - ord("0")]) + base64.b64decode(data[1:], validate=True)
        except ValueError:
            return b""


DIALECTS = {
    "v5.channel.k8s.io": Dialect(coded=False, status=True),
    "v4.channel.k8s.io": Dialect(coded=False, status=True),
    "v4.base64.channel.k8s.io": Dialect(coded=True, status=True),
    "channel.k8s.io": Dialect(coded=False, status=False),
    "base64.channel.k8s.io": Dialect(coded=True, status=False),
}
"""Best first. A client that offers none speaks `channel.k8s.io`."""


async def over_websocket(receive: Receive, send: Send, process: Process, dialect: Dialect) -> None:
    """Until the command has ended or the client has left."""

    async def give(channel: int, data: bytes) -> None:
        await send(dialect.said(channel, data))

    async def run() -> None:
        outcome = await _run(process, give)
        ending: dict[str, Any] = {"type": "websocket.close", "code": 1000}
        if dialect.status:
            ending[LAST] = dialect.said(_ERROR, orjson.dumps(outcome))
        elif outcome["status"] != "Success":
            ending[LAST] = dialect.said(_ERROR, str(outcome["message"]).encode())
        await send(ending)

    with contextlib.suppress(OSError):  # the client has left while it was spoken to
        await until_either(run(), _take(receive, process, dialect))


async def _take(receive: Receive, process: Process, dialect: Dialect) -> None:
    """What the client says, until it leaves."""
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        data = dialect.heard(message)
        if not data:
            continue
        channel, rest = data[0], data[1:]
        if channel == _STDIN and rest:
            await process.write(rest)
        elif channel == _CLOSE and rest[:1] == b"\x00":
            await process.close_stdin()
        elif channel == _RESIZE:
            await _resize(process, rest)


# -- SPDY -----------------------------------------------------------------------------------------


async def over_spdy(pipe: Pipe, process: Process, wanted: Wanted) -> None:
    """Until the command has ended and the client has heard so, or the client has left."""
    streams: dict[str, Stream] = {}
    complete = asyncio.Event()

    def opened(stream: Stream) -> None:
        name = stream.headers.get("streamtype", "")
        if name not in wanted.streams or name in streams:
            stream.refuse()
            return
        streams[name] = stream
        if name not in ("stdin", "resize"):
            stream.ignore()
        if len(streams) == len(wanted.streams):
            complete.set()

    async def run() -> None:
        async with asyncio.timeout(_OPENING):
            await complete.wait()
        await _serve(process, streams, wanted)
        await asyncio.sleep(_LINGER)

    with contextlib.suppress(OSError):  # it has left, or did not open its streams in time
        await until_either(Connection(pipe, opened).run(), run())


async def _serve(process: Process, streams: dict[str, Stream], wanted: Wanted) -> None:
    async def give(channel: int, data: bytes) -> None:
        if target := streams.get(_OUTPUTS[channel]):
            await target.write(data)

    listening = asyncio.gather(
        *(pump(process, streams[name]) for name, pump in _PUMPS.items() if name in streams)
    )
    try:
        outcome = await _run(process, give)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        for name in _PUMPS.keys() & streams.keys():
            streams[name].ignore()
    if wanted.status:
        await streams["error"].write(orjson.dumps(outcome))
    elif outcome["status"] != "Success":
        await streams["error"].write(str(outcome["message"]).encode())
    for stream in streams.values():
        await stream.end()


async def _pump_stdin(process: Process, stream: Stream) -> None:
    while data := await stream.read():
        await process.write(data)
    await process.close_stdin()


async def _pump_sizes(process: Process, stream: Stream) -> None:
    """Sizes come as lines of JSON."""
    rest = b""
    while data := await stream.read():
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            await _resize(process, line)
        rest = rest[:_LONGEST_SIZE]


_PUMPS = {"stdin": _pump_stdin, "resize": _pump_sizes}


# -- both -----------------------------------------------------------------------------------------


async def _run(process: Process, give: Give) -> dict[str, Any]:
    """Hand on what the command says; the Status that tells how it ended. Raises OSError when the
    client has left."""
    try:
        async for stream, data in process.output():
            await give(stream, data)
        return _outcome(await process.wait())
    except ApiStatus as error:
        return error.status()
    except OSError:
        raise
    except Exception as error:
        _log.exception("a command's streams broke")
        return InternalError(str(error)).status()


async def _resize(process: Process, data: bytes) -> None:
    try:
        size = orjson.loads(data)
        width, height = int(size["Width"]), int(size["Height"])
    except (ValueError, KeyError, TypeError):
        return  # as upstream: a size that cannot be read changes nothing
    if 0 <= width < 1 << 16 and 0 <= height < 1 << 16:
        await process.resize(width, height)


def _outcome(code: int) -> dict[str, Any]:
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
