"""Directories that are filled once and used by many containers, and go when none did for long."""

from __future__ import annotations

import contextlib
import shutil
import time
import uuid
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Protocol, TypeVar


class Aged(Protocol):
    """`key`: its path below the place of all; `used`: when it last was, in seconds."""

    @property
    def key(self) -> str: ...

    @property
    def used(self) -> float: ...


A = TypeVar("A", bound=Aged)


def prune(
    place: Path, found: Iterable[A], used: Collection[str], *, older: float, aside: Path
) -> list[A]:
    """Remove those that no container in `used`, by key, has, and none had for `older` seconds; they
    are moved aside first, so that nobody finds half of one."""
    gone = [each for each in found if each.key not in used]
    gone = [each for each in gone if each.used <= time.time() - older]
    for each in gone:
        hidden = aside / uuid.uuid4().hex
        aside.mkdir(exist_ok=True)
        with contextlib.suppress(OSError):
            (place / each.key).rename(hidden)
            shutil.rmtree(hidden, ignore_errors=True)
    return gone
