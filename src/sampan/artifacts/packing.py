"""A file or directory to one file: tar compressed by gzip, or zip, laid out as Argo does it.

The only entry at the top is called as the source was; so a single file stays a single file when it
is unpacked. Links are kept in tar archives. Upstream: util/archive/archive.go.
"""

from __future__ import annotations

import os
import stat
import tarfile
import zipfile
from typing import IO

from sampan.artifacts.faults import Fault

_LEVEL = 6  # of gzip, where none is asked for
_PIECE = 1 << 20


def tar(source: str, out: IO[bytes], *, name: str = "", level: int | None = None) -> None:
    """`level` 0 to 9 as gzip has them, and -1 for its default. Fault, OSError."""
    level = _LEVEL if level is None or level == -1 else level
    if not 0 <= level <= 9:
        raise Fault(f"gzip: invalid compression level: {level}")
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=level) as archive:
        archive.dereference = False
        archive.add(source, name or os.path.basename(source), filter=_anonymous)


def zipped(source: str, out: IO[bytes], *, name: str = "") -> None:
    """Only files: zip has neither links nor empty directories here. Fault, OSError."""
    name = name or os.path.basename(source)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        if not os.path.isdir(source):
            _add(archive, source, name)
            return
        for directory, names, files in os.walk(source):
            names.sort()
            for file in sorted(files):
                path = os.path.join(directory, file)
                _add(archive, path, os.path.join(name, os.path.relpath(path, source)))


def _add(archive: zipfile.ZipFile, path: str, name: str) -> None:
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode):
        return
    info = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
    info.compress_type = zipfile.ZIP_DEFLATED
    with open(path, "rb") as file, archive.open(info, "w") as entry:
        while piece := file.read(_PIECE):
            entry.write(piece)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Who owned a file here means nothing elsewhere; devices and pipes mean nothing either."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    if member.islnk():  # a second name of a file that is in the archive already
        return member
    return member if member.isreg() or member.isdir() or member.issym() else None
