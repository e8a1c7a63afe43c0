"""Session: the state of all streams of one connection, the server's side. No I/O, no clock.

    receive(bytes) -> events; send, end, reset, consumed, ping, leave -> bytes to `take`

The peer opens streams with odd, growing numbers; each direction of a stream ends on its own.
Windows: what was consumed is given back to the peer in halves of a window, for the stream and for
the session. The peer's own windows bind us from the moment it shows that it keeps some (SETTINGS
or WINDOW_UPDATE). Go's spdystream, which all kubectls have, keeps none and would stall after
64 KiB; what is sent to such a peer is paced by the connection alone, as what comes from it is by
reading no further.
"""

from __future__ import annotations

import struct

from msgspec import Struct

from sampan.apiserver.spdy import frames
from sampan.apiserver.spdy.frames import ProtocolError, Splitter
from sampan.apiserver.spdy.headers import Decoder, Encoder

WINDOW = 1 << 16  # bytes; the protocol's initial window
MOST_STREAMS = 512  # open at a time: 256 forwarded connections
_ALL = 0  # the stream number that stands for the session
_UNBOUND = frames.WORD


class Opened(Struct, frozen=True):
    """The peer has opened a stream; it was accepted. Header names are lower-case."""

    stream: int
    headers: dict[str, str]


class Received(Struct, frozen=True):
    """Bytes that have to be given back by `consumed`."""

    stream: int
    data: bytes


class Ended(Struct, frozen=True):
    """The peer sends nothing more on this stream."""

    stream: int


class Cancelled(Struct, frozen=True):
    """The peer has dropped the stream, both ways."""

    stream: int


class Moved(Struct, frozen=True):
    """There may be more room to send in some stream."""


Event = Opened | Received | Ended | Cancelled | Moved


class _State(Struct):
    room: int  # bytes that the peer's window still takes
    consumed: int = 0  # bytes that were not given back to the peer yet
    theirs: bool = True  # the peer may still send
    ours: bool = True  # we may still send


