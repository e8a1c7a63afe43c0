"""TLS over a connection to a pod: a `Link` in a `Link`.

The certificate of a pod that is proxied to is not checked, as upstream does not: who asks for
`https:` gets what the pod has, and the connection goes to that very pod by way of the node. Others
bring a context that checks.
"""

from __future__ import annotations

import ssl
from functools import cache

from sampan.kube.streams import Link

_CHUNK = 1 << 15  # bytes


class Secured:
    """Make it with `secured`."""

    def __init__(self, link: Link, name: str, context: ssl.SSLContext) -> None:
        self._link = link
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=name)

    async def handshake(self) -> None:
        """Raises OSError (of which SSLError is one)."""
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self._more()
        await self._flush()

    async def read(self) -> bytes:
        while True:
            try:
                return self._tls.read(_CHUNK)
            except ssl.SSLWantReadError:
                if self._in.eof:
                    return b""
                await self._more()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    async def write(self, data: bytes) -> None:
        self._tls.write(data)
        await self._flush()

    async def end(self) -> None:
        """TLS has no half that is closed; the pod is told when all is over."""

    def close(self) -> None:
        self._link.close()

    async def _more(self) -> None:
        await self._flush()
        if data := await self._link.read():
            self._in.write(data)
        else:
            self._in.write_eof()

    async def _flush(self) -> None:
        if data := self._out.read():
            await self._link.write(data)


async def secured(link: Link, name: str, context: ssl.SSLContext | None = None) -> Secured:
    """`context` None checks nothing. Raises OSError."""
    made = Secured(link, name, context or _unchecked())
    await made.handshake()
    return made


@cache
def _unchecked() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
