"""A word about what takes longer than a second, on standard error so that output stays clean."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator

PATIENCE = 1.0  # seconds that nobody minds


@contextlib.contextmanager
def told(text: str) -> Iterator[None]:
    """Say `text` once if the block goes on for more than a second."""
    timer = threading.Timer(PATIENCE, lambda: print(f"{text} …", file=sys.stderr, flush=True))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
