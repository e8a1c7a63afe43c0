"""The state of SPDY streams: openings, ends, windows, and what hostile peers get."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.apiserver.spdy import frames
from sampan.apiserver.spdy.frames import ProtocolError, Splitter
from sampan.apiserver.spdy.headers import Encoder
from sampan.apiserver.spdy.session import (
    MOST_STREAMS,
    WINDOW,
    Cancelled,
    Ended,
    Moved,
    Opened,
    Received,
    Session,
)


class Peer:
    """A session, and the frames of the other side."""

    def __init__(self) -> None:
        self.session = Session()
        self.encoder = Encoder()
        self.splitter = Splitter()

    def open(self, stream: int, *, flags: int = 0, **named: str) -> list[object]:
        payload = struct.pack(">IIH", stream, 0, 0) + self.encoder.write(named)
        return self.say(frames.control(frames.SYN_STREAM, payload, flags))

    def say(self, *sent: bytes) -> list[object]:
        return list(self.session.receive(b"".join(sent)))

    def words(self, kind: int, *values: int) -> list[object]:
        return self.say(frames.words(kind, *values))

    def heard(self) -> list[frames.Frame]:
        return list(self.splitter.feed(self.session.take()))


def test_a_stream_lives_until_both_have_ended_it() -> None:
    peer = Peer()
    assert peer.open(1, streamtype="data") == [Opened(1, {"streamtype": "data"})]
    (reply,) = peer.heard()
    assert isinstance(reply, frames.Block)
    assert peer.say(frames.data(1, b"hello"), frames.data(1, b"", fin=True)) == [
        Received(1, b"hello"),
        Ended(1),
    ]
    assert peer.say(frames.data(1, b"after the end")) == []
    peer.session.send(1, b"answer")
    peer.session.end(1)
    assert peer.heard() == [frames.Data(1, b"answer", False), frames.Data(1, b"", True)]
    assert not peer.session.knows(1)


def test_a_stream_that_is_dropped_takes_nothing_more() -> None:
    peer = Peer()
    peer.open(1)
    assert peer.words(frames.RST_STREAM, 1, 5) == [Cancelled(1)]
    assert peer.words(frames.RST_STREAM, 1, 5) == []
    assert (peer.session.room(1), peer.session.is_open(1)) == (0, False)


@pytest.mark.parametrize("number", [2, 1, 3], ids=["even", "smaller", "again"])
def test_stream_numbers_are_odd_and_grow(number: int) -> None:
    peer = Peer()
    peer.open(3)
    with pytest.raises(ProtocolError):
        peer.open(number)


def test_streams_beyond_the_limit_are_refused() -> None:
    peer = Peer()
    for number in range(MOST_STREAMS):
        peer.open(2 * number + 1)
    peer.heard()
    assert peer.open(2 * MOST_STREAMS + 1) == []
    assert peer.heard() == [frames.Reset(2 * MOST_STREAMS + 1, frames.REFUSED_STREAM)]
    peer.words(frames.RST_STREAM, 1, 5)
    assert len(peer.open(2 * MOST_STREAMS + 3)) == 1


def test_pings_are_answered_and_our_own_are_not() -> None:
    peer = Peer()
    peer.words(frames.PING, 7)
    peer.session.ping()
    peer.words(frames.PING, 2)
    assert peer.heard() == [frames.Ping(7), frames.Ping(2)]


def test_a_goodbye_waits_for_the_streams() -> None:
    peer = Peer()
    peer.open(1)
    peer.words(frames.GOAWAY, 0, 0)
    assert not peer.session.finished
    peer.words(frames.RST_STREAM, 1, 5)
    assert peer.session.finished


def test_a_peer_without_windows_is_not_held_to_them() -> None:
    peer = Peer()
    peer.open(1)
    for _ in range(4):
        peer.session.send(1, bytes(WINDOW))
    assert peer.session.room(1) > WINDOW


def test_windows_bind_from_the_first_sign_of_them() -> None:
    peer = Peer()
    peer.open(1)
    peer.session.send(1, bytes(1000))
    assert peer.words(frames.SETTINGS, 1, frames.INITIAL_WINDOW_SIZE, 2500) == [Moved()]
    assert peer.session.room(1) == 1500
    peer.session.send(1, bytes(1500))
    assert peer.session.room(1) == 0
    assert peer.words(frames.WINDOW_UPDATE, 1, 10) == [Moved()]
    assert peer.session.room(1) == 10
    peer.words(frames.SETTINGS, 1, frames.INITIAL_WINDOW_SIZE, 100)
    assert peer.session.room(1) == 0


def test_the_window_of_the_session_binds_too() -> None:
    peer = Peer()
    peer.open(1)
    peer.open(3)
    peer.words(frames.SETTINGS, 1, frames.INITIAL_WINDOW_SIZE, 1 << 20)
    peer.session.send(1, bytes(WINDOW))
    assert (peer.session.room(1), peer.session.room(3)) == (0, 0)
    peer.words(frames.WINDOW_UPDATE, 0, 5)
    assert peer.session.room(3) == 5


def test_what_was_consumed_is_given_back_in_halves_of_a_window() -> None:
    peer = Peer()
    peer.open(1)
    peer.heard()
    peer.session.consumed(1, WINDOW // 2 - 1)
    assert peer.heard() == []
    peer.session.consumed(1, 1)
    half = WINDOW // 2
    assert set(peer.heard()) == {frames.Window(0, half), frames.Window(1, half)}


@pytest.mark.parametrize("delta", [0, frames.WORD], ids=["nothing", "overflow"])
def test_windows_that_cannot_be(delta: int) -> None:
    peer = Peer()
    peer.open(1)
    with pytest.raises(ProtocolError):
        peer.words(frames.WINDOW_UPDATE, 1, delta)


WORDS = st.integers(0, 20) | st.integers(0, 0xFFFF_FFFF)
FRAMES = st.one_of(
    st.builds(
        lambda kind, values: frames.words(kind, *values),
        st.integers(0, 12), st.lists(WORDS, max_size=4),
    ),
    st.builds(
        lambda stream, data, fin: frames.data(stream, data, fin=fin),
        st.integers(1, 9), st.binary(max_size=100), st.booleans(),
    ),
    st.binary(max_size=30),
)  # fmt: skip


@given(st.lists(FRAMES, max_size=20), st.integers(0, 4))
def test_no_peer_gets_more_than_it_sends(sent: list[bytes], opened: int) -> None:
    """Any frames are taken or refused, and answers are never much longer than questions."""
    peer = Peer()
    for number in range(opened):
        peer.open(2 * number + 1)
    peer.heard()
    data = b"".join(sent)
    try:
        events = peer.say(data)
    except ProtocolError:
        return
    assert sum(len(e.data) for e in events if isinstance(e, Received)) <= len(data)
    assert len(peer.session.take()) <= 3 * len(data)
