"""Connections that are led on: what is read at one is written at the other."""

from __future__ import annotations

import asyncio

_CHUNK = 1 << 16  # bytes


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Until the source ends, or the sink does not want more."""
    try:
        while data := await source.read(_CHUNK):
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
    except OSError:
        sink.close()  # whoever reads from it sees the end
