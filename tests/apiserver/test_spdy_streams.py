"""exec, attach and port-forward over SPDY, against a real socket and a node of a few lines."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import aiohttp
import orjson
import pytest

from sampan.apiserver import commands
from sampan.apiserver.spdy import frames
from sampan.apiserver.spdy.headers import Encoder
from sampan.kube.errors import BadRequest
from sampan.kube.keys import Manifest
from sampan.nodes.dial import Connected

PODS = "/api/v1/namespaces/a/pods"
V4 = "v4.channel.k8s.io"
TUNNEL = "SPDY/3.1+portforward.k8s.io"


class Shell:
    """A command that repeats its input in capitals, or says without end what it said first."""

    def __init__(self, code: int = 0, *, endless: bool = False, deaf: bool = False) -> None:
        self.code = code
        self.endless = endless
        self.deaf = deaf
        self.lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.sizes: list[tuple[int, int]] = []
        self.heard = self.said = 0
        self.killed = asyncio.Event()

    async def write(self, data: bytes) -> None:
        self.heard += len(data)
        if self.deaf:
            await asyncio.Event().wait()
        self.lines.put_nowait(data)

    async def close_stdin(self) -> None:
        self.lines.put_nowait(None)

    async def resize(self, width: int, height: int) -> None:
        self.sizes.append((width, height))

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        yield 2, b"ready"
        while self.endless:
            self.said += 1 << 16
            yield 1, bytes(1 << 16)
        while (line := await self.lines.get()) is not None:
            yield 1, line.upper()

    async def wait(self) -> int:
        return self.code

    async def kill(self) -> None:
        self.killed.set()


class Node:
    """Runs one command; its pods' ports are this machine's, and 81 is closed."""

    def __init__(self, shell: Shell | None = None) -> None:
        self.shell = shell or Shell()
        self.asked: list[Any] = []

    async def execute(
        self, pod: Manifest, container: str, command: Sequence[str], *, stdin: bool, tty: bool
    ) -> Shell:
        self.asked.append((container, list(command), stdin, tty))
        return self.shell

    async def attach(self, pod: Manifest, container: str, *, stdin: bool, tty: bool) -> Shell:
        self.asked.append((container, stdin, tty))
        return self.shell

    async def dial(self, pod: Manifest, port: int) -> Connected:
        if port == 81:
            raise BadRequest("connection refused")
        return Connected(*await asyncio.open_connection("127.0.0.1", port))


class Peer:
    """A SPDY client on whatever carries bytes."""

    def __init__(self, read: Any, write: Any) -> None:
        self.read = read
        self.write = write
        self.encoder = Encoder()
        self.splitter = frames.Splitter()
        self.data: dict[int, bytes] = {}
        self.ended: set[int] = set()
        self.windows: list[frames.Window] = []
        self.opened = 0

    async def open(self, **named: str) -> int:
        number = 2 * self.opened + 1
        self.opened += 1
        payload = struct.pack(">IIH", number, 0, 0) + self.encoder.write(named)
        await self.write(frames.control(frames.SYN_STREAM, payload))
        return number

    async def say(self, stream: int, data: bytes, *, fin: bool = False) -> None:
        await self.write(frames.data(stream, data, fin=fin))

    async def until(self, condition: Callable[[], Any]) -> None:
        """Listen until that is true."""
        async with asyncio.timeout(10):
            while not condition():
                data = await self.read()
                assert data, "the server has closed"
                for frame in self.splitter.feed(data):
                    self.hear(frame)

    async def closed(self) -> None:
        async with asyncio.timeout(10):
            while await self.read():
                pass

    def hear(self, frame: frames.Frame) -> None:
        match frame:
            case frames.Data():
                self.data[frame.stream] = self.data.get(frame.stream, b"") + frame.data
                if frame.fin:
                    self.ended.add(frame.stream)
            case frames.Reset():
                self.ended.add(frame.stream)
            case frames.Window():
                self.windows.append(frame)


class Refused(Exception):
    """The answer was not 101."""


@contextlib.asynccontextmanager
async def spdy(
    client: Any, path: str, *protocols: str, token: str = "admin", method: str = "POST"
) -> AsyncIterator[Peer]:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    host, _, port = client.url.removeprefix("https://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
    lines = [f"{method} {PODS}/{path} HTTP/1.1", f"Host: {host}", "Content-Length: 0"]
    lines += [f"Authorization: Bearer {token}", "Connection: Upgrade", "Upgrade: SPDY/3.1"]
    lines += [f"X-Stream-Protocol-Version: {protocol}" for protocol in protocols]
    writer.write("\r\n".join([*lines, "", ""]).encode())

    async def write(data: bytes) -> None:
        writer.write(data)
        await writer.drain()

    async def read() -> bytes:
        with contextlib.suppress(ConnectionError):
            return await reader.read(1 << 16)
        return b""

    try:
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            raise Refused(int(head.split()[1]), head)
        peer = Peer(read, write)
        peer.head = head.decode().lower()  # type: ignore[attr-defined]
        yield peer
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError, ssl.SSLError):
            await writer.wait_closed()


async def make_pod(client: Any) -> None:
    spec = {"nodeName": "n", "containers": [{"name": "c", "image": "busybox"}]}
    assert (await client.post(PODS, {"metadata": {"name": "p"}, "spec": spec})).code == 201


# -- commands -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("code", [0, 7])
def test_exec(serve: Callable[..., None], code: int, method: str) -> None:
    node = Node(Shell(code))

    async def scenario(client: Any) -> None:
        await make_pod(client)
        path = "p/exec?command=sh&command=-c&stdin=true&stdout=true&stderr=true"
        async with spdy(client, path, "v5.channel.k8s.io", V4, method=method) as peer:
            assert "x-stream-protocol-version: v5.channel.k8s.io" in peer.head  # type: ignore[attr-defined]
            error, stdin, stdout, stderr = [
                await peer.open(streamtype=name) for name in ("error", "stdin", "stdout", "stderr")
            ]
            await peer.until(lambda: peer.data.get(stderr) == b"ready")
            await peer.say(stdin, b"hello")
            await peer.until(lambda: peer.data.get(stdout) == b"HELLO")
            await peer.say(stdin, b"", fin=True)
            await peer.until(lambda: {error, stdin, stdout, stderr} <= peer.ended)
        status = orjson.loads(peer.data[error])
        assert status["status"] == ("Failure" if code else "Success")
        if code:
            assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "7"}]
        assert node.asked == [("c", ["sh", "-c"], True, False)]
        await asyncio.wait_for(node.shell.killed.wait(), 5)

    serve(scenario, node=node)


def test_a_terminal_has_sizes_and_no_stderr(serve: Callable[..., None]) -> None:
    node = Node()

    async def scenario(client: Any) -> None:
        await make_pod(client)
        path = "p/attach?stdin=true&stdout=true&stderr=true&tty=true"
        async with spdy(client, path, V4) as peer:
            _, stdin, resize, stdout = [
                await peer.open(streamtype=name) for name in ("error", "stdin", "resize", "stdout")
            ]
            await peer.say(resize, b'{"Width":101,"Height":33}\n{"Width":-1,"Height":1}\nnons')
            await peer.say(resize, b'ense\n{"Width":7,"Height":8}\n')
            await peer.say(stdin, b"x")
            await peer.until(lambda: peer.data.get(stdout) == b"X")
        assert node.shell.sizes == [(101, 33), (7, 8)]
        assert node.asked == [("c", True, True)]

    serve(scenario, node=node)


def test_old_protocols_hear_the_outcome_in_words(serve: Callable[..., None]) -> None:
    node = Node(Shell(3))

    async def scenario(client: Any) -> None:
        await make_pod(client)
        node.shell.lines.put_nowait(None)
        async with spdy(client, "p/exec?command=x&stdout=true", "v2.channel.k8s.io") as peer:
            error, _ = await peer.open(streamtype="error"), await peer.open(streamtype="stdout")
            await peer.until(lambda: error in peer.ended)
            assert b"exit status 3" in peer.data[error]

    serve(scenario, node=node)


@pytest.mark.parametrize(
    ("path", "protocol", "token", "code"),
    [
        pytest.param("p/exec?command=x", "v9", "admin", 403, id="protocol"),
        pytest.param("p/exec?command=x", V4, "reader", 403, id="exec-reader"),
        pytest.param("p/exec?command=x", V4, "nobody", 401, id="bad-token"),
        pytest.param("p/exec", V4, "admin", 400, id="no-command"),
        pytest.param("p/exec?command=x&container=z", V4, "admin", 400, id="container"),
        pytest.param("q/exec?command=x", V4, "admin", 404, id="no-pod"),
        pytest.param("p/portforward", "portforward.k8s.io", "reader", 403, id="forward-reader"),
        pytest.param("p/portforward", V4, "admin", 403, id="forward-protocol"),
    ],
)
def test_upgrades_are_refused_with_a_status(
    serve: Callable[..., None], path: str, protocol: str, token: str, code: int
) -> None:
    async def scenario(client: Any) -> None:
        await make_pod(client)
        with pytest.raises(Refused) as refused:
            async with spdy(client, path, protocol, token=token):
                pass
        assert refused.value.args[0] == code

    serve(scenario, node=Node())


@pytest.mark.parametrize("way", ["portforward", "exec?command=id&stdout=1", "attach?stdout=1"])
def test_who_may_read_may_not_get_in(serve: Callable[..., None], way: str) -> None:
    async def scenario(client: Any) -> None:
        await make_pod(client)
        with pytest.raises(Refused) as refused:
            async with spdy(client, f"p/{way}", token="reader", method="GET"):
                pass
        assert refused.value.args[0] == 403

    serve(scenario, node=Node())


@pytest.mark.parametrize("how", ["leaves", "talks-nonsense", "opens-nothing"])
def test_a_command_ends_when_its_client_does_not_go_on(
    serve: Callable[..., None], how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = Node()
    monkeypatch.setattr(commands, "_OPENING", 0.1)

    async def scenario(client: Any) -> None:
        await make_pod(client)
        async with spdy(client, "p/exec?command=x&stdout=true", V4) as peer:
            if how != "opens-nothing":
                await peer.open(streamtype="error")
                stdout = await peer.open(streamtype="stdout")
                await peer.until(lambda: stdout not in peer.ended)
            if how == "talks-nonsense":
                await peer.write(b"\xff" * 100)
            if how != "leaves":
                await peer.closed()
        await asyncio.wait_for(node.shell.killed.wait(), 5)
        assert (await client.get("/version")).code == 200

    serve(scenario, node=node)


def test_who_leaves_while_spoken_to_is_no_fault(
    serve: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    node = Node(Shell(endless=True))

    async def scenario(client: Any) -> None:
        await make_pod(client)
        async with spdy(client, "p/exec?command=x&stdout=true", V4) as peer:
            await peer.open(streamtype="error")
            stdout = await peer.open(streamtype="stdout")
            await peer.until(lambda: stdout in peer.data)
        await asyncio.wait_for(node.shell.killed.wait(), 5)
        node.shell.killed.clear()
        url = f"{client.url}{PODS}/p/exec?command=x"
        bearer = {"Authorization": "Bearer admin"}
        async with client.session.ws_connect(url, headers=bearer, protocols=[V4]) as socket:
            await socket.receive_bytes()
            socket._response.connection.transport.abort()
            await asyncio.wait_for(node.shell.killed.wait(), 5)

    serve(scenario, node=node)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def settled(count: Callable[[], int]) -> int:
    """The count once it stands still for a while."""
    last = -1
    for _ in range(60):
        if last == (last := count()) and last:
            break
        await asyncio.sleep(0.3)
    return last


@pytest.mark.slow
def test_a_peer_that_does_not_read_holds_the_command_up(serve: Callable[..., None]) -> None:
    node = Node(Shell(endless=True))

    async def scenario(client: Any) -> None:
        await make_pod(client)
        async with spdy(client, "p/exec?command=x&stdout=true", V4) as peer:
            await peer.open(streamtype="error")
            await peer.open(streamtype="stdout")
            assert await settled(lambda: node.shell.said) < 20 << 20  # the kernel takes some too

    serve(scenario, node=node)


@pytest.mark.slow
def test_a_command_that_does_not_read_holds_the_peer_up(serve: Callable[..., None]) -> None:
    node = Node(Shell(deaf=True))

    async def scenario(client: Any) -> None:
        await make_pod(client)
        sent = 0
        async with spdy(client, "p/exec?command=x&stdin=true", V4) as peer:
            await peer.open(streamtype="error")
            stdin = await peer.open(streamtype="stdin")

            async def pour() -> None:
                nonlocal sent
                while True:
                    await peer.say(stdin, bytes(1 << 16))
                    sent += 1 << 16

            pouring = asyncio.ensure_future(pour())
            assert await settled(lambda: sent) < 20 << 20
            pouring.cancel()
        assert node.shell.heard <= 1 << 16

    serve(scenario, node=node)


def test_windows_of_the_peer_are_kept(serve: Callable[..., None]) -> None:
    node = Node(Shell(endless=True))

    async def scenario(client: Any) -> None:
        await make_pod(client)
        async with spdy(client, "p/exec?command=x&stdout=true", V4) as peer:
            await peer.write(frames.words(frames.SETTINGS, 1, frames.INITIAL_WINDOW_SIZE, 1000))
            await peer.open(streamtype="error")
            stdout = await peer.open(streamtype="stdout")
            await peer.until(lambda: len(peer.data.get(stdout, b"")) == 1000)
            await peer.write(frames.words(frames.PING, 99))
            await peer.until(lambda: True)
            await peer.write(frames.words(frames.WINDOW_UPDATE, stdout, 500))
            await peer.until(lambda: len(peer.data[stdout]) >= 1500)
            assert len(peer.data[stdout]) == 1500

    serve(scenario, node=node)


# -- port-forward ---------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def echo() -> AsyncIterator[int]:
    """The port of a server that repeats everything, and ends when its client has ended."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@contextlib.asynccontextmanager
