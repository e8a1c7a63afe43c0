"""The SDK by itself, as components import it at run time: which version, and how it is had.

A component pins the version that compiled it. What its function needs at run time has only grown
since 2.1, so the version that we have tried (`TRIED`) stands for every older one; a newer one is
installed as it is pinned. Only finals of 2.x count.

These directories are imported by interpreters that run outside of any sandbox. That is safe since
no pod has a say in them: the version is three numbers, the index is none that a component names
(`wheels`), and containers see the result read-only, as all of the home is hidden from them or
refused.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from sampan.nodes import wheels
from sampan.nodes.lightweight.layers import Layers
from sampan.nodes.wheels import Unavailable

TRIED = "2.17.3"
MODULE = "kfp.dsl.executor_main"
IMPORTS = (
    "kfp.dsl.executor", "kfp.dsl.kfp_config", "kfp.dsl.utils", "argparse", "json", "locale",
    "logging",
)  # fmt: skip
"""What `MODULE` imports, which itself is run, and what argparse imports when it is used."""


def wanted(pin: str) -> str:
    """The version that stands for this one."""
    return max(pin, TRIED, key=_numbers)


def stands_for(installed: str, pin: str) -> bool:
    """Whether a component that pins `pin` runs with this version."""
    return _numbers(installed)[:1] == (2,) and _numbers(installed) >= _numbers(pin)


class Sdks:
    def __init__(self, layers: Layers) -> None:
        self._layers = layers
        self._root = layers.root / "sdk"

    def find(self, pin: str, python: str) -> Path | None:
        """The directory for interpreters of this version, if one is there."""
        place = self._root / python / wanted(pin)
        if place.is_dir():
            return place
        found = os.listdir(place.parent) if place.parent.is_dir() else []
        newer = sorted((name for name in found if stands_for(name, pin)), key=_numbers)
        return place.parent / newer[0] if newer else None

    async def build(self, pin: str, python: str) -> Path:
        """Have pip fetch it. Unavailable when that fails."""
        version = wanted(pin)
        draft = self._layers.begin()
        try:
            target = str(draft / "files")
            await wheels.pip("install", "--target", target, f"kfp=={version}", python=python)
            if not (draft / "files" / "kfp" / "dsl" / "executor_main.py").is_file():
                raise Unavailable(f"kfp {version} is not what was expected")
            place = self._root / python / version
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            (draft / "files").rename(place)
        except OSError as error:
            raise Unavailable(str(error)) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return place


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
