"""The websocket's protocol class: uvicorn's, with two of its edges taken off, and the client's
certificate shown.

- kubectl's subprotocol `SPDY/3.1+portforward.k8s.io` has a slash, which RFC 6455 does not allow and
  the websockets library refuses. Here the application alone reads that header.
- The connection ends with our close frame, as a real server's does, and a last message may go out
  with that frame. A client that has a thread read until the end, and closes the socket under it
  once it has heard enough, would have it read what its next connection is sent (seen with httpx).
- A connection that is being closed when the server stops is left to close, not an error.
"""

from __future__ import annotations

from typing import Any

from uvicorn._types import ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.exceptions import InvalidState
from websockets.server import ServerProtocol

LAST = "sampan.last"
"""In `websocket.close`: a message (`text` or `bytes`) to be sent in one piece with the close."""


class _Handshake(ServerProtocol):
    def process_subprotocol(self, headers: Headers) -> None:
        """Chooses nothing: the application's choice goes into the answer later."""


class WebSocket(WebSocketsSansIOProtocol):
    waits_since: float | None = None  # when the client stopped to read what we have for it

    def __init__(self, config: Config, *args: Any, **named: Any) -> None:
        super().__init__(config, *args, **named)
        self.conn = _Handshake(
            extensions=self.conn.available_extensions,
            max_size=config.ws_max_size,
            logger=self.logger,
        )

    def pause_writing(self) -> None:
        super().pause_writing()
        self.waits_since = self.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.waits_since = None

    async def send(self, message: ASGISendEvent) -> None:
        last: dict[str, Any] | None = message.get(LAST)  # type: ignore[assignment]
        if last is not None and self.handshake_complete and not self.close_sent:
            if "text" in last:
                self.conn.send_text(last["text"].encode())
            else:
                self.conn.send_binary(last["bytes"])
        await super().send(message)
        if message["type"] == "websocket.close":
            self.transport.close()  # once what is written has left

    async def run_asgi(self) -> None:
        certificate = self.transport.get_extra_info("peercert")
        self.scope["sampan.certificate"] = certificate  # type: ignore[typeddict-unknown-key]
        await super().run_asgi()

    def shutdown(self) -> None:
        try:
            super().shutdown()
        except InvalidState:
            self.transport.close()