class Session:
    def __init__(self) -> None:
        self._splitter = Splitter()
        self._decoder = Decoder()
        self._encoder = Encoder()
        self._streams: dict[int, _State] = {}
        self._session = _State(WINDOW)
        self._initial = WINDOW
        self._windowed = False  # the peer keeps windows
        self._last = 0
        self._pings = 0
        self._leaving = False
        self._output: list[bytes] = []

    @property
    def finished(self) -> bool:
        """The peer has said goodbye and no stream is left."""
        return self._leaving and not self._streams

    def take(self) -> bytes:
        """What has to go to the peer now."""
        found = b"".join(self._output)
        self._output.clear()
        return found

    @property
    def waiting(self) -> bool:
        """Is there something to `take`?"""
        return bool(self._output)

    # -- from the peer ------------------------------------------------------------------------

    def receive(self, data: bytes) -> list[Event]:
        """Raises ProtocolError: then `leave` and close."""
        events: list[Event] = []
        for frame in self._splitter.feed(data):
            match frame:
                case frames.Data():
                    self._data(frame, events)
                case frames.Opening():
                    self._open(frame, events)
                case frames.Block():
                    self._decoder.read(frame.block)
                    if frame.fin:
                        self._their_end(frame.stream, events)
                case frames.Reset() if self._streams.pop(frame.stream, None):
                    events.append(Cancelled(frame.stream))
                case _:
                    self._whole(frame, events)
        return events

    def _whole(self, frame: frames.Frame, events: list[Event]) -> None:
        """Frames that are not about one stream alone."""
        match frame:
            case frames.Window():
                self._window(frame)
                events.append(Moved())
            case frames.Settings():
                self._settings(frame)
                events.append(Moved())
            case frames.Ping(id=number) if number & 1:  # else it is the answer to one of ours
                self._output.append(frames.words(frames.PING, number))
            case frames.GoAway():
                self._leaving = True

    def _open(self, frame: frames.Opening, events: list[Event]) -> None:
        headers = self._decoder.read(frame.block)
        if not frame.stream & 1 or frame.stream <= self._last:
            raise ProtocolError(f"stream {frame.stream} after {self._last}")
        self._last = frame.stream
        if self._leaving or frame.unidirectional or len(self._streams) >= MOST_STREAMS:
            self._reset(frame.stream, frames.REFUSED_STREAM)
            return
        self._streams[frame.stream] = _State(self._initial)
        reply = struct.pack(">I", frame.stream) + self._encoder.write({})
        self._output.append(frames.control(frames.SYN_REPLY, reply))
        events.append(Opened(frame.stream, headers))
        if frame.fin:
            self._their_end(frame.stream, events)

    def _data(self, frame: frames.Data, events: list[Event]) -> None:
        state = self._streams.get(frame.stream)
        if state is None or not state.theirs:
            self._give_back(_ALL, self._session, len(frame.data))  # it was on its way: dropped
            return
        if frame.data:
            events.append(Received(frame.stream, frame.data))
        if frame.fin:
            self._their_end(frame.stream, events)

    def _their_end(self, stream: int, events: list[Event]) -> None:
        state = self._streams.get(stream)
        if state is None or not state.theirs:
            return
        state.theirs = False
        events.append(Ended(stream))
        if not state.ours:
            del self._streams[stream]

    def _window(self, frame: frames.Window) -> None:
        self._windowed = True
        state = self._session if frame.stream == _ALL else self._streams.get(frame.stream)
        if state is None:
            return
        if not frame.delta or state.room + frame.delta > frames.WORD:
            raise ProtocolError(f"a window of stream {frame.stream} that grows by {frame.delta}")
        state.room += frame.delta

    def _settings(self, frame: frames.Settings) -> None:
        size = frame.values.get(frames.INITIAL_WINDOW_SIZE)
        if size is None:
            return
        if size > frames.WORD:
            raise ProtocolError(f"an initial window of {size} bytes")
        self._windowed = True
        grown, self._initial = size - self._initial, size
        for state in self._streams.values():
            state.room += grown

    # -- to the peer --------------------------------------------------------------------------

    def knows(self, stream: int) -> bool:
        """Is any direction of it open?"""
        return stream in self._streams

    def is_open(self, stream: int) -> bool:
        """May we send on it?"""
        state = self._streams.get(stream)
        return state is not None and state.ours

    def room(self, stream: int) -> int:
        """How many bytes may be sent now. 0 for a stream that is no more."""
        state = self._streams.get(stream)
        if state is None or not state.ours:
            return 0
        return max(0, min(state.room, self._session.room)) if self._windowed else _UNBOUND

    def send(self, stream: int, data: bytes) -> None:
        """As much as there is `room` for at most."""
        assert 0 < len(data) <= min(self.room(stream), frames.MOST_DATA)
        self._streams[stream].room -= len(data)
        self._session.room -= len(data)
        self._output.append(frames.data(stream, data))

    def end(self, stream: int) -> None:
        """We send nothing more on this stream."""
        if not self.is_open(stream):
            return
        self._output.append(frames.data(stream, b"", fin=True))
        state = self._streams[stream]
        state.ours = False
        if not state.theirs:
            del self._streams[stream]

    def reset(self, stream: int, status: int = frames.CANCEL) -> None:
        """Drop a stream, both ways."""
        if self._streams.pop(stream, None):
            self._reset(stream, status)

    def consumed(self, stream: int, count: int) -> None:
        """So many bytes were used up (or thrown away): the peer may send as many again."""
        self._give_back(_ALL, self._session, count)
        state = self._streams.get(stream)
        if state is not None and state.theirs:
            self._give_back(stream, state, count)

    def ping(self) -> None:
        self._pings = self._pings % (1 << 30) + 1
        self._output.append(frames.words(frames.PING, self._pings * 2))

    def leave(self, *, fault: bool = False) -> None:
        """Say goodbye."""
        self._output.append(frames.words(frames.GOAWAY, self._last, int(fault)))

    def _reset(self, stream: int, status: int) -> None:
        self._output.append(frames.words(frames.RST_STREAM, stream, status))

    def _give_back(self, stream: int, state: _State, count: int) -> None:
        state.consumed += count
        if state.consumed * 2 >= WINDOW:
            self._output.append(frames.words(frames.WINDOW_UPDATE, stream, state.consumed))
            state.consumed = 0
