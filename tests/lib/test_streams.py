from __future__ import annotations

import asyncio

from sampan.lib.streams import pump


def test_what_is_read_is_written_until_the_end():
    asyncio.run(_echoed(b"a line\n" * 50_000))


async def _echoed(sent: bytes) -> None:
    async def lead_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await pump(reader, writer)
        writer.close()

    server = await asyncio.start_server(lead_on, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(sent)
        writer.write_eof()
        assert await reader.read() == sent
        writer.close()
        await writer.wait_closed()


def test_a_sink_that_is_gone_ends_it():
    class Gone:
        closed = False

        def write(self, _: bytes) -> None:
            raise BrokenPipeError

        def close(self) -> None:
            self.closed = True

    async def led(sink: Gone) -> None:
        source = asyncio.StreamReader()
        source.feed_data(b"for nobody")
        await pump(source, sink)

    sink = Gone()
    asyncio.run(led(sink))
    assert sink.closed
