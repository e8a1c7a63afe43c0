"""Proxies to pods and services, against web servers that stand for pods."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from sampan.apiserver import server
from sampan.apiserver.proxy import headers, targets
from sampan.apiserver.proxy.links import Links
from sampan.kube.errors import BadRequest
from sampan.kube.keys import Manifest
from sampan.nodes.dial import Connected

PODS, SERVICES = "/api/v1/namespaces/a/pods", "/api/v1/namespaces/a/services"
PREFIX = f"{PODS}/p:8080/proxy"


class Node:
    """Whatever port of whatever pod is asked for is that of one local server."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.dialled: list[int] = []

    async def dial(self, pod: Manifest, port: int) -> Connected:
        self.dialled.append(port)
        if port == 9:
            raise BadRequest("dial tcp: connection refused")
        return Connected(*await asyncio.open_connection("127.0.0.1", self.port))


async def echo(request: web.Request) -> web.StreamResponse:
    body = await request.read()
    return web.json_response(
        {
            "method": request.method,
            "path": request.raw_path,
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "body": body.decode(),
        },
        headers={"Set-Cookie": "a=b", "Connection": "X-Hop", "X-Hop": "1", "X-Own": "2"},
    )


async def redirect(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/there?x=1")


async def page(request: web.Request) -> web.StreamResponse:
    text = "<a href='/one'>1</a><a href=\"two\">2</a><script>'<a'</script>"
    return web.Response(text=text, content_type="text/html")


async def broken(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Length": "100"})
    await answer.prepare(request)
    await answer.write(b"only this")
    assert request.transport is not None
    request.transport.abort()
    return answer


async def talk(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse(protocols=("chat",))
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data.upper())
    return socket


@contextlib.asynccontextmanager
async def pod_serving(tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_get("/redirect", redirect)
    app.router.add_get("/page", page)
    app.router.add_get("/broken", broken)
    app.router.add_get("/talk", talk)
    app.router.add_route("*", "/{any:.*}", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


Story = Callable[[Any, Node], Any]


@pytest.fixture
def proxied(serve: Callable[..., None]) -> Callable[..., None]:
    """Run a story against an API server with a pod `p` and a service `s` in front of it."""

    def play(story: Story, tls: ssl.SSLContext | None = None) -> None:
        async def scenario(client: Any) -> None:
            async with pod_serving(tls) as port:
                node = Node(port)
                client.server.attach(node)
                await _furnish(client)
                await story(client, node)

        serve(scenario)

    return play


async def _furnish(client: Any) -> None:
    ports = [{"containerPort": 8080, "name": "web"}]
    spec = {"containers": [{"name": "c", "image": "busybox", "ports": ports}]}
    pod = (await client.post(PODS, {"metadata": {"name": "p"}, "spec": spec})).body
    service = {"ports": [{"port": 80, "targetPort": 8080, "name": "http"}]}
    await client.post(SERVICES, {"metadata": {"name": "s"}, "spec": service})
    reference = {"kind": "Pod", "name": "p", "namespace": "a", "uid": pod["metadata"]["uid"]}
    subset = {
        "addresses": [{"ip": "10.0.0.1", "targetRef": reference}],
        "ports": [{"name": "http", "port": 8080}],
    }
    endpoints = {"metadata": {"name": "s"}, "subsets": [subset]}
    assert (await client.post("/api/v1/namespaces/a/endpoints", endpoints)).code == 201


def test_a_request_goes_through_as_it_is_but_for_credentials(proxied: Any) -> None:
    async def story(client: Any, node: Node) -> None:
        sent = {"Cookie": "session=1", "X-Mine": "yes", "Impersonate-User": "reader"}
        answer = await client("GET", f"{PREFIX}/x%2Fy?q=a%20b", headers=sent)
        assert answer.code == 200, answer.body
        assert answer.body["path"] == "/x/y?q=a%20b"
        told = answer.body["headers"]
        assert told["x-mine"] == "yes"
        assert told["x-forwarded-uri"] == f"{PREFIX}/x/y"
        assert not {"authorization", "cookie", "impersonate-user"} & told.keys()
        assert answer.headers["x-own"] == "2"
        assert "set-cookie" not in answer.headers
        assert "x-hop" not in answer.headers
        assert node.dialled == [8080]

    proxied(story)


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/", "/"),
        ("/a/", "/a/"),
        ("/a//b", "/a/b"),
        ("/../../secrets", "/secrets"),
        ("/a/%2e%2e/%2e%2e/b/", "/b/"),
        ("/a%2Fb%20c", "/a/b%20c"),
        ("/a;b=1,2:3@$&+", "/a;b=1,2:3@$&+"),
        ("/%ff%00(", "/%FF%00%28"),
        ("//evil.example.com/x", "/evil.example.com/x"),
    ],
)
def test_paths_are_cleaned(proxied: Any, path: str, seen: str) -> None:
    async def story(client: Any, node: Node) -> None:
        url = aiohttp.client.URL(f"{client.url}{PREFIX}{path}", encoded=True)
        bearer = {"Authorization": "Bearer admin"}
        async with client.session.get(url, headers=bearer) as answer:
            assert (await answer.json())["path"] == seen

    proxied(story)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_bodies_go_up(proxied: Any, method: str) -> None:
    async def story(client: Any, node: Node) -> None:
        answer = await client(method, f"{PREFIX}/here", b"0123456789" * 10_000)
        assert (answer.body["method"], len(answer.body["body"])) == (method, 100_000)

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield b"piece"

        bearer = {"Authorization": "Bearer admin"}
        url = f"{client.url}{PREFIX}/here"
        async with client.session.request(method, url, data=pieces(), headers=bearer) as got:
            assert (await got.json())["body"] == "piecepiecepiece"

    proxied(story)


def test_a_body_may_come_slowly(proxied: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HALF_SENT", 0.1)
    monkeypatch.setattr(server, "SWEEP", 0.05)

    async def story(client: Any, node: Node) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(5):
                yield b"piece"
                await asyncio.sleep(0.08)  # longer in all than a request of ours may take

        bearer = {"Authorization": "Bearer admin"}
        url = f"{client.url}{PREFIX}/here"
        async with client.session.post(url, data=pieces(), headers=bearer) as got:
            assert (await got.json())["body"] == "piece" * 5

    proxied(story)


@pytest.mark.parametrize(
    ("path", "port"),
    [
        (f"{PODS}/p/proxy/", 8080),
        (f"{PODS}/p:web/proxy/", 8080),
        (f"{PODS}/http:p:81/proxy/", 81),
        (f"{SERVICES}/s:http/proxy/", 8080),
        (f"{SERVICES}/s:80/proxy/", 8080),
    ],
)
def test_ports_are_found(proxied: Any, path: str, port: int) -> None:
    async def story(client: Any, node: Node) -> None:
        assert (await client.get(path)).code == 200
        assert node.dialled == [port]

    proxied(story)


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [
        (f"{PODS}/q/proxy/", 404, 'pods "q" not found'),
        (f"{PODS}/p:9/proxy/", 503, "error trying to reach service: dial tcp: connection refused"),
        (f"{PODS}/p:nonesuch/proxy/", 400, "no port with the name"),
        (f"{PODS}/p:99999/proxy/", 400, "out of range"),
        (f"{PODS}/ftp:p:80/proxy/", 400, "invalid pod request"),
        (f"{SERVICES}/s:81/proxy/", 503, "no service port 81 found"),
        (f"{SERVICES}/s/proxy/", 503, 'no endpoints available for service "s"'),
        (f"{PODS}%2Fp/proxy/", 400, "no encoded slashes"),
        ("/api/v1/nodes/n/proxy/", 400, "no kubelet behind this node"),
    ],
)
def test_what_cannot_be_reached_is_a_status(proxied: Any, path: str, code: int, words: str) -> None:
    async def story(client: Any, node: Node) -> None:
        async with client.session.get(
            aiohttp.client.URL(client.url + path, encoded=True),
            headers={"Authorization": "Bearer admin"},
        ) as answer:
            found = await answer.json()
            assert (answer.status, found["code"]) == (code, code)
            assert words in found["message"]

    proxied(story)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "EOF"),
        (b"SSH-2.0-OpenSSH\r\n", "malformed HTTP response"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000, "are longer than"),
        (b"HTTP/1.1 101 Go\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "was not asked"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\n{}", ""),
        (b"HTTP/1.1 200 OK\r\nX: a\x01b\r\nContent-Length: 2\r\n\r\n{}", "malformed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}more", ""),
    ],
)
def test_what_is_no_http_is_a_status_too(
    serve: Callable[..., None], answer: bytes, words: str
) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async def scenario(client: Any) -> None:
        listener = await asyncio.start_server(talk, "127.0.0.1", 0)
        async with listener:
            client.server.attach(Node(listener.sockets[0].getsockname()[1]))
            await _furnish(client)
            found = await client.get(f"{PREFIX}/")
            if words:
                assert (found.code, found.body["reason"]) == (503, "ServiceUnavailable")
                assert words in found.message
            else:
                assert (found.code, found.body) == (200, {})

    serve(scenario)


