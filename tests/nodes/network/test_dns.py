"""DNS messages: what is asked and answered, and what hostile packets do (nothing)."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.nodes.network import dns
from sampan.nodes.network.naming import Names
from sampan.nodes.network.resolver import parsed, respond

ENTRY = {"ip": "10.96.7.7", "ports": [], "addresses": []}


def encoded(name: str) -> bytes:
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


def query(name: str, kind: int = dns.A, *, number: int = 7, extra: bytes = b"") -> bytes:
    header = struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, int(bool(extra)))
    return header + encoded(name) + struct.pack("!HH", kind, 1) + extra


def names(**entries: Any) -> Names:
    made = Names()
    made.update("team/web", ENTRY)
    for name, entry in entries.items():
        made.update(f"team/{name}", entry)
    return made


def test_an_answer_repeats_the_question() -> None:
    asked = query("WEB.team.svc.cluster.local")
    said = respond(names(), asked, by_udp=True)
    assert said is not None
    number, flags, *counts = struct.unpack_from("!HHHHHH", said)
    assert (number, flags, counts) == (7, 0x8580, [1, 1, 0, 0])
    assert said[12 : len(asked)] == asked[12:]
    assert said.endswith(struct.pack("!HHIH", 1, 1, dns.TTL, 4) + bytes([10, 96, 7, 7]))


def test_what_is_not_there_is_said_at_once_with_the_zones_start() -> None:
    said = respond(names(), query("none.team.svc.cluster.local"), by_udp=True)
    assert said is not None
    assert struct.unpack_from("!HHHHHH", said)[1:] == (0x8583, 1, 0, 1, 0)


def test_other_names_are_for_others() -> None:
    assert respond(names(), query("example.com"), by_udp=True) is None


def test_what_does_not_fit_is_cut_off_unless_the_client_takes_more() -> None:
    many = {"ip": "", "ports": [], "addresses": [[f"10.244.1.{n}", ""] for n in range(100)]}
    table, name = names(many=many), "many.team.svc.cluster.local"
    plain = respond(table, query(name), by_udp=True)
    roomy = respond(table, query(name, extra=b"\0" + struct.pack("!HHIH", 41, 4096, 0, 0)),
                    by_udp=True)  # fmt: skip
    stream = respond(table, query(name), by_udp=False)
    assert plain is not None
    assert roomy is not None
    assert stream is not None
    assert plain[2] & 0x02
    assert len(plain) < 512
    assert not roomy[2] & 0x02
    assert struct.unpack_from("!H", roomy, 6) == struct.unpack_from("!H", stream, 6) == (100,)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(query("x")[:14], dns.FORMAT_ERROR, id="cut-off"),
        pytest.param(query("x")[:4] + b"\0\2" + query("x")[6:], dns.FORMAT_ERROR, id="two"),
        pytest.param(b"\0\7\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1", dns.FORMAT_ERROR, id="pointer"),
        pytest.param(b"\0\7\x29\0" + query("x")[4:], dns.NOT_IMPLEMENTED, id="update"),
    ],
)
def test_what_cannot_be_answered_is_refused(data: bytes, code: int) -> None:
    said = respond(names(), data, by_udp=True)
    assert said is not None
    assert (said[:2], said[2] & 0x80, said[3] & 0x0F) == (b"\0\7", 0x80, code)


@given(st.binary(max_size=600))
def test_no_packet_harms_or_is_answered_with_more_than_it_may(data: bytes) -> None:
    said = respond(names(), data, by_udp=True)
    assert said is None or len(said) <= 4096
    if said:
        assert said[:2] == data[:2]
        assert said[2] & 0x80


@given(st.binary(max_size=100))
def test_an_answer_is_never_answered(data: bytes) -> None:
    answer = b"\0\7\x80" + data
    assert respond(names(), answer, by_udp=True) == b""


@given(
    st.lists(st.from_regex(r"[a-z0-9_-]{1,20}", fullmatch=True), max_size=5),
    st.sampled_from(["svc.cluster.local", "cluster.local", "pod.cluster.local", "in-addr.arpa"]),
    st.sampled_from([dns.A, dns.AAAA, dns.SRV, dns.PTR, dns.ANY, dns.CNAME]),
)
def test_every_name_has_an_answer(labels: list[str], zone: str, kind: int) -> None:
    headless = {"ip": "", "ports": [], "addresses": [["10.244.0.9", "db-0"]]}
    said = respond(names(db=headless), query(".".join([*labels, zone]), kind), by_udp=True)
    assert said is None or said[3] & 0x0F in (dns.OK, dns.NO_NAME)


def test_servers_of_this_machine() -> None:
    text = "# x\nnameserver 9.9.9.9\nsearch a b\nnameserver fd00::1\nnameserver\n"
    assert parsed(text) == ["9.9.9.9", "fd00::1"]
