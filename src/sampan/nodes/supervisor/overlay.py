"""A container's root file system from an image's layers: overlayfs, mounted before bubblewrap.

The mount lives in a mount namespace that only this container has, so it goes when the container
does. Whoever is not root makes a user namespace for it first. Layers are named relative to one
directory, because all options of a mount must fit into a page. Also a program, which exits with 0
if this works in a directory: `python -m sampan.nodes.supervisor.overlay DIR`.
"""

from __future__ import annotations

import os
import sys

from sampan.nodes.supervisor import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_NEW_USER, _NEW_MOUNT = 0x10000000, 0x00020000
_REC, _SLAVE = 0x4000, 1 << 19
_OPTIONS = 4095  # bytes: one page with the NUL at its end


def mount(overlay: Mapping[str, Any]) -> None:
    """In namespaces of our own from now on. `base` is the directory of the layers, `lower` their
    names with the topmost first; `upper`, `work` and `root` are absolute. OSError."""
    own_user = os.geteuid() != 0
    identity = (os.geteuid(), os.getegid())
    flags = _NEW_MOUNT | (_NEW_USER if own_user else 0)
    process.check(process.libc.unshare(flags), "namespaces")
    if own_user:
        _map(identity)
    libc = process.libc
    process.check(libc.mount(b"none", b"/", None, _REC | _SLAVE, None), "private mounts")
    os.chdir(overlay["base"])
    options = "userxattr,lowerdir={},upperdir={},workdir={}".format(
        ":".join(overlay["lower"]), _escaped(overlay["upper"]), _escaped(overlay["work"])
    ).encode()
    if len(options) > _OPTIONS:
        raise OSError(f"{len(overlay['lower'])} layers are too many")
    root = os.fsencode(overlay["root"])
    process.check(libc.mount(b"overlay", root, b"overlay", 0, options), "overlayfs")
    os.chdir("/")


def _escaped(path: str) -> str:
    return str(path).replace("\\", "\\\\").replace(",", "\\,")


def _map(identity: tuple[int, int]) -> None:
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"0 {identity[0]} 1"),
        ("gid_map", f"0 {identity[1]} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def main(directory: str) -> int:
    """Mount one layer on another in the directory, where `lower/x`, `upper`, `work` and `root`
    lie, and look whether what is below is seen and can be removed."""
    overlay = {"base": directory, "lower": ["lower"]}
    overlay |= {name: f"{directory}/{name}" for name in ("upper", "work", "root")}
    try:
        mount(overlay)
        os.rmdir(f"{directory}/root/x")
    except OSError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
