"""The supervisor's event loop: numbers that are used again, callbacks that fail."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from sampan.nodes.supervisor.loop import Loop


@pytest.fixture
def loop() -> Iterator[Loop]:
    before = signal.getsignal(signal.SIGCHLD)
    made = Loop(lambda _pid, _status: None)
    yield made
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, before)
    for each in (made._wake, made._child_side, made._selector):
        each.close()


def ready() -> int:
    """A descriptor that can be read."""
    reader, writer = os.pipe()
    os.write(writer, b"x")
    os.close(writer)
    return reader


def test_a_number_that_is_used_again_is_not_taken_for_the_old_one(loop: Loop) -> None:
    said: list[str] = []
    fds = [ready(), ready()]

    def exchange(own: int, other: int) -> None:
        """Drop the other descriptor and watch a new one that has its number."""
        loop.ignore(own)
        loop.ignore(other)
        os.dup2(ready(), other)
        loop.watch(other, lambda _events: (said.append("new"), loop.stop()))

    for own, other in ((fds[0], fds[1]), (fds[1], fds[0])):
        loop.watch(own, lambda _events, own=own, other=other: exchange(own, other))
    loop.run()
    assert said == ["new"]


def test_a_callback_that_fails_stops_nobody(loop: Loop, capsys: pytest.CaptureFixture[str]) -> None:
    fd = ready()

    def fail(_events: int) -> None:
        loop.ignore(fd)
        raise KeyError("lost")

    loop.watch(fd, fail)
    loop.later(0.05, loop.stop)
    loop.later(0.0, lambda: {}["missing"])
    loop.run()
    told = capsys.readouterr().err
    assert "KeyError: 'lost'" in told
    assert "KeyError: 'missing'" in told


def test_a_loop_in_which_nothing_succeeds_ends(loop: Loop) -> None:
    fd = ready()
    loop.watch(fd, lambda _events: {}["missing"])
    with pytest.raises(KeyError):
        loop.run()
