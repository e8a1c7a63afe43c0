"""The cluster for the cases: a fresh Sampan, or one that runs already."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from benchmarks.program import program


@contextlib.contextmanager
def cluster(home: Path, *, started: bool) -> Iterator[Path]:
    """Gives the home. `started`: somebody else has done that, and will end it."""
    if started:
        yield home
        return
    home.mkdir(mode=0o700)
    with program(home):
        yield home
