"""Watches over websockets, and tokens among their subprotocols."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import aiohttp
import orjson
import pytest

CM = "/api/v1/namespaces/a/configmaps"
BEARER = {"Authorization": "Bearer admin"}


async def event(socket: aiohttp.ClientWebSocketResponse) -> tuple[str, str]:
    message = await socket.receive(timeout=5)
    assert message.type is aiohttp.WSMsgType.TEXT, message
    found = orjson.loads(message.data)
    return found["type"], found["object"]["metadata"].get("name", "")


@pytest.mark.parametrize("path", [f"{CM}?watch=true", "/api/v1/watch/namespaces/a/configmaps"])
def test_each_event_is_a_message(serve: Callable[..., None], path: str) -> None:
    async def scenario(client: Any) -> None:
        for name in "xy":
            await client.post(CM, {"metadata": {"name": name}})
        async with client.session.ws_connect(client.url + path, headers=BEARER) as socket:
            assert {await event(socket), await event(socket)} >= {("ADDED", "x"), ("ADDED", "y")}
            await client("DELETE", f"{CM}/x")
            await client.post(CM, {"metadata": {"name": "z"}})
            seen = [await event(socket)]
            while seen[-1] != ("ADDED", "z"):
                seen.append(await event(socket))
            assert ("DELETED", "x") in seen

    serve(scenario)


def test_a_watch_ends_in_time_and_with_its_client(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        url = f"{client.url}{CM}?watch=true&fieldSelector=metadata.name%3Dnone"
        async with client.session.ws_connect(f"{url}&timeoutSeconds=1", headers=BEARER) as socket:
            message = await socket.receive(timeout=5)
            assert message.type is aiohttp.WSMsgType.CLOSE
        async with client.session.ws_connect(url, headers=BEARER) as socket:
            assert len(client.server.watches) == 1
            out = next(iter(client.server.watches._feeds.values()))[0].outs
            ended = [each.ended for each in out]
        await asyncio.wait_for(asyncio.gather(*ended), 5)

    serve(scenario)


@pytest.mark.parametrize(
    ("path", "token", "code"),
    [
        (f"{CM}?watch=true", "", 403),
        (f"{CM}?watch=true&labelSelector=((", "admin", 400),
        (CM, "admin", 400),
        (f"{CM}?watch=maybe", "admin", 400),
        ("/api/v1/namespaces/a/nonesuch?watch=true", "admin", 404),
        ("/apis/none.such/v1/things?watch=true", "admin", 404),
        ("/apis/metrics.k8s.io/v1beta1/pods?watch=true", "admin", 405),
        ("/version", "admin", 404),
    ],
)
def test_what_is_no_watch_is_refused_before_the_handshake(
    serve: Callable[..., None], path: str, token: str, code: int
) -> None:
    async def scenario(client: Any) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.session.ws_connect(client.url + path, headers=headers)
        assert refused.value.status == code

    serve(scenario)


def test_a_page_gives_its_token_as_a_subprotocol(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        def protocols(token: bytes) -> list[str]:
            coded = base64.urlsafe_b64encode(token).rstrip(b"=").decode()
            return [f"base64url.bearer.authorization.k8s.io.{coded}", "mine"]

        await client.post(CM, {"metadata": {"name": "x"}})
        url = f"{client.url}{CM}?watch=true&fieldSelector=metadata.name%3Dx"
        async with client.session.ws_connect(url, protocols=protocols(b"reader")) as socket:
            assert socket.protocol == "mine"
            assert await event(socket) == ("ADDED", "x")
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.session.ws_connect(url, protocols=protocols(b"stranger"))
        assert refused.value.status == 401
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.session.ws_connect(
                url, protocols=["base64url.bearer.authorization.k8s.io.a"]
            )
        assert refused.value.status == 400

    serve(scenario)
