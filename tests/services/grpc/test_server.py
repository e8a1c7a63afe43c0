"""Our server and our client of gRPC, on a pair of sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, RequestReceived

from sampan.kube.errors import SampanError
from sampan.lib.proto import Message, Schema
from sampan.services.grpc import client, messages
from sampan.services.grpc.messages import Failed, Frames, framed
from sampan.services.grpc.server import Server, Service
from sampan.services.grpc.standard import with_standard

SCHEMA = Schema(
    "test.v1",
    messages={"Text": "1 text string", "Other": "1 text Text"},
    services={
        "Echo": dict.fromkeys(("Say", "Who", "Fail", "Break", "Wait", "Not"), ("Text", "Text"))
    },
)


async def say(_caller: Any, request: Message) -> Message:
    return request


async def who(caller: Any, _request: Message) -> Message:
    return {"text": str(caller)}


async def grow(_caller: Any, request: Message) -> Message:
    return {"text": request["text"] * 2000}


async def fail(_caller: Any, request: Message) -> Message:
    if request["text"] == "a database":
        raise SampanError("no answer")
    raise Failed(messages.FAILED_PRECONDITION, request["text"])


async def broken(_caller: Any, _request: Message) -> Message:
    raise RuntimeError("a secret")


async def wait(_caller: Any, _request: Message) -> Message:
    await asyncio.Event().wait()
    return {}


SERVER = Server(
    with_standard(
        [
            Service(
                SCHEMA,
                "Echo",
                {"Say": say, "Who": who, "Fail": fail, "Break": broken, "Wait": wait},
            )
        ]
    )
)
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def connected() -> tuple[Streams, asyncio.Task[None]]:
    """Our end of a connection to the server, and what serves it."""
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=theirs)
    serving = asyncio.create_task(SERVER.serve(reader, writer, "somebody"))
    return await asyncio.open_connection(sock=ours), serving


def play(story: Callable[[Streams], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        streams, serving = await connected()
        try:
            async with asyncio.timeout(20):
                found = await story(streams)
                streams[1].close()
                await serving
            return found
        finally:
            serving.cancel()

    return asyncio.run(run())


def call(method: str, text: str = "", schema: Schema = SCHEMA, service: str = "Echo") -> Any:
    return play(
        lambda streams: client.call(streams, "here", schema, (service, method), {"text": text})
    )


@pytest.mark.parametrize(
    "text", ["", "a", "Zürich 🛶", "x" * (5 << 20)], ids=["empty", "short", "words", "large"]
)
def test_an_answer(text: str) -> None:
    assert call("Say", text).get("text", "") == text


def test_who_calls_is_known_by_the_connection() -> None:
    assert call("Who") == {"text": "somebody"}


@pytest.mark.parametrize(
    "text", ["plain", "100 % Zürich\n", "x" * 5000], ids=["plain", "words", "long"]
)
def test_a_failure_has_its_words(text: str) -> None:
    with pytest.raises(Failed) as failed:
        call("Fail", text)
    assert failed.value.code == messages.FAILED_PRECONDITION
    assert failed.value.message == text[:4096]


def test_what_cannot_be_had_now_is_unavailable() -> None:
    with pytest.raises(Failed, match="no answer") as failed:
        call("Fail", "a database")
    assert failed.value.code == messages.UNAVAILABLE


def test_what_breaks_tells_nothing_of_itself() -> None:
    with pytest.raises(Failed, match="internal error: see the log") as failed:
        call("Break")
    assert failed.value.code == messages.INTERNAL


@pytest.mark.parametrize("method", ["Not", "Nothing"])
def test_methods_that_are_not_there(method: str) -> None:
    schema = Schema(
        "test.v1", messages={"Text": "1 text string"}, services={"Echo": {method: ("Text", "Text")}}
    )
    with pytest.raises(Failed) as failed:
        call(method, schema=schema)
    assert failed.value.code == messages.UNIMPLEMENTED


def test_a_request_that_cannot_be_read() -> None:
    schema = Schema(
        "test.v1",
        messages={"Text": "1 text bytes"},
        services={"Echo": {"Say": ("Text", "Text")}},
    )
    with pytest.raises(Failed, match="text is no UTF-8") as failed:
        play(
            lambda streams: client.call(streams, "here", schema, ("Echo", "Say"), {"text": b"\xff"})
        )
    assert failed.value.code == messages.INTERNAL


def test_health_is_told() -> None:
    schema = Schema(
        "grpc.health.v1",
        messages={"Req": "1 service string", "Res": "1 status int32"},
        services={"Health": {"Check": ("Req", "Res")}},
    )

    def check(name: str) -> Any:
        return play(
            lambda streams: client.call(
                streams, "here", schema, ("Health", "Check"), {"service": name}
            )
        )

    assert check("") == check("test.v1.Echo") == {"status": 1}
    with pytest.raises(Failed, match="unknown service"):
        check("test.v1.Another")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="HTTP/1"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 100, id="no frames"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\4\1\5\0\0\0\1abcd", id="no headers"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_who_speaks_something_else_is_left(data: bytes) -> None:
    async def story(streams: Streams) -> None:
        reader, writer = streams
        writer.write(data)
        writer.write_eof()
        while await reader.read(1000):
            pass

    play(story)


def test_whoever_goes_away_ends_the_call() -> None:
    async def story(streams: Streams) -> None:
        asking = asyncio.create_task(
            client.call(streams, "here", SCHEMA, ("Echo", "Wait"), {"text": ""})
        )
        await asyncio.sleep(0.05)  # it has arrived; nothing tells so
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)

    play(story)


def test_a_side_that_says_nothing_is_no_answer() -> None:
    async def run() -> None:
        ours, theirs = socket.socketpair()
        streams = await asyncio.open_connection(sock=ours)
        theirs.close()
        with pytest.raises(Failed) as failed:
            await client.call(streams, "here", SCHEMA, ("Echo", "Say"), {})
        assert failed.value.code == messages.UNAVAILABLE

    asyncio.run(run())


def test_who_answers_without_end_is_not_heard_to_the_end() -> None:
    async def chatter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = H2Connection(H2Configuration(client_side=False))
        connection.initiate_connection()
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                for event in connection.receive_data(data):
                    if isinstance(event, RequestReceived):
                        head = [(":status", "200"), ("content-type", "application/grpc")]
                        connection.send_headers(event.stream_id or 0, head)
                        connection.send_data(event.stream_id or 0, framed(b"") * 2)
                writer.write(connection.data_to_send())
        writer.close()

    async def run() -> None:
        ours, theirs = socket.socketpair()
        talking = asyncio.create_task(chatter(*await asyncio.open_connection(sock=theirs)))
        streams = await asyncio.open_connection(sock=ours)
        async with asyncio.timeout(10):
            with pytest.raises(Failed, match="not answered with one message"):
                await client.call(streams, "here", SCHEMA, ("Echo", "Say"), {"text": "x"})
            await talking

    asyncio.run(run())


def test_who_takes_back_whatever_it_asks_is_left() -> None:
    async def story(streams: Streams) -> Any:
        reader, writer = streams
        connection = H2Connection(H2Configuration(client_side=True))
        connection.initiate_connection()
        for number in range(1, 2001, 2):
            connection.send_headers(number, [(":method", "POST"), (":scheme", "http"),
                                             (":authority", "x"), (":path", "/x")])  # fmt: skip
            connection.reset_stream(number)
        writer.write(connection.data_to_send())
        found = b""
        with suppress(ConnectionResetError):
            while data := await reader.read(1 << 16):
                found += data
        ended = [each for each in connection.receive_data(found)
                 if isinstance(each, ConnectionTerminated)]  # fmt: skip
        return [each.error_code for each in ended]

    assert play(story) == [ErrorCodes.ENHANCE_YOUR_CALM]


def test_an_answer_needs_room_as_well() -> None:
    async def run() -> None:
        server = Server([Service(SCHEMA, "Echo", {"Say": grow})], most_held=1000)
        ours, theirs = socket.socketpair()
        serving = asyncio.create_task(
            server.serve(*await asyncio.open_connection(sock=theirs), None)
        )
        streams = await asyncio.open_connection(sock=ours)
        with pytest.raises(Failed, match="too much to do"):
            await client.call(streams, "here", SCHEMA, ("Echo", "Say"), {"text": "x"})
        await serving

    asyncio.run(run())


def test_more_than_there_is_room_for_is_refused_and_leaves_room() -> None:
    async def run() -> None:
        server = Server([Service(SCHEMA, "Echo", {"Say": say})], most_held=2000)

        async def ask(text: str) -> Message:
            ours, theirs = socket.socketpair()
            serving = asyncio.create_task(
                server.serve(*await asyncio.open_connection(sock=theirs), None)
            )
            streams = await asyncio.open_connection(sock=ours)
            try:
                return await client.call(streams, "here", SCHEMA, ("Echo", "Say"), {"text": text})
            finally:
                await serving

        for _ in range(3):
            with pytest.raises(Failed, match="too much to do") as failed:
                await ask("x" * 3000)
            assert failed.value.code == messages.RESOURCE_EXHAUSTED
            assert await ask("x" * 900) == {"text": "x" * 900}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("text", "seconds"), [("100m", 0.1), ("3S", 3.0), ("1H", 3600.0), ("", None), ("x", None)]
)
def test_timeouts(text: str, seconds: float | None) -> None:
    assert messages.seconds(text) == seconds


def test_messages_come_in_pieces() -> None:
    frames, data = Frames(), framed(b"one") + framed(b"") + framed(b"three")
    found = [each for at in range(len(data)) for each in frames.add(data[at : at + 1])]
    assert found == [b"one", b"", b"three"]
    assert not frames.is_within


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\0\xff\xff\xff\xff", id="too large"),
        pytest.param(b"\1\0\0\0\1x", id="no compression was said"),
    ],
)
def test_what_is_no_message(data: bytes) -> None:
    with pytest.raises(Failed):
        list(Frames().add(data))
