"""A Python environment for each suite, kept between runs in `.venvs/conformance`."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

from conformance.suites import Suite

_PYTEST = ("pytest", "pytest-timeout", "pytest-asyncio")
_DONE = "requirements.done"


def made(root: Path, name: str, suite: Suite) -> Path:
    """The environment's directory; installed again when the suite asks for something else."""
    place = root / name
    wanted = "\n".join((*suite.requirements, *_PYTEST))
    done = place / _DONE
    if not done.exists() or done.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
        install = [place / "bin" / "python", "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, *wanted.splitlines()], check=True)
        done.write_text(wanted)
    return place


def packages(place: Path) -> Path:
    return Path(sysconfig.get_path("purelib", vars={"base": str(place)}))
