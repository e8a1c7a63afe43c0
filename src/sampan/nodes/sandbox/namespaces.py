"""A sandbox as the supervisor makes it itself, without bubblewrap.

The same layout and the same identity; what it comes to in system calls is `supervisor/mounts` and
`supervisor/launch`. Used where bubblewrap is missing, and for containers that are forked from a
zygote, which have no program to start it with.
"""

from __future__ import annotations

from typing import Any

from sampan.nodes.sandbox.layout import lay_out
from sampan.nodes.sandbox.spec import Sandbox


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
    }
