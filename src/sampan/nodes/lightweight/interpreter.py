"""What the files of a Python environment say of it: its version, where packages lie, what is there.

Nothing is run: an environment may be one that nobody wants to run outside of a sandbox.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

_PROGRAM = re.compile(r"python(3\.\d+)")
_SDK = re.compile(r"kfp-(\d+(?:\.\d+)*)\.dist-info")


class Python(Struct, frozen=True):
    """version: such as 3.11. sites: where its packages lie. user: packages in `~/.local` count."""

    prefix: str
    version: str
    sites: tuple[str, ...]
    user: bool

    @property
    def stamp(self) -> tuple[tuple[str, int], ...]:
        """Changes when packages come or go."""
        return tuple((place, _changed(place)) for place in (f"{self.prefix}/bin", *self.sites))

    @property
    def sdk(self) -> str:
        """The version of the SDK that is installed in it; "" for none."""
        return next(filter(None, (_installed(site, _changed(site)) for site in self.sites)), "")


@lru_cache(maxsize=64)
def at(prefix: str) -> Python | None:
    """None where it is not clear what it is."""
    found = _PROGRAM.fullmatch(os.path.basename(os.path.realpath(f"{prefix}/bin/python3")))
    if found is None:
        return None
    settings = _virtual(prefix)
    shared = (settings or {}).get("include-system-site-packages") == "true"
    sites = tuple(_sites(prefix, found[1]))
    if settings is not None and shared:
        sites += tuple(_sites(os.path.dirname(settings.get("home", "")), found[1]))
    return Python(prefix, found[1], sites, settings is None or shared)


def _sites(prefix: str, version: str) -> Iterator[str]:
    for place in (
        f"{prefix}/lib/python{version}/site-packages",
        f"{prefix}/local/lib/python{version}/dist-packages",
        f"{prefix}/lib/python3/dist-packages",
    ):
        if os.path.isdir(place):
            yield place


def _virtual(prefix: str) -> dict[str, str] | None:
    """What a virtual environment says of itself; None for an environment of another kind."""
    try:
        with open(f"{prefix}/pyvenv.cfg", errors="replace") as file:
            pairs = (line.partition("=") for line in file)
            return {name.strip().lower(): value.strip() for name, _, value in pairs}
    except OSError:
        return None


@lru_cache(maxsize=64)
def _installed(site: str, _changed: int) -> str:
    versions = (_SDK.fullmatch(name) for name in os.listdir(site))
    return next((found[1] for found in versions if found), "")


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