async def forwarding(client: Any, how: str) -> AsyncIterator[Peer]:
    if how == "bare":
        async with spdy(client, "p/portforward", "portforward.k8s.io") as peer:
            yield peer
        return
    url = f"{client.url}{PODS}/p/portforward"
    bearer = {"Authorization": "Bearer admin"}
    async with client.session.ws_connect(url, headers=bearer, protocols=[TUNNEL]) as socket:
        assert socket.protocol == TUNNEL

        async def read() -> bytes:
            message = await socket.receive()
            return message.data if message.type == aiohttp.WSMsgType.BINARY else b""

        yield Peer(read, socket.send_bytes)


@pytest.mark.parametrize("how", ["bare", "tunnel"])
def test_forwarded_bytes_arrive_unchanged(serve: Callable[..., None], how: str) -> None:
    sent = bytes(range(256)) * 8000

    async def scenario(client: Any) -> None:
        await make_pod(client)
        async with echo() as port, forwarding(client, how) as peer:
            pairs = []
            for number in range(3):
                named = {"port": str(port), "requestid": str(number)}
                error = await peer.open(streamtype="error", **named)
                await peer.say(error, b"", fin=True)
                pairs.append((error, await peer.open(streamtype="data", **named)))

            async def pour() -> None:
                for at in range(0, len(sent), 1 << 15):
                    for _, data in pairs:
                        await peer.say(data, sent[at : at + (1 << 15)])
                for _, data in pairs:
                    await peer.say(data, b"", fin=True)

            pouring = asyncio.ensure_future(pour())
            await peer.until(lambda: {each for pair in pairs for each in pair} <= peer.ended)
            await pouring
            assert all(peer.data[data] == sent for _, data in pairs)
            assert all(not peer.data.get(error) for error, _ in pairs)
            given_back = sum(window.delta for window in peer.windows if window.stream == 0)
            assert 3 * len(sent) - (1 << 16) < given_back <= 3 * len(sent)

    serve(scenario, node=Node())


