"""`sampan down`: stop the program, its pods and their supervisor; the data stay."""

from __future__ import annotations

import os
import select
import signal
import time
from typing import TYPE_CHECKING

from sampan.cli.home import home_of, is_held
from sampan.cli.progress import told
from sampan.kube.errors import UserMistake

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from sampan.config import Home

PATIENCE = 60.0  # seconds: pods may use their grace period
LOOK_AGAIN = 0.02  # seconds; the lock of another process cannot be awaited with a time limit


def arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> int:
    home = home_of(args)
    state = home.running()
    if is_held(home) and state is not None:
        process = _handle(state.pid)
        os.kill(state.pid, signal.SIGTERM)
        with told("waiting for pods to end"):
            _await_end(home, state.pid)
        if process is not None:  # it lets go of its home a moment before it ends
            select.select([process], [], [], PATIENCE)
    else:
        _end_leftovers(home.node)
    home.retract()
    print("Sampan is down.")
    return 0


def _handle(pid: int) -> int | None:
    """Readable when the process has ended; None where the system knows no such thing."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _await_end(home: Home, pid: int) -> None:
    until = time.monotonic() + PATIENCE
    while is_held(home):
        if time.monotonic() > until:
            raise UserMistake(f"process {pid} is still stopping; see {home.log}")
        time.sleep(LOOK_AGAIN)


def _end_leftovers(node: Path) -> None:
    """A control plane that was killed has left its pods running, as it should: end them."""
    from sampan.nodes.network.client import end
    from sampan.nodes.supervisor.client import Gone, shut_down

    try:
        shut_down(node)
        end(node)
    except Gone as error:
        raise UserMistake(f"what it had started could not be ended: {error}") from error
