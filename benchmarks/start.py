"""Start-up, idle memory, and what an installation weighs."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.program import program
from benchmarks.table import Table

ROOT = Path(__file__).parents[1]
SETTLE = 3.0  # seconds after which nothing of the start is still at work


def run(table: Table) -> None:
    with tempfile.TemporaryDirectory(prefix="sampan-bench-") as home:
        with program(Path(home)) as first:
            table.at_most("up to ready, first start", first.started_in, "s", 1.5, **python())
        with program(Path(home)) as again:
            table.at_most("up to ready, again", again.started_in, "s", 1.5, **python())
            time.sleep(SETTLE)
            table.at_most("idle, whole process tree (PSS)", again.pss(), "MB", 130)
    table.at_most("installed", installed(), "MB", 80)


def python() -> dict[str, object]:
    """The floor of a start: Python itself with the libraries that any such server needs."""
    start = time.perf_counter()
    modules = "import ssl, asyncio, sqlite3, uvicorn, uvloop, httptools, orjson, msgspec"
    subprocess.run([sys.executable, "-c", modules], check=True)
    return {"floor": time.perf_counter() - start, "floor_name": "python with its libraries"}


def installed() -> float:
    """Megabytes of a fresh installation, as install.py makes it."""
    with tempfile.TemporaryDirectory() as directory:
        clone = Path(directory) / "sampan"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        base = getattr(sys, "_base_executable", sys.executable)
        subprocess.run(
            [base, "install.py", "--no-demo"], cwd=clone, check=True, capture_output=True
        )
        size = subprocess.run(
            ["du", "-sk", "--apparent-size", clone / ".venv"], capture_output=True, check=True
        )
        return int(size.stdout.split()[0]) / 1000
