"""The websocket's protocol class: uvicorn's, with two of its edges taken off, and the client's
certificate shown.

- kubectl's subprotocol `SPDY/3.1+portforward.k8s.io` has a slash, which RFC 6455 does not allow and
  the websockets library refuses. Here the application alone reads that header.
- A connection that is being closed when the server stops is left to close, not an error.
"""

from __future__ import annotations

from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.exceptions import InvalidState
from websockets.server import ServerProtocol


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

    async def run_asgi(self) -> None:
        certificate = self.transport.get_extra_info("peercert")
        self.scope["sampan.certificate"] = certificate  # type: ignore[typeddict-unknown-key]
        await super().run_asgi()

    def shutdown(self) -> None:
        try:
            super().shutdown()
        except InvalidState:
            self.transport.close()
