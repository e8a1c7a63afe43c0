"""What browsers need of websockets: watches over them, and tokens in their subprotocols.

Each event of a watch is a text message of its own. kubectl does neither, dashboards do both.
Upstream: k8s.io/apiserver pkg/endpoints/handlers/watch.go HandleWS,
pkg/authentication/request/websocket/protocol.go.
"""

from __future__ import annotations

import asyncio
import base64

from sampan.apiserver.http import MOST_UNSENT, Receive, Scope, Send
from sampan.apiserver.waiting import until_either
from sampan.kube.errors import BadRequest

_BEARER = "base64url.bearer.authorization.k8s.io."


def with_token(scope: Scope) -> Scope:
    """The handshake with a token that came as a subprotocol where it belongs: a page cannot set
    the Authorization header of its websocket."""
    offered: list[str] = list(scope.get("subprotocols") or ())
    tokens = [each.removeprefix(_BEARER) for each in offered if each.startswith(_BEARER)]
    if not tokens:
        return scope
    rest = [each for each in offered if not each.startswith(_BEARER)]
    if any(name == b"authorization" for name, _ in scope["headers"]):
        return {**scope, "subprotocols": rest}
    try:
        token = base64.urlsafe_b64decode(tokens[0] + "=" * (-len(tokens[0]) % 4))
    except ValueError:
        raise BadRequest("the token among the subprotocols is not base64url") from None
    headers = [*scope["headers"], (b"authorization", b"Bearer " + token)]
    return {**scope, "subprotocols": rest, "headers": headers}


class Messages:
    """What `watch.Out` asks for, over an accepted websocket."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._waiting: list[bytes] = []
        self._unsent = 0
        self._news = asyncio.Event()
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def write(self, frame: bytes) -> None:
        """Lines of JSON. A client that does not read is cut off, not waited for."""
        self._waiting += frame.splitlines()
        self._unsent += len(frame)
        self._news.set()
        if self._unsent > MOST_UNSENT:
            self.end()

    def end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)
        self._news.set()

    async def run(self) -> None:
        """Send until all has been said, or the client has left."""
        try:
            await until_either(self._say(), self._listen())
        finally:
            self.end()

    async def _say(self) -> None:
        while self._waiting or not self.ended.done():
            lines, self._waiting = self._waiting, []
            for line in lines:
                await self._send({"type": "websocket.send", "text": line.decode()})
                self._unsent -= len(line) + 1
            if not self._waiting and not self.ended.done():
                self._news.clear()
                await self._news.wait()

    async def _listen(self) -> None:
        """What a watcher says means nothing, but that it leaves does."""
        while (await self._receive())["type"] != "websocket.disconnect":
            pass
