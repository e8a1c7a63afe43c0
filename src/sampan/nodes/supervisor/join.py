"""How a child gets onto the ground: into its user namespace, then into a pod's network.

Called after a fork, by the one that is to become the sandbox; nothing else is needed. Whoever
started Sampan owns that user namespace, so joining it is allowed, and in it everything else is.
"""

from __future__ import annotations

import os

from sampan.nodes.supervisor import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def join(files: Sequence[str]) -> None:
    """Enter the namespaces that these files of /proc stand for, in order. OSError when one is
    gone; the caller must not go on then."""
    found = {file: os.open(file, os.O_RDONLY | os.O_CLOEXEC) for file in files}
    for file, fd in found.items():
        process.check(process.libc.setns(fd, 0), f"join {file}")
        os.close(fd)
