"""A program that removes directories in which a container's other users have files.

Whoever is not root may give containers a range of users (/etc/subuid), and may not remove what
these leave behind: only a root of the same range may. So it makes a user namespace as the pods'
network does, and removes from there. `python -m sampan.nodes.clearing DIRECTORY…`; exits with 0
when they are gone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

from sampan.nodes.network import mapping
from sampan.nodes.supervisor import process

_NEW_USER = 0x10000000


def main(paths: Sequence[str]) -> int:
    made, told = os.pipe()
    mapped, go = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(go)
        try:
            process.check(process.libc.unshare(_NEW_USER), "a user namespace")
            os.write(told, b"x")
            if os.read(mapped, 1):
                remove(paths)
        finally:
            os._exit(0)
    os.close(told)
    if os.read(made, 1):
        mapping.write(child)
        os.write(go, b"x")
    os.waitpid(child, 0)
    return int(any(map(os.path.lexists, paths)))


def remove(paths: Sequence[str]) -> None:
    """As far as we may. overlayfs leaves directories that not even their owner may read; a tree
    that is too deep for us was made to be, and is left to a program that minds no depth."""
    for path in paths:
        try:
            _remove(path)
        except RecursionError:
            subprocess.run(["rm", "-rf", "--", path], check=False, stderr=subprocess.DEVNULL)


def _remove(path: str) -> None:
    shutil.rmtree(path, ignore_errors=True)
    for parent, names, _ in os.walk(path):
        for name in names:
            place = os.path.join(parent, name)
            if not os.path.islink(place):
                with contextlib.suppress(OSError):
                    os.chmod(place, 0o700)
    shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
