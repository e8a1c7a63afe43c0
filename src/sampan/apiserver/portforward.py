"""Port-forward: TCP connections to a pod's ports, over SPDY or over a websocket's channels.

SPDY (bare, or inside the messages of a websocket): for each connection the client opens two streams
that share the header `requestid`: `error`, on which we say why it failed, and `data`.
Websocket channels: the ports are in the query, one connection for each from the start; channel 2i
is the data of port i, 2i+1 its error; the first message of each names the port, 16 bits, little
endian. Upstream: k8s.io/kubelet pkg/cri/streaming/portforward.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable, Sequence

from sampan.apiserver.http import Receive, Request, Send
from sampan.apiserver.spdy.connection import Connection, Pipe, Stream
from sampan.apiserver.waiting import until_either
from sampan.kube.errors import ApiStatus, BadRequest
from sampan.kube.streams import Link

PROTOCOL = "portforward.k8s.io"
TUNNEL = "SPDY/3.1+portforward.k8s.io"
SUBPROTOCOLS = (TUNNEL, "v4.channel.k8s.io")
_MOST_PORTS = 127  # a channel is one byte

Dial = Callable[[int], Awaitable[Link]]


def ports(request: Request) -> list[int]:
    """The ports in the query. Raises BadRequest."""
    texts = [text for each in request.queries("ports") for text in each.split(",")]
    found = [_port(text) for text in texts]
    if not found:
        raise BadRequest('ports: query parameter "ports" is required: which ports of the pod?')
    if 0 in found or len(set(found)) < len(found) or len(found) > _MOST_PORTS:
        raise BadRequest(f"ports: up to {_MOST_PORTS} different numbers from 1 to 65535 are wanted")
    return found


def _port(text: str) -> int:
    """0 when it is none."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    return number if number < 65536 else 0


# -- SPDY -----------------------------------------------------------------------------------------


async def over_spdy(pipe: Pipe, dial: Dial) -> None:
    """Until the client leaves."""
    pairs = _Pairs(dial)
    try:
        await Connection(pipe, pairs.opened).run()
    finally:
        await pairs.close()


class _Pairs:
    """Streams that wait for the other one of their pair, and the connections that go on."""

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self._waiting: dict[str, dict[str, Stream]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def opened(self, stream: Stream) -> None:
        kind, port = stream.headers.get("streamtype"), _port(stream.headers.get("port", ""))
        if kind not in ("error", "data") or not port:
            stream.refuse()
            return
        # Clients of old send no requestid but open `data` right after `error`.
        request = stream.headers.get("requestid") or str(stream.number - 2 * (kind == "data"))
        self._forget_cancelled()
        pair = self._waiting.setdefault(request, {})
        if kind in pair:
            stream.refuse()
            return
        pair[kind] = stream
        if kind == "error":
            stream.ignore()
        if len(pair) == 2:
            del self._waiting[request]
            task = asyncio.ensure_future(_forward(pair["error"], pair["data"], self._dial, port))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _forget_cancelled(self) -> None:
        self._waiting = {
            request: pair
            for request, pair in self._waiting.items()
            if not any(stream.cancelled for stream in pair.values())
        }


async def _forward(error: Stream, data: Stream, dial: Dial, port: int) -> None:
    """One connection, from the client's wish to the end of both streams. Raises nothing."""
    try:
        link = await _dialled(dial, port)
    except ApiStatus as fault:
        await _say(error, f"error forwarding port {port}: {fault}")
        await data.reset()
        return
    try:
        await until_either(_down(link, data), _up_and_wait(link, data))
        await data.end()
    except OSError:
        await data.reset()  # so that half an answer is not taken for a whole one
    finally:
        link.close()
        data.ignore()
    await error.end()


async def _say(error: Stream, text: str) -> None:
    try:
        await error.write(text.encode())
    except OSError:
        return
    await error.end()


async def _down(link: Link, data: Stream) -> None:
    while chunk := await link.read():
        await data.write(chunk)


async def _up_and_wait(link: Link, data: Stream) -> None:
    """From the client to the pod. A client that has ended its half may still listen to the rest of
    the answer; one that has dropped the stream may not."""
    try:
        while chunk := await data.read():
            await link.write(chunk)
        if not data.cancelled:
            await link.end()
    except OSError:
        data.ignore()  # the pod listens no more, but may have said something
    await data.dropped()


# -- websocket ------------------------------------------------------------------------------------


async def over_websocket(receive: Receive, send: Send, numbers: Sequence[int], dial: Dial) -> None:
    """Until the client leaves, or all connections have ended."""
    channels = [_Channel(index, port, send) for index, port in enumerate(numbers)]

    async def run() -> None:
        await asyncio.gather(*(channel.run(dial) for channel in channels))

    with contextlib.suppress(OSError):  # the client has left while it was spoken to
        for channel in channels:
            await channel.greet()
        await until_either(run(), _take(receive, channels))


class _Channel:
    """One port of the query, with its connection."""

    def __init__(self, index: int, port: int, send: Send) -> None:
        self._number = 2 * index
        self._port = port
        self._send = send
        self._link: asyncio.Future[Link | None] = asyncio.get_running_loop().create_future()

    async def greet(self) -> None:
        for number in (self._number, self._number + 1):
            await self._say(number, struct.pack("<H", self._port))

    async def run(self, dial: Dial) -> None:
        """Until the pod has said everything, or the client has left."""
        with contextlib.suppress(OSError):
            await self._connect(dial)

    async def _connect(self, dial: Dial) -> None:
        try:
            link = await _dialled(dial, self._port)
        except ApiStatus as fault:
            self._link.set_result(None)
            text = f"error forwarding port {self._port}: {fault}"
            await self._say(self._number + 1, text.encode())
            return
        self._link.set_result(link)
        try:
            while chunk := await link.read():
                await self._say(self._number, chunk)
        except OSError as fault:
            await self._say(self._number + 1, f"port {self._port}: {fault}".encode())
        finally:
            link.close()

    async def write(self, data: bytes) -> None:
        """What arrives before the connection stands waits for it; after its end it is dropped."""
        link = await self._link
        if link is not None:
            await link.write(data)

    async def _say(self, number: int, data: bytes) -> None:
        await self._send({"type": "websocket.send", "bytes": bytes([number]) + data})


async def _take(receive: Receive, channels: Sequence[_Channel]) -> None:
    """What the client says, until it leaves."""
    while (message := await receive())["type"] != "websocket.disconnect":
        data = message.get("bytes") or b""
        index, error = divmod(data[0], 2) if data else (0, 1)
        if len(data) < 2 or error or index >= len(channels):
            continue
        try:
            await channels[index].write(data[1:])
        except OSError:
            continue  # the pod has closed; the other direction says so


# -- both -----------------------------------------------------------------------------------------


async def _dialled(dial: Dial, port: int) -> Link:
    """Raises ApiStatus, whatever goes wrong."""
    try:
        return await dial(port)
    except OSError as fault:
        raise BadRequest(str(fault)) from fault