@pytest.mark.parametrize("how", ["bare", "tunnel"])
def test_a_closed_port_is_told_and_the_rest_goes_on(serve: Callable[..., None], how: str) -> None:
    async def scenario(client: Any) -> None:
        await make_pod(client)
        async with echo() as port, forwarding(client, how) as peer:
            error = await peer.open(streamtype="error", port="81", requestid="0")
            data = await peer.open(streamtype="data", port="81", requestid="0")
            await peer.until(lambda: {error, data} <= peer.ended)
            assert peer.data[error] == b"error forwarding port 81: connection refused"
            await peer.open(streamtype="error", port=str(port))  # as clients of old, without id
            data = await peer.open(streamtype="data", port=str(port))
            await peer.say(data, b"hello", fin=True)
            await peer.until(lambda: data in peer.ended)
            assert peer.data[data] == b"hello"

    serve(scenario, node=Node())


@pytest.mark.parametrize(
    "named",
    [
        pytest.param({"streamtype": "data"}, id="no-port"),
        pytest.param({"streamtype": "data", "port": "0"}, id="port-0"),
        pytest.param({"streamtype": "data", "port": "65536"}, id="too-large"),
        pytest.param({"streamtype": "data", "port": "-1"}, id="negative"),
        pytest.param({"streamtype": "stdin", "port": "80"}, id="type"),
    ],
)
def test_streams_that_forward_nothing_are_refused(
    serve: Callable[..., None], named: dict[str, str]
) -> None:
    async def scenario(client: Any) -> None:
        await make_pod(client)
        async with forwarding(client, "bare") as peer:
            stream = await peer.open(**named)
            await peer.until(lambda: stream in peer.ended)

    serve(scenario, node=Node())


