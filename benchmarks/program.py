"""A fresh Sampan in a home of its own, for one benchmark."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SAMPAN = [sys.executable, "-m", "sampan.cli.main"]


@dataclass
class Program:
    home: Path
    api: str
    token: str
    ca: str
    pid: int
    started_in: float

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "SAMPAN_HOME": str(self.home)}

    def __call__(self, *words: str, text: str | None = None) -> str:
        return _sampan(self.environment, *words, text=text)

    def tree(self) -> list[int]:
        """The pids of everything that runs for this home: control plane, supervisor, pods."""
        return [pid for pid in _pids() if _belongs(pid, self.home)]

    def pss(self) -> float:
        """Proportional set size of the whole tree, in MB."""
        return sum(_pss(pid) for pid in self.tree()) / 1000


def _sampan(environment: dict[str, str], *words: str, text: str | None = None) -> str:
    done = subprocess.run(
        [*SAMPAN, *words], env=environment, input=text, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"sampan {' '.join(words)}:\n{done.stdout}{done.stderr}")
    return done.stdout


@contextlib.contextmanager
def program(home: Path | None = None) -> Iterator[Program]:
    with tempfile.TemporaryDirectory(prefix="sampan-bench-") as made:
        where = home or Path(made)
        environment = {**os.environ, "SAMPAN_HOME": str(where)}
        start = time.perf_counter()
        _sampan(environment, "up", "--detach", "--port", "0", "--api-port", "0")
        started_in = time.perf_counter() - start
        state = json.loads((where / "state.json").read_text())
        token = _sampan(environment, "token").strip()
        ca = (where / "keys" / "ca.crt").read_text()
        try:
            yield Program(where, state["api"], token, ca, state["pid"], started_in)
        finally:
            _sampan(environment, "down")


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _belongs(pid: int, home: Path) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return str(home).encode() in command and pid != os.getpid()


def _pss(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))


def seconds(pid: int) -> float:
    """Of the processor, that a process and those children of it took that have ended."""
    text = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(each) for each in text[11:15]) / os.sysconf("SC_CLK_TCK")
