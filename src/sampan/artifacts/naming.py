"""Keys of the local repository as names of files, and back. Pure.

A part of a key that ends like a mark, or in `~`, gets a `~` more: so no object is taken for what an
archive is made of.
"""

from __future__ import annotations

from typing import Literal

from sampan.artifacts.faults import BadName

Kept = Literal["", "tar", "zip"]
MARKS: tuple[tuple[Kept, str], ...] = (("tar", "~tar"), ("zip", "~zip"))


def plain(name: str, what: str) -> str:
    if not name or name.startswith(".") or "/" in name or "\0" in name:
        raise BadName(f"{name[:100]!r} is no name of a {what}")
    return name


def parts(wanted: str) -> list[str]:
    parts = [part for part in wanted.split("/") if part]
    if not parts or any(part in (".", "..") or "\0" in part for part in parts):
        raise BadName(f"{wanted[:200]!r} is no key of an object")
    return parts


def encoded(part: str) -> str:
    """So that no key looks like a mark."""
    return part + "~" if part.endswith(("~", *(mark for _, mark in MARKS))) else part


def decoded(name: str) -> tuple[str, Kept]:
    """(part of the key, archive that it was to be)"""
    for kept, mark in MARKS:
        if name.endswith(mark):
            return decoded(name.removesuffix(mark))[0], kept
    return name.removesuffix("~"), ""
