"""What a collector has on disk: how far its log has come, and whether it has ended the program.

Not what was read: that is read once more.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct


class State(Struct):
    """What survives a restart. offset, generation: of the file, as far as it is logged; size: of
    the log then. stopping: the program was told to end early."""

    offset: int = 0
    generation: int = 0
    size: int = 0
    stopping: bool = False


class Kept:
    """The state on disk. Every change is written at once."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "state"
        self.state = State()
        try:
            self.state = msgspec.json.decode(self._path.read_bytes(), type=State)
        except (FileNotFoundError, msgspec.DecodeError):
            return
        log = directory / "log"
        if log.exists() and log.stat().st_size > self.state.size:
            os.truncate(log, self.state.size)  # written, and then not noted

    def save(self) -> None:
        new = self._path.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(self.state))
        new.replace(self._path)
