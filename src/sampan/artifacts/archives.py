"""Files to archives and archives to files, in the form that an artifact asks for.

For the helper process alone: whoever made an archive is not trusted.
"""

from __future__ import annotations

import os
from typing import IO

from sampan.artifacts import packing, trees, unpacking
from sampan.artifacts.forms import Form


def pack(source: str, out: IO[bytes], form: Form) -> None:
    """As an archive, tar unless it is to be zip. Fault, OSError."""
    name = form.name or os.path.basename(source)
    if form.archive == "zip":
        packing.zipped(source, out, name=name)
    else:
        packing.tar(source, out, name=name, level=form.level)


def place(path: str, target: str, form: Form) -> None:
    """The file at `path`, unpacked if that is its form, at `target`, which must be free. Fault."""
    if form.archive == "tar" or (not form.archive and unpacking.is_tar(path)):
        unpacking.untar(path, target)
    elif form.archive == "zip":
        unpacking.unzip(path, target)
    else:
        trees.copy(path, target)
