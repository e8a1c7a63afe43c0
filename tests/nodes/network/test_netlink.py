"""rtnetlink and nf_tables as bytes."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from sampan.nodes.network import catch, netlink


@given(st.integers(0, 1000), st.binary(max_size=200))
def test_an_attribute_says_its_length_and_is_padded(kind: int, value: bytes) -> None:
    encoded = netlink.attribute(kind, value)
    length, said = struct.unpack_from("=HH", encoded)
    assert (said, encoded[4:length]) == (kind, value)
    assert len(encoded) % 4 == 0
    assert len(encoded) - length < 4


def test_a_message_has_the_length_that_its_header_says() -> None:
    message = netlink.encode(netlink.address("10.244.0.7", 2), 5)
    length, kind, flags, number, _ = struct.unpack_from("=IHHII", message)
    assert (length, kind, number) == (len(message), 20, 5)
    assert flags & 0x1
    assert flags & 0x4
    assert message[16:24] == struct.pack("=BBBBI", 2, 32, 0, 0, 2)
    assert bytes([10, 244, 0, 7]) in message


def test_a_default_route_has_no_destination() -> None:
    kind, _, body = netlink.default_route("10.244.0.1", 2)
    assert (kind, body[1]) == (24, 0)
    assert body[12:] == struct.pack("=HH4BHHi", 8, 5, 10, 244, 0, 1, 8, 4, 2)


def test_acknowledgements_are_read_one_by_one() -> None:
    good = struct.pack("=IHHIIi", 36, 2, 0, 7, 0, 0) + bytes(16)
    bad = struct.pack("=IHHIIi", 36, 2, 0, 8, 0, -17) + bytes(16)
    assert netlink.failures(good + bad) == [(7, 0), (8, 17)]


@given(st.binary(max_size=300))
def test_nonsense_from_the_kernel_ends(data: bytes) -> None:
    assert isinstance(netlink.failures(data), list)


def test_the_rules_are_one_transaction() -> None:
    batch, numbers = catch.ruleset(["10.244.0.0/16"])
    kinds, at = [], 0
    while at < len(batch):
        length, kind, *_ = struct.unpack_from("=IHHII", batch, at)
        kinds.append(kind & 0xFF)
        at += length + -length % 4
    assert kinds == [16, 0, 3, 6, 6, 6, 17]
    assert numbers == {1, 2, 3, 4, 5}
