"""Logs, exec and attach, against a node of a few lines."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import aiohttp
import orjson
import pytest

from sampan.kube.errors import BadRequest
from sampan.kube.keys import Manifest
from sampan.kube.streams import LogOptions

PODS = "/api/v1/namespaces/a/pods"
BEARER = {"Authorization": "Bearer admin"}


class Echo:
    """A command that repeats its input in capitals, and notes what was done to it."""

    def __init__(self, code: int) -> None:
        self.code = code
        self.lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.sizes: list[tuple[int, int]] = []
        self.killed = False

    async def write(self, data: bytes) -> None:
        self.lines.put_nowait(data)

    async def close_stdin(self) -> None:
        self.lines.put_nowait(None)

    async def resize(self, width: int, height: int) -> None:
        self.sizes.append((width, height))

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        yield 2, b"ready"
        while (line := await self.lines.get()) is not None:
            yield 1, line.upper()

    async def wait(self) -> int:
        return self.code

    async def kill(self) -> None:
        self.killed = True


class Node:
    def __init__(self, code: int = 0) -> None:
        self.process = Echo(code)
        self.asked: list[Any] = []

    async def logs(self, pod: Manifest, options: LogOptions) -> AsyncIterator[bytes]:
        if options.previous:
            raise BadRequest("previous terminated container not found")
        self.asked.append(options)

        async def lines() -> AsyncIterator[bytes]:
            for number in range(3):
                yield b"line %d\n" % number
            if options.follow:
                await asyncio.Event().wait()

        return lines()

    async def execute(
        self, pod: Manifest, container: str, command: Sequence[str], *, stdin: bool, tty: bool
    ) -> Echo:
        self.asked.append((container, list(command), stdin, tty))
        return self.process

    async def attach(self, pod: Manifest, container: str, *, stdin: bool, tty: bool) -> Echo:
        self.asked.append((container, stdin, tty))
        return self.process


async def make_pod(client: Any, *containers: str) -> None:
    spec: dict[str, Any] = {
        "containers": [{"name": name, "image": "busybox"} for name in containers]
    }
    spec["nodeName"] = "n"
    made = await client.post(PODS, {"metadata": {"name": "p"}, "spec": spec})
    assert made.code == 201


def test_logs(serve: Callable[..., None]) -> None:
    node = Node()

    async def scenario(client: Any) -> None:
        await make_pod(client, "c")
        query = "tailLines=5&limitBytes=100&timestamps=true&sinceTime=2026-01-01T00:00:00Z"
        answer = await client.get(f"{PODS}/p/log?{query}")
        assert (answer.code, answer.body) == (200, "line 0\nline 1\nline 2\n")
        assert answer.headers["content-type"] == "text/plain"
        (options,) = node.asked
        assert (options.container, options.tail, options.limit_bytes) == ("c", 5, 100)
        assert options.timestamps
        assert options.since.year == 2026

    serve(scenario, node=node)


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        pytest.param(
            "",
            400,
            "a container name must be specified for pod p, choose one of: [c d]",
            id="which",
        ),
        pytest.param("container=z", 400, "container z is not valid for pod p", id="no-such"),
        pytest.param(
            "container=c&previous=true", 400, "previous terminated container not found", id="node"
        ),
        pytest.param(
            "container=c&tailLines=x",
            400,
            'tailLines: strconv.ParseInt: parsing "x": invalid syntax',
            id="tail",
        ),
    ],
)  # fmt: skip
def test_logs_that_cannot_be_had(
    serve: Callable[..., None], query: str, code: int, message: str
) -> None:
    async def scenario(client: Any) -> None:
        await make_pod(client, "c", "d")
        answer = await client.get(f"{PODS}/p/log?{query}")
        assert (answer.code, answer.message) == (code, message)
        assert (await client.get(f"{PODS}/q/log")).code == 404

    serve(scenario, node=Node())


def test_followed_logs_arrive_at_once(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await make_pod(client, "c")
        async with client.watch(f"{PODS}/p/log?follow=True&stdin=False") as following:
            assert await following.response.content.readline() == b"line 0\n"
        assert (await client.get("/version")).code == 200

    serve(scenario, node=Node())


@pytest.mark.parametrize("protocol", ["v4.channel.k8s.io", "v5.channel.k8s.io"])
@pytest.mark.parametrize("code", [0, 7])
def test_exec(serve: Callable[..., None], protocol: str, code: int) -> None:
    node = Node(code)

    async def scenario(client: Any) -> None:
        await make_pod(client, "c")
        url = f"{client.url}{PODS}/p/exec?command=sh&command=-c&container=c&stdin=true&tty=true"
        async with client.session.ws_connect(url, headers=BEARER, protocols=[protocol]) as socket:
            assert socket.protocol == protocol
            assert await socket.receive_bytes() == b"\x02ready"
            await socket.send_bytes(b'\x04{"Width":80,"Height":24}')
            await socket.send_bytes(b"\x04nonsense")
            await socket.send_bytes(b"\x00hello")
            assert await socket.receive_bytes() == b"\x01HELLO"
            if protocol.startswith("v5"):
                await socket.send_bytes(b"\xff\x00")
            else:
                await node.process.close_stdin()
            outcome = await socket.receive_bytes()
            assert outcome[0] == 3
            status = orjson.loads(outcome[1:])
            assert (await socket.receive()).type == aiohttp.WSMsgType.CLOSE
            assert (await socket.receive()).type == aiohttp.WSMsgType.CLOSED
        assert node.asked == [("c", ["sh", "-c"], True, True)]
        assert node.process.sizes == [(80, 24)]
        if code == 0:
            assert status["status"] == "Success"
        else:
            assert status["reason"] == "NonZeroExitCode"
            assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "7"}]

    serve(scenario, node=node)


@pytest.mark.parametrize("code", [0, 7])
@pytest.mark.parametrize("protocols", [(), ("channel.k8s.io",)])
def test_exec_of_old(serve: Callable[..., None], protocols: tuple[str, ...], code: int) -> None:
    """What the conformance tests speak: no Status, and nothing at all about a success."""
    node = Node(code)

    async def scenario(client: Any) -> None:
        await make_pod(client, "c")
        url = f"{client.url}{PODS}/p/exec?command=x&stdin=true"
        async with client.session.ws_connect(url, headers=BEARER, protocols=protocols) as socket:
            assert await socket.receive_bytes() == b"\x02ready"
            await socket.send_bytes(b"\x00hello")
            assert await socket.receive_bytes() == b"\x01HELLO"
            await node.process.close_stdin()
            if code:
                said = await socket.receive_bytes()
                assert said == b"\x03command terminated with non-zero exit code: exit status 7"
            assert (await socket.receive()).type == aiohttp.WSMsgType.CLOSE

    serve(scenario, node=node)


@pytest.mark.parametrize("protocol", ["v4.base64.channel.k8s.io", "base64.channel.k8s.io"])
def test_exec_in_text(serve: Callable[..., None], protocol: str) -> None:
    node = Node()

    async def scenario(client: Any) -> None:
        await make_pod(client, "c")
        url = f"{client.url}{PODS}/p/exec?command=x&stdin=true"
        async with client.session.ws_connect(url, headers=BEARER, protocols=[protocol]) as socket:
            assert await socket.receive_str() == "2" + base64.b64encode(b"ready").decode()
            for nonsense in ("", "0???", " ", "/AA==", "\u00e9"):
                await socket.send_str(nonsense)
            await socket.send_str("0" + base64.b64encode(b"hello").decode())
            assert await socket.receive_str() == "1" + base64.b64encode(b"HELLO").decode()

    serve(scenario, node=node)


@pytest.mark.parametrize("protocols", [(), ("binary.k8s.io",), ("base64.binary.k8s.io",)])
def test_logs_come_in_messages(serve: Callable[..., None], protocols: tuple[str, ...]) -> None:
    async def scenario(client: Any) -> None:
        await make_pod(client, "c")
        url = f"{client.url}{PODS}/p/log?container=c"
        seen = b""
        async with client.session.ws_connect(url, headers=BEARER, protocols=protocols) as socket:
            async for message in socket:
                text = message.type == aiohttp.WSMsgType.TEXT
                assert text is ("base64.binary.k8s.io" in protocols)
                seen += base64.b64decode(message.data) if text else message.data
        assert seen == b"line 0\nline 1\nline 2\n"
        async with client.session.ws_connect(
            f"{url}&follow=true", headers=BEARER, protocols=protocols
        ) as socket:
            await socket.receive()

    serve(scenario, node=Node())


def test_a_command_ends_when_its_client_leaves(serve: Callable[..., None]) -> None:
    node = Node()

    async def scenario(client: Any) -> None:
        await make_pod(client, "c")
        url = f"{client.url}{PODS}/p/attach?stdin=true"
        async with client.session.ws_connect(
            url, headers=BEARER, protocols=["v4.channel.k8s.io"]
        ) as socket:
            await socket.receive_bytes()
        async with asyncio.timeout(5):
            while not node.process.killed:
                await client.get("/version")
        assert node.asked == [("c", True, False)]

    serve(scenario, node=node)


@pytest.mark.parametrize(
    ("path", "token", "protocol", "code"),
    [
        pytest.param("p/exec?command=x", "", "v4.channel.k8s.io", 403, id="anonymous"),
        pytest.param("p/exec?command=x", "no", "v4.channel.k8s.io", 401, id="bad-token"),
        pytest.param("q/exec?command=x", "admin", "v4.channel.k8s.io", 404, id="no-pod"),
        pytest.param("p/exec", "admin", "v4.channel.k8s.io", 400, id="no-command"),
        pytest.param("p/exec?command=x", "admin", "v1.channel", 400, id="no-protocol"),
        pytest.param("p/portforward", "admin", "v4.channel.k8s.io", 400, id="no-ports"),
        pytest.param("p/portforward?ports=0", "admin", "v4.channel.k8s.io", 400, id="port-0"),
        pytest.param("p/portforward?ports=80", "admin", "v9.channel", 400, id="forward-how"),
        pytest.param("p/portforward?ports=80", "reader", "v4.channel.k8s.io", 403, id="reader"),
        pytest.param("p/log", "admin", "v4.channel.k8s.io", 400, id="not-a-socket"),
    ],
)
def test_websockets_are_refused_with_a_status(
    serve: Callable[..., None], path: str, token: str, protocol: str, code: int
) -> None:
    async def scenario(client: Any) -> None:
        await make_pod(client, "c")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.session.ws_connect(
                f"{client.url}{PODS}/{path}", headers=headers, protocols=[protocol]
            )
        assert refused.value.status == code

    serve(scenario, node=Node())


@pytest.mark.parametrize("subresource", ["exec?command=x", "attach", "portforward"])
def test_what_is_no_upgrade_is_refused(serve: Callable[..., None], subresource: str) -> None:
    async def scenario(client: Any) -> None:
        await make_pod(client, "c")
        plain = await client.get(f"{PODS}/p/{subresource}")
        assert plain.code == 400
        assert plain.message.startswith("Upgrade request required")

    serve(scenario, node=Node())
