"""The cluster for the cases: a fresh Sampan, or one that runs already."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from benchmarks.program import program

from conformance.argo import stand_ins
from conformance.cluster import registry


@contextlib.contextmanager
def cluster(home: Path, *, started: bool) -> Iterator[Path]:
    """Gives the home. `started`: somebody else has done that, and will end it."""
    if started:
        yield home
        return
    home.mkdir(mode=0o700)
    with registry("1.13") as images:
        mirror = f"mirrors:\n- prefix: docker.io\n  at: {images}\n"
        (home / "config.yaml").write_text(mirror + stand_ins.config())
        with program(home):
            yield home
