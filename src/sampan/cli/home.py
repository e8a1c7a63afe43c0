"""What the verbs share: finding the program that runs in a home."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from sampan.config import Home, State
from sampan.kube.errors import UserMistake

if TYPE_CHECKING:
    import argparse


def home_of(args: argparse.Namespace) -> Home:
    return Home.at(args.home)


def is_held(home: Home) -> bool:
    """Whether a program runs in this home: it holds the lock for as long as it lives."""
    try:
        descriptor = os.open(home.lock, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def running(home: Home) -> State:
    """The state of the running program. UserMistake when there is none."""
    state = home.running() if is_held(home) else None
    if state is None:
        raise UserMistake(f"nothing runs in {home.path}; start it with `sampan up`")
    return state
