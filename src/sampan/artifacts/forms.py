"""In what form an artifact is kept, as its `archive` says, and how it becomes files again.

Saved without a word about it, it is a tar compressed by gzip. Loaded without a word, a compressed
tar is unpacked and everything else is left as it is, zip archives too.
Upstream: workflow/executor/executor.go (stageArchiveFile, unarchiveArtifact).
"""

from __future__ import annotations

import mimetypes
import posixpath
from typing import Any, Literal

from msgspec import Struct

from sampan.artifacts.faults import Fault
from sampan.kube.locations import Location

_GZIP = b"\x1f\x8b"

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


def may_be_packed(path: str, form: Form) -> bool:
    """Whether there may be something to unpack in the file at `path`. OSError."""
    if form.archive:
        return form.archive != "none"
    with open(path, "rb") as file:
        return file.read(2) == _GZIP


def unpacks(form: Form, kept: Archive) -> bool:
    """Whether what is kept as this archive is wanted as what is in it, not as the archive."""
    if form.archive not in ("", "none", kept):
        raise Fault(f"the artifact is a {kept} archive, not {form.archive}")
    return form.archive == kept or (not form.archive and kept == "tar")
