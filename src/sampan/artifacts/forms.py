"""In what form an artifact is kept, as its `archive` says, and how it becomes files again.

Saved without a word about it, it is a tar compressed by gzip. Loaded without a word, a compressed
tar is unpacked and everything else is left as it is, zip archives too.
Upstream: workflow/executor/executor.go (stageArchiveFile, unarchiveArtifact).
"""

from __future__ import annotations

import mimetypes
import os
import posixpath
from typing import IO, Any, Literal

from msgspec import Struct

from sampan.artifacts import packing, trees, unpacking
from sampan.artifacts.faults import Fault
from sampan.kube.locations import Location

Archive = Literal["", "none", "tar", "zip"]


class Form(Struct, frozen=True):
    """archive: "" where the artifact does not say. level: of gzip. name: what the one entry at the
    top of an archive is called."""

    archive: Archive = ""
    level: int | None = None
    name: str = ""


def form(artifact: Location) -> Form:
    found: Any = artifact.get("archive") or {}
    name = posixpath.basename(str(artifact.get("path") or "").rstrip("/"))
    for archive in ("none", "tar", "zip"):
        if found.get(archive) is not None:
            return Form(archive, found[archive].get("compressionLevel"), name)
    return Form("", None, name)


def type_of(name: str) -> str:
    """What HTTP calls a file of that name."""
    kind, packed = mimetypes.guess_type(name)
    return "application/gzip" if packed == "gzip" else kind or "application/octet-stream"


def pack(source: str, out: IO[bytes], form: Form) -> None:
    """As an archive, tar unless it is to be zip. Fault, OSError."""
    name = form.name or os.path.basename(source)
    if form.archive == "zip":
        packing.zipped(source, out, name=name)
    else:
        packing.tar(source, out, name=name, level=form.level)


def place(path: str, target: str, form: Form, *, copy: bool) -> None:
    """The file at `path`, unpacked if that is its form, at `target`, which must be free. Fault."""
    if form.archive == "tar" or (not form.archive and unpacking.is_tar(path)):
        unpacking.untar(path, target)
    elif form.archive == "zip":
        unpacking.unzip(path, target)
    elif copy:
        trees.copy(path, target)
    else:
        os.rename(path, target)


def unpacks(form: Form, kept: Archive) -> bool:
    """Whether what is kept as this archive is wanted as what is in it, not as the archive."""
    if form.archive not in ("", "none", kept):
        raise Fault(f"the artifact is a {kept} archive, not {form.archive}")
    return form.archive == kept or (not form.archive and kept == "tar")
