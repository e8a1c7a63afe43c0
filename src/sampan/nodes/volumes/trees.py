"""A directory of small files that changes in one step, as the kubelet's atomic writer does it.

Files lie in a directory of their own that `..data` points to; what a container sees are links into
`..data`. A new state is a new directory and one rename, so a reader never finds half of it.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

_DATA = "..data"


class File(Struct, frozen=True):
    content: bytes
    mode: int = 0o644


Tree = Mapping[str, File]
"""Relative paths, `/` between parts, without `..`: admission has seen to that, `write` checks."""


def write(directory: Path, tree: Tree) -> bool:
    """Make the directory hold exactly this tree; whether anything changed."""
    path = str(directory)
    data = f"{path}/{_DATA}"
    old = _target(data)
    if old and _read(f"{path}/{old}") == {name: file.content for name, file in tree.items()}:
        return False
    os.makedirs(path, mode=0o755, exist_ok=True)
    fresh = f"..{uuid.uuid4().hex[:12]}"
    os.mkdir(f"{path}/{fresh}", 0o755)
    for name, file in tree.items():
        _write(f"{path}/{fresh}", name, file)
    _link(fresh, data)
    tops = {name.split("/", 1)[0] for name in tree}
    for name in tops:
        if not os.path.lexists(f"{path}/{name}"):
            os.symlink(f"{_DATA}/{name}", f"{path}/{name}")
    if old:
        _drop(path, old, tops)
    return True


def _drop(path: str, old: str, tops: set[str]) -> None:
    for name in os.listdir(path):
        if not name.startswith("..") and name not in tops:
            os.unlink(f"{path}/{name}")
    shutil.rmtree(f"{path}/{old}", ignore_errors=True)


def _write(base: str, name: str, file: File) -> None:
    if name.startswith("/") or ".." in name.split("/"):
        raise ValueError(f"{name!r} is not a path inside the volume")
    path = f"{base}/{name}"
    if "/" in name:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(fd, file.content)
        os.fchmod(fd, file.mode)
    finally:
        os.close(fd)


def _link(target: str, path: str) -> None:
    draft = path + ".new"
    os.symlink(target, draft)
    os.rename(draft, path)


def _target(link: str) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""


def _read(base: str) -> dict[str, bytes]:
    found = {}
    for parent, _, files in os.walk(base):
        for name in files:
            path = f"{parent}/{name}"
            found[os.path.relpath(path, base)] = Path(path).read_bytes()
    return found
