"""A sandbox as the supervisor makes it itself, without bubblewrap.

The same layout and the same identity; what it comes to in system calls is `supervisor/mounts` and
`supervisor/launch`. Used where bubblewrap is missing, and for containers that are forked from a
zygote, which have no program to start it with.
"""

from __future__ import annotations

from typing import Any

from sampan.nodes.sandbox.layout import lay_out
from sampan.nodes.sandbox.spec import Sandbox

_NUMBERS = {
    name: number
    for number, name in enumerate(
        ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID",
         "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE",
         "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW",
         "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT")
    )
} | {"CAP_SETFCAP": 31}  # fmt: skip
"""Upstream: linux/capability.h, as far as containers get them."""


def description(box: Sandbox) -> dict[str, Any]:
    """What the supervisor needs to know. OSError when a target leads nowhere."""
    layout = lay_out(box)
    return {
        "steps": layout.steps,
        "argv": box.argv,
        "env": {**box.env, "PWD": layout.cwd},  # bubblewrap sets it, too
        "cwd": layout.cwd,
        "hostname": box.hostname,
        "uid": box.uid,
        "gid": box.gid,
        "capabilities": sum(1 << _NUMBERS[name] for name in box.capabilities),
    }