def test_each_method_needs_its_own_right(proxied: Any) -> None:
    async def story(client: Any, node: Node) -> None:
        assert (await client.get(f"{PREFIX}/", token="reader")).code == 200
        refused = await client.post(f"{PREFIX}/", {}, token="reader")
        assert refused.code == 403
        assert 'cannot create resource "pods/proxy"' in refused.message
        assert (await client.get(f"{PREFIX}/", token="")).code in (401, 403)
        assert len(node.dialled) == 1

    proxied(story)


def test_links_and_redirects_stay_below_the_proxy(proxied: Any) -> None:
    async def story(client: Any, node: Node) -> None:
        bearer = {"Authorization": "Bearer admin"}

        async def location(path: str) -> tuple[int, str]:
            async with client.session.get(
                client.url + path, headers=bearer, allow_redirects=False
            ) as answer:
                return answer.status, answer.headers["Location"]

        assert await location(f"{PREFIX}?a=b") == (301, f"{PREFIX}/?a=b")
        assert await location(f"{PREFIX}/redirect") == (302, f"{PREFIX}/there?x=1")
        page = (await client.get(f"{PREFIX}/page")).body
        assert page == f"<a href='{PREFIX}/one'>1</a><a href=\"two\">2</a><script>'<a'</script>"

    proxied(story)


