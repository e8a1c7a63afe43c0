"""Probes: thresholds, and what each handler asks."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest

from sampan.nodes import probes


@pytest.mark.parametrize(
    ("probe", "results", "verdicts"),
    [
        pytest.param({}, "SFF", [True, None, None], id="default-needs-three"),
        pytest.param({}, "FFF", [None, None, False], id="third-failure"),
        pytest.param({}, "FFSFFF", [None, None, True, None, None, False], id="a-success-resets"),
        pytest.param(
            {"successThreshold": 2, "failureThreshold": 1}, "SSF", [None, True, False], id="two"
        ),
    ],
)
def test_thresholds(probe: dict[str, Any], results: str, verdicts: list[bool | None]) -> None:
    counter = probes.Counter(probe)
    assert [counter.count(result == "S") for result in results] == verdicts


async def serve(answer: bytes) -> tuple[asyncio.Server, int, list[bytes]]:
    asked: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1], asked


async def dial(host: str, port: int, *, tls: ssl.SSLContext | None = None) -> Any:
    return await asyncio.open_connection(host, port, ssl=tls)


def target(port: int) -> probes.Target:
    spec = {"ports": [{"name": "web", "containerPort": port}]}
    return probes.Target(None, "u/c.0", "127.0.0.1", spec, dial)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", None),
        (b"HTTP/1.1 302 Found\r\n\r\n", None),
        (b"HTTP/1.0 503 No\r\n\r\n", "HTTP probe failed with statuscode: 503"),
        (b"nonsense\r\n", "malformed HTTP response"),
        (b"", "malformed HTTP response"),
    ],
)
def test_http(answer: bytes, fault: str | None) -> None:
    async def story() -> None:
        server, port, asked = await serve(answer)
        get = {"port": "web", "path": "/ok", "httpHeaders": [{"name": "X-A", "value": "b"}]}
        async with server:
            if fault is None:
                await probes.perform(target(port), {"httpGet": get})
            else:
                with pytest.raises(probes.Failure, match=fault):
                    await probes.perform(target(port), {"httpGet": get})
        assert asked[0].startswith(b"GET /ok HTTP/1.1\r\n")
        assert b"X-A: b\r\n" in asked[0]

    asyncio.run(story())


@pytest.mark.parametrize(
    ("location", "then", "asked", "outcome"),
    [
        pytest.param("/healthz?a=b", b"200 OK", 2, "", id="followed"),
        pytest.param("/healthz", b"500 No", 2, "HTTP probe failed with statuscode: 500", id="bad"),
        pytest.param(
            "http://192.0.2.1/", b"200 OK", 1,
            "Probe terminated redirects, Response body: moved", id="elsewhere",
        ),
        pytest.param("/ok", b"302 Found", 10, "stopped after 10 redirects", id="circle"),
        pytest.param("http://[", b"200 OK", 1, "Invalid IPv6 URL", id="nonsense"),
    ],
)  # fmt: skip
def test_redirects_stay_within_the_host(
    location: str, then: bytes, asked: int, outcome: str
) -> None:
    async def story() -> tuple[str, list[bytes]]:
        seen: list[bytes] = []

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            seen.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
            status = b"302 Found" if len(seen) == 1 else then
            writer.write(b"HTTP/1.1 %s\r\nlocation: %s\r\n\r\n" % (status, location.encode()))
            writer.write(b"moved")
            writer.close()

        async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            try:
                said = await probes.perform(target(port), {"httpGet": {"port": port, "path": "x"}})
            except probes.Failure as failure:
                said = str(failure)
        return said, seen

    said, seen = asyncio.run(story())
    assert outcome in said
    assert bool(outcome) == bool(said)
    assert len(seen) == asked
    assert seen[0] == b"GET /x HTTP/1.1"
    if asked == 2:
        assert seen[1] == b"GET %s HTTP/1.1" % location.encode()


@pytest.mark.parametrize(
    ("handler", "fault"),
    [
        ({"tcpSocket": {"port": 1}}, "dial tcp 127.0.0.1:1: "),
        ({"httpGet": {"port": 1}}, 'Get "http://127.0.0.1:1/": '),
        ({"httpGet": {"port": "none"}}, "container has no port named none"),
        ({"grpc": {"port": 1}}, "dial tcp 127.0.0.1:1: "),
        ({"exec": {}}, "exec needs a command"),
    ],
)
def test_failures_say_why(handler: dict[str, Any], fault: str) -> None:
    with pytest.raises(probes.Failure, match=fault):
        asyncio.run(probes.perform(target(1), handler))


def test_verdicts_reach_who_listens() -> None:
    async def story() -> None:
        heard: list[tuple[bool | None, str]] = []
        enough = asyncio.Event()

        def told(verdict: bool | None, message: str) -> None:
            heard.append((verdict, message))
            if len(heard) == 2:
                enough.set()

        probe = {"tcpSocket": {"port": 1}, "periodSeconds": 0.001, "failureThreshold": 2}
        task = asyncio.create_task(probes.watch(target(1), probe, told))
        await asyncio.wait_for(enough.wait(), 5)
        task.cancel()
        assert [verdict for verdict, _ in heard[:2]] == [None, False]

    asyncio.run(story())
