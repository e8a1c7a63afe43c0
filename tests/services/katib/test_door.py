"""Who may come in, by the three ways in which a connection begins."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import pytest

from sampan.services.katib import door
from sampan.services.katib.callers import NOBODY, Caller, Words
from sampan.services.katib.door import Door

PRI = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
MANAGER = "katib-db-manager.kubeflow:6789"


class Told:
    """A server that says who calls, and what it was handed."""

    async def serve(self, reader: Any, writer: Any, caller: Caller, first: bytes = b"") -> None:
        data = first + await reader.readexactly(len(PRI) - len(first))
        writer.write(repr((caller, data)).encode())
        await writer.drain()


def played(
    ask: Callable[[Door], bytes] | bytes, *, owned: bool = False, pods: dict[str, str] | None = None
) -> bytes:
    """All that comes back."""

    async def run() -> bytes:
        echo = await asyncio.start_server(_echo, "127.0.0.1", 0)
        where = echo.sockets[0].getsockname()[1]

        async def dial(host: str, port: int, namespace: str) -> Any:
            if host != "echo.team":
                raise ConnectionError(f"no {host} for {namespace}")
            return await asyncio.open_connection("127.0.0.1", where)

        door = Door(
            Told,
            namespace_at=lambda address: (pods or {}).get(address, ""),
            is_owner=lambda end, ours: owned and end != ours,
            dial=dial,
        )
        port = await door.start("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(ask if isinstance(ask, bytes) else ask(door))
        writer.write_eof()
        async with asyncio.timeout(5):
            found = await reader.read()
        writer.close()
        await door.stop()
        echo.close()
        return found

    return asyncio.run(run())


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"echo " + await reader.read())
    writer.close()


def connect(target: str, who: tuple[str, str] | None = None) -> bytes:
    head = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"
    if who is not None:
        said = base64.b64encode(":".join(who).encode()).decode()
        head += f"Proxy-Authorization: Basic {said}\r\n"
    return head.encode() + b"\r\n" + PRI


def told(caller: Caller) -> bytes:
    return repr((caller, PRI)).encode()


@pytest.mark.parametrize(("owned", "caller"), [(True, Caller(everywhere=True)), (False, NOBODY)])
def test_a_program_of_this_machine_is_the_owners_or_nobodys(owned: bool, caller: Caller) -> None:
    assert played(PRI, owned=owned) == told(caller)


def test_a_pod_is_known_by_its_address() -> None:
    def ask(door: Door) -> bytes:
        return f"POD {door.words.relay} 10.244.0.7\n".encode() + PRI

    assert played(ask, pods={"10.244.0.7": "team"}) == told(Caller(namespace="team"))
    assert played(ask) == told(NOBODY)


@pytest.mark.parametrize("line", ["POD x 10.244.0.7\n", "POD \n", "POD 10.244.0.7\n"])
def test_an_address_without_the_word_says_nothing(line: str) -> None:
    found = played(line.encode() + PRI, owned=True, pods={"10.244.0.7": "team"})
    assert found == told(NOBODY)


@pytest.mark.parametrize(
    "target",
    [
        MANAGER,
        "katib-db-manager.kubeflow.svc:6789",
        "KATIB-DB-MANAGER.kubeflow.svc.cluster.local.:1",
    ],
)
def test_the_proxy_leads_to_the_manager_by_its_names(target: str) -> None:
    found = played(lambda door: connect(target, door.words.of_namespace("team")))
    assert found == b"HTTP/1.1 200 OK\r\n\r\n" + told(Caller(namespace="team"))


def test_the_owner_has_a_word_too() -> None:
    found = played(lambda door: connect(MANAGER, door.words.of_owner()))
    assert found.endswith(told(Caller(everywhere=True)))


def test_who_is_the_owner_needs_none() -> None:
    assert played(connect(MANAGER), owned=True).endswith(told(Caller(everywhere=True)))


@pytest.mark.parametrize(
    "who",
    [
        pytest.param(None, id="no word"),
        pytest.param(("team", ""), id="an empty one"),
        pytest.param(("", ""), id="no name"),
        pytest.param(("owner", "x"), id="a wrong one"),
    ],
)
def test_without_a_word_of_ones_own_nobody_is_let_through(who: tuple[str, str] | None) -> None:
    assert played(connect(MANAGER, who)).startswith(b"HTTP/1.1 407 ")


def test_a_wrong_word_is_not_made_good_by_whose_program_it_is() -> None:
    assert played(connect(MANAGER, ("team", "x")), owned=True).startswith(b"HTTP/1.1 407 ")


def test_a_word_is_for_one_namespace() -> None:
    words = Words()
    word = words.of_namespace("team")[1]
    for who in (("other", word), ("owner", word), ("owner", words.of_namespace("owner")[1])):
        said = "Basic " + base64.b64encode(":".join(who).encode()).decode()
        assert not words.caller(said).everywhere
        assert words.caller(said).namespace in ("", "owner")
    assert words.caller("Basic ???") == words.caller("") == NOBODY
    assert Words().caller("Basic " + base64.b64encode(f"team:{word}".encode()).decode()) == NOBODY


def test_other_names_lead_to_where_a_pod_would_find_them() -> None:
    found = played(lambda door: connect("echo.team:80", door.words.of_namespace("team")))
    assert found == b"HTTP/1.1 200 OK\r\n\r\necho " + PRI


def test_names_of_nobody() -> None:
    found = played(lambda door: connect("nowhere:80", door.words.of_namespace("team")))
    assert found.startswith(b"HTTP/1.1 502 no nowhere for team\r\n")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="HTTP"),
        pytest.param(b"CONNECT nothing HTTP/1.1\r\n\r\n", id="no port"),
        pytest.param(b"CONNECT a:b HTTP/1.1\r\n\r\n", id="no number"),
        pytest.param(b"CONNECT a:1\r\n\r\n", id="no version"),
    ],
)
def test_what_makes_no_sense_is_told(data: bytes) -> None:
    assert played(data, owned=True).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("data", [b"", b"CONN", b"CONNECT a:1 HTTP/1.1\r\n", b"POD x"])
def test_who_goes_before_saying_anything_is_left(data: bytes) -> None:
    assert played(data) == b""


def test_proxies_are_told_as_urls() -> None:
    async def run() -> None:
        async def dial(*_: Any) -> Any:
            raise AssertionError

        door = Door(Told, namespace_at=str, is_owner=lambda *_: False, dial=dial)
        port = await door.start("127.0.0.1", 0)
        user, word = door.words.of_namespace("team")
        assert door.proxy_of("team") == f"http://{user}:{word}@127.0.0.1:{port}"
        assert door.owners_proxy.startswith("http://owner:")
        await door.stop()

    asyncio.run(run())


def test_nobody_takes_all_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_MOST_OF_ONE", 2)

    class Holds:
        async def serve(
            self, _reader: Any, writer: Any, caller: Caller, _first: bytes = b""
        ) -> None:
            writer.write(caller.namespace.encode())
            await asyncio.Event().wait()

    async def run() -> list[bytes]:
        spaces = {"10.244.0.7": "greedy", "10.244.0.8": "team"}
        made = Door(
            Holds,
            namespace_at=lambda address: spaces[address],
            is_owner=lambda *_: False,
            dial=_nowhere,
        )
        port = await made.start("127.0.0.1", 0)
        found, writers = [], []
        for address in (*["10.244.0.7"] * 3, "10.244.0.8"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"POD {made.words.relay} {address}\n".encode())
            found.append(await reader.read(10))
            writers.append(writer)
        for writer in writers:
            writer.close()
        await made.stop()
        return found

    assert asyncio.run(run()) == [b"greedy", b"greedy", b"", b"team"]


def test_who_says_nothing_keeps_nobody_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(door, "_MOST_OPEN", 3)

    async def run() -> tuple[bytes, bytes]:
        made = Door(Told, namespace_at=lambda _: "team", is_owner=lambda *_: False, dial=_nowhere)
        port = await made.start("127.0.0.1", 0)
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        await asyncio.sleep(0.05)  # they are accepted; nothing tells so
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"POD {made.words.relay} 10.244.0.7\n".encode() + PRI)
        answer, left = await reader.read(), await silent[0][0].read()
        for _, each in (*silent, (reader, writer)):
            each.close()
        await made.stop()
        return answer, left

    assert asyncio.run(run()) == (told(Caller(namespace="team")), b"")
    assert not caplog.records


async def _nowhere(_host: str, _port: int, _namespace: str) -> Any:
    raise ConnectionError
