"""The wire format of SPDY/3.1: any bytes parse or are refused, and nothing swells."""

from __future__ import annotations

import contextlib
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.apiserver.spdy import frames, headers
from sampan.apiserver.spdy.frames import ProtocolError

TEXT = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=20)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=20)
STREAMS = st.integers(1, frames.WORD)
NUMBERS = st.integers(0, 0xFFFF_FFFF)


def well_formed() -> st.SearchStrategy[bytes]:
    return st.one_of(
        st.builds(
            lambda stream, data, fin: frames.data(stream, data, fin=fin),
            STREAMS, st.binary(max_size=200), st.booleans(),
        ),
        st.builds(lambda s, n: frames.words(frames.RST_STREAM, s, n), STREAMS, NUMBERS),
        st.builds(lambda s, n: frames.words(frames.WINDOW_UPDATE, s, n), STREAMS, NUMBERS),
        st.builds(lambda n: frames.words(frames.PING, n), NUMBERS),
        st.builds(lambda a, b: frames.words(frames.GOAWAY, a, b), NUMBERS, NUMBERS),
        st.builds(lambda a, b: frames.words(frames.SETTINGS, 1, a, b), NUMBERS, NUMBERS),
        st.builds(
            lambda s, block, flags: frames.control(
                frames.SYN_STREAM, struct.pack(">IIH", s, 0, 0) + block, flags
            ),
            STREAMS, st.binary(max_size=50), st.integers(0, 3),
        ),
    )  # fmt: skip


def joined(found: list[frames.Frame]) -> list[frames.Frame]:
    """With the pieces of each data frame put together."""
    whole: list[frames.Frame] = []
    for frame in found:
        match (whole[-1:], frame):
            case ([frames.Data(a, begin, False)], frames.Data(b, rest, fin)) if a == b:
                whole[-1] = frames.Data(a, begin + rest, fin)
            case _:
                whole.append(frame)
    return whole


@given(st.binary(max_size=300))
def test_any_bytes_parse_or_are_refused(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        list(frames.Splitter().feed(data))


@given(st.lists(well_formed(), max_size=8), st.lists(st.integers(1, 40)))
def test_how_bytes_are_cut_makes_no_difference(sent: list[bytes], cuts: list[int]) -> None:
    data = b"".join(sent)
    whole = list(frames.Splitter().feed(data))
    splitter, pieces = frames.Splitter(), []
    for cut in (*cuts, len(data) + 1):
        pieces += splitter.feed(data[:cut])
        data = data[cut:]
    assert joined(pieces) == joined(whole)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(struct.pack(">HHI", 0x8002, 6, 4) + bytes(4), id="version"),
        pytest.param(struct.pack(">HHI", 0x8003, 1, frames.MOST_CONTROL + 1), id="large"),
        pytest.param(frames.data(0, b"x"), id="data-of-stream-0"),
        pytest.param(frames.words(frames.RST_STREAM, 0, 1), id="reset-of-stream-0"),
        pytest.param(frames.control(frames.RST_STREAM, b"123"), id="short-reset"),
        pytest.param(frames.control(frames.PING, b""), id="short-ping"),
        pytest.param(frames.words(frames.SETTINGS, 1_000_000), id="settings-that-are-not-there"),
        pytest.param(frames.control(frames.SYN_STREAM, bytes(9)), id="short-opening"),
    ],
)
def test_frames_that_are_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(frames.Splitter().feed(data))


def test_frames_of_unknown_types_are_left_out() -> None:
    data = frames.control(200, b"whatever") + frames.words(frames.PING, 1)
    assert list(frames.Splitter().feed(data)) == [frames.Ping(1)]


def test_a_large_data_frame_is_given_out_as_it_arrives() -> None:
    splitter = frames.Splitter()
    assert list(splitter.feed(struct.pack(">II", 1, 1 << 24 | frames.MOST_DATA))) == []
    (piece,) = splitter.feed(b"begin")
    assert piece == frames.Data(1, b"begin", False)


def test_the_dictionary_is_the_one_of_the_protocol() -> None:
    assert zlib.adler32(headers.DICTIONARY) == 0xE3C6A7C2


@given(st.lists(st.dictionaries(NAMES, TEXT, max_size=5), max_size=5))
def test_headers_survive_one_after_the_other(blocks: list[dict[str, str]]) -> None:
    encoder, decoder = headers.Encoder(), headers.Decoder()
    assert [decoder.read(encoder.write(block)) for block in blocks] == blocks


@given(st.binary(max_size=100), st.booleans())
def test_any_header_block_is_read_or_refused(data: bytes, compressed: bool) -> None:
    if compressed:
        packer = zlib.compressobj(zdict=headers.DICTIONARY)
        data = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
    with contextlib.suppress(ProtocolError):
        headers.Decoder().read(data)


def block(plain: bytes) -> bytes:
    packer = zlib.compressobj(zdict=headers.DICTIONARY)
    return packer.compress(plain) + packer.flush(zlib.Z_SYNC_FLUSH)


def pair(name: bytes, value: bytes) -> bytes:
    return struct.pack(">I", len(name)) + name + struct.pack(">I", len(value)) + value


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(block(struct.pack(">I", 1) + pair(b"a", bytes(10_000_000))), id="bomb"),
        pytest.param(block(struct.pack(">I", 2) + pair(b"a", b"") * 2), id="twice"),
        pytest.param(block(struct.pack(">I", 1) + pair(b"", b"x")), id="no-name"),
        pytest.param(block(struct.pack(">I", 1) + pair(b"a", b"x") + b"more"), id="more"),
        pytest.param(block(struct.pack(">I", 0xFFFF_FFFF)), id="count"),
        pytest.param(block(struct.pack(">II", 1, 0xFFFF_FFFF) + bytes(8)), id="length"),
        pytest.param(zlib.compress(b"x"), id="no-dictionary"),
    ],
)
def test_header_blocks_that_are_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        headers.Decoder().read(data)
