"""Nonsense, too much, and half of something: the right Status, and the server goes on."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import Any

import pytest

from sampan.apiserver import server

CM = "/api/v1/namespaces/a/configmaps"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


async def connect(client: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    host, port = client.url.removeprefix("https://").split(":")
    return await asyncio.open_connection(host, int(port), ssl=context)


DEEP = b'{"metadata":{"name":"x"},"data":' + b'{"a":' * 5000 + b"1" + b"}" * 5001
DEEP_ENOUGH = b'{"metadata":{"name":"x","annotations":' + b'{"a":' * 900 + b"1" + b"}" * 902


@pytest.mark.parametrize(
    ("body", "type_", "code"),
    [
        pytest.param(b'{"metadata":', "application/json", 400, id="cut-off-json"),
        pytest.param(b"[]", "application/json", 400, id="list"),
        pytest.param(b"null", "application/json", 400, id="null"),
        pytest.param(b'"text"', "application/json", 400, id="text"),
        pytest.param(b"\xff\xfe\x00", "application/json", 400, id="not-utf8"),
        pytest.param(b"a: [b", "application/yaml", 400, id="broken-yaml"),
        pytest.param(b"a: b\n---\nc: d\n", "application/yaml", 400, id="two-documents"),
        pytest.param(b"\xff\xfe\x00", "application/yaml", 400, id="not-utf8-yaml"),
        pytest.param(b"k8s\x00\xff\xff\xff", "application/vnd.kubernetes.protobuf", 400, id="pb"),
        pytest.param(DEEP, "application/json", 400, id="deep-json"),
        pytest.param(DEEP_ENOUGH, "application/json", 400, id="deep-where-text-is-due"),
        pytest.param(b'{"metadata":[]}', "application/json", 400, id="metadata-is-a-list"),
        pytest.param(b'{"metadata":{"name":5}}', "application/json", 400, id="name-is-a-number"),
        pytest.param(b'{"apiVersion":5,"kind":{}}', "application/json", 400, id="kind-is-a-map"),
        pytest.param(
            b'{"metadata":{"name":"x","labels":{"a":{}}}}', "application/json", 400, id="label-type"
        ),
        pytest.param(
            b'{"metadata":{"name":"' + b"n" * 300 + b'"}}', "application/json", 422, id="300-signs"
        ),
        pytest.param(b'{"metadata":{"name":"../x"}}', "application/json", 422, id="dots"),
        pytest.param(
            b'{"metadata":{"name":"x"},"data":{"k":"' + b"v" * 5_000_000 + b'"}}',
            "application/json", 413, id="five-megabytes",
        ),
    ],
)  # fmt: skip
def test_bad_bodies(serve: Callable[..., None], body: bytes, type_: str, code: int) -> None:
    async def scenario(client: Any) -> None:
        answer = await client.post(CM, body, type=type_)
        assert answer.code == code, answer.body
        assert answer.body["kind"] == "Status"
        assert (await client.post(CM, {"metadata": {"name": "fine"}})).code == 201

    serve(scenario)


def test_a_large_body_in_pieces_is_refused(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        reader, writer = await connect(client)
        writer.write(
            b"POST /api/v1/namespaces/a/configmaps HTTP/1.1\r\nHost: x\r\n"
            b"Authorization: Bearer admin\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        piece = b"%x\r\n%b\r\n" % (1 << 16, b"x" * (1 << 16))
        for _ in range(60):
            writer.write(piece)
        status = await asyncio.wait_for(reader.readline(), 5)
        assert b"413" in status
        writer.close()

    serve(scenario)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET /api", id="half-a-line"),
        pytest.param(b"POST /api/v1/namespaces HTTP/1.1\r\nHost: x\r\n", id="half-the-headers"),
        pytest.param(
            b"POST /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin\r\n"
            b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
            id="half-the-body",
        ),
    ],
)
def test_half_sent_requests_are_cut_off(
    serve: Callable[..., None], monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(server, "HALF_SENT", 0.1)
    monkeypatch.setattr(server, "SWEEP", 0.05)

    async def scenario(client: Any) -> None:
        reader, writer = await connect(client)
        writer.write(sent)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        assert (await client.get("/version")).code == 200

    serve(scenario)


def test_a_kept_alive_connection_is_not_cut_off(
    serve: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "HALF_SENT", 0.1)
    monkeypatch.setattr(server, "SWEEP", 0.05)

    async def scenario(client: Any) -> None:
        reader, writer = await connect(client)
        for _ in range(2):
            writer.write(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200" in await asyncio.wait_for(reader.readline(), 5)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            await asyncio.sleep(0.3)
        writer.close()

    serve(scenario)


def test_pipelined_requests_are_answered_in_order(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        reader, writer = await connect(client)
        for name in ("x", "y", "z"):
            body = b'{"metadata":{"name":"%b"}}' % name.encode()
            writer.write(
                b"POST /api/v1/namespaces/a/configmaps HTTP/1.1\r\nHost: x\r\n"
                b"Authorization: Bearer admin\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
            )
        found = b""
        while found.count(b'"metadata":{"name"') < 3:
            found += await asyncio.wait_for(reader.read(65536), 5)
        assert found.index(b'"name":"x"') < found.index(b'"name":"y"') < found.index(b'"name":"z"')
        writer.close()

    serve(scenario)


def test_a_head_request_has_no_body(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        answer = await client("HEAD", CM)
        assert (answer.code, answer.body) == (200, "")

    serve(scenario)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("GET", "/api/v1/namespaces/a/nonsense", id="kind"),
        pytest.param("GET", "/api/v2/pods", id="version"),
        pytest.param("GET", "/apis/apps/v7/deployments", id="group-version"),
        pytest.param("GET", "/api/v1/namespaces/a/nodes", id="cluster-kind-in-a-namespace"),
        pytest.param("GET", "/api/v1/namespaces/a/configmaps/x/status", id="no-such-subresource"),
    ],
)
def test_unknown_places_are_404(serve: Callable[..., None], method: str, path: str) -> None:
    async def scenario(client: Any) -> None:
        answer = await client(method, path)
        assert answer.code == 404
        assert answer.body["reason"] == "NotFound"

    serve(scenario)


def test_deep_custom_resources_are_refused(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        definition = {
            "metadata": {"name": "pits.sea.example.com"},
            "spec": {
                "group": "sea.example.com",
                "scope": "Cluster",
                "names": {"plural": "pits", "kind": "Pit"},
                "versions": [
                    {
                        "name": "v1",
                        "served": True,
                        "storage": True,
                        "schema": {"openAPIV3Schema": schema},
                    }
                ],
            },
        }
        assert (await client.post(CRDS, definition)).code == 201
        for depth in (300, 900):
            body = (
                b'{"apiVersion":"sea.example.com/v1","kind":"Pit","metadata":{"name":"x"},"spec":'
                + b'{"a":' * depth
                + b"1"
                + b"}" * (depth + 1)
            )
            answer = await client.post("/apis/sea.example.com/v1/pits", body)
            assert answer.code == 400, answer.body
        assert (await client.get("/apis/sea.example.com/v1/pits")).body["items"] == []

    serve(scenario)