def test_half_an_answer_is_not_taken_for_a_whole_one(proxied: Any) -> None:
    async def story(client: Any, node: Node) -> None:
        with pytest.raises(aiohttp.ClientError):
            await client.get(f"{PREFIX}/broken")
        assert (await client.get(f"{PREFIX}/again")).code == 200

    proxied(story)


def test_a_websocket_goes_through_to_the_pod(proxied: Any) -> None:
    async def story(client: Any, node: Node) -> None:
        bearer = {"Authorization": "Bearer admin"}
        async with client.session.ws_connect(
            f"{client.url}{PREFIX}/talk", headers=bearer, protocols=("chat",)
        ) as socket:
            assert socket.protocol == "chat"
            await socket.send_str("hello")
            assert await socket.receive_str(timeout=5) == "HELLO"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await client.session.ws_connect(f"{client.url}{PREFIX}/talk")
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await client.session.ws_connect(f"{client.url}{PREFIX}/page", headers=bearer)

    proxied(story)


def test_pods_may_speak_tls(proxied: Any, certs: Any) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certs.certificate, certs.key)

    async def story(client: Any, node: Node) -> None:
        answer = await client.post(f"{PODS}/https:p:443/proxy/x", b"y" * 200_000)
        assert len(answer.body["body"]) == 200_000
        assert (await client.get(f"{PREFIX}/x")).code == 503  # no TLS was asked for

    proxied(story, tls)


# -- the parts --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "port", "secure"),
    [
        ("p", "p", "", False),
        ("p:80", "p", "80", False),
        ("http:p:", "p", "", False),
        ("https:p:web", "p", "web", True),
    ],
)
def test_names_are_taken_apart(text: str, name: str, port: str, secure: bool) -> None:
    assert targets.wanted(text, "pod") == targets.Wanted(name, port, secure)


@pytest.mark.parametrize("text", ["", ":80", "ftp:p:80", "http:p:80:1", "::"])
def test_names_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="invalid pod request"):
        targets.wanted(text, "pod")


@pytest.mark.parametrize(
    ("link", "then"),
    [
        ("/x", "/p/x"),
        ("/x/?a=b#c", "/p/x/?a=b#c"),
        ("x", "x"),
        ("../x", "../x"),
        ("#top", "#top"),
        ("/p/x", "/p/x"),
        ("http://host:1/x", "/p/x"),
        ("http://elsewhere/x", "http://elsewhere/x"),
        ("//elsewhere/x", "//elsewhere/x"),
        ("mailto:a@b", "mailto:a@b"),
        ("http://[bad/x", "http://[bad/x"),
    ],
)
def test_links_are_rewritten(link: str, then: str) -> None:
    assert headers.beneath("/p", link, ("host:1",)) == then


@given(
    st.lists(
        st.sampled_from(["<a ", "href", "=", '"/x"', "'/y'", "/z", ">", "<", "text", "</a>", "é"]),
        max_size=30,
    ),
    st.data(),
)
def test_a_page_is_the_same_however_it_is_cut(words: list[str], data: st.DataObject) -> None:
    whole = "".join(words).encode()

    def through(pieces: list[bytes]) -> bytes:
        links = Links(lambda link: headers.beneath("/p", link, ()))
        return b"".join(map(links.feed, pieces)) + links.end()

    cut = data.draw(st.integers(0, len(whole)))
    assert through([whole[:cut], whole[cut:]]) == through([whole])