def test_a_pod_that_is_another_by_now_gets_nothing(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await make_pod(client)
        async with forwarding(client, "bare") as peer:
            await client("DELETE", f"{PODS}/p?gracePeriodSeconds=0")
            await make_pod(client)
            error = await peer.open(streamtype="error", port="80", requestid="0")
            await peer.open(streamtype="data", port="80", requestid="0")
            await peer.until(lambda: error in peer.ended)
            assert b"another one by now" in peer.data[error]

    serve(scenario, node=Node())


def test_a_client_that_drops_a_stream_ends_its_connection(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await make_pod(client)
        gone = asyncio.Event()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            gone.set()
            writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = str(server.sockets[0].getsockname()[1])
        async with forwarding(client, "bare") as peer:
            await peer.open(streamtype="error", port=port, requestid="0")
            data = await peer.open(streamtype="data", port=port, requestid="0")
            await peer.write(frames.words(frames.RST_STREAM, data, frames.CANCEL))
            await asyncio.wait_for(gone.wait(), 5)
        server.close()

    serve(scenario, node=Node())


@pytest.mark.parametrize("protocols", [["v4.channel.k8s.io"], []], ids=["v4", "none"])
def test_channels_of_a_websocket(serve: Callable[..., None], protocols: list[str]) -> None:
    sent = bytes(range(256)) * 400

    async def scenario(client: Any) -> None:
        await make_pod(client)
        async with echo() as port:
            url = f"{client.url}{PODS}/p/portforward?ports={port}&ports=81"
            bearer = {"Authorization": "Bearer admin"}
            async with client.session.ws_connect(url, headers=bearer, protocols=protocols) as sock:
                greetings = [await sock.receive_bytes() for _ in range(4)]
                assert greetings == [
                    bytes([n]) + struct.pack("<H", p)
                    for n, p in enumerate((port, port, 81, 81))
                ]  # fmt: skip
                await sock.send_bytes(b"\x00" + sent)
                await sock.send_bytes(b"\x02into the void")
                await sock.send_bytes(b"\x09nowhere")
                heard = {0: b"", 3: b""}
                while len(heard[0]) < len(sent) or not heard[3]:
                    message = await asyncio.wait_for(sock.receive_bytes(), 5)
                    heard[message[0]] += message[1:]
                assert heard == {0: sent, 3: b"error forwarding port 81: connection refused"}

    serve(scenario, node=Node())


def test_a_server_that_stops_does_not_wait_for_upgraded_connections(
    serve: Callable[..., None],
) -> None:
    async def scenario(client: Any) -> None:
        await make_pod(client)
        async with spdy(client, "p/exec?command=x&stdout=true", V4) as peer:
            await peer.open(streamtype="error")
            await peer.open(streamtype="stdout")
            await peer.until(lambda: True)
            started = asyncio.get_running_loop().time()
            await client.server.stop()
            assert asyncio.get_running_loop().time() - started < 2
            await peer.closed()

    serve(scenario, node=Node())
