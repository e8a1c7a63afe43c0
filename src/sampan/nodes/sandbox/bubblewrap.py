"""A sandbox as bubblewrap options.

Options go to bubblewrap through a descriptor, so they neither meet the limit of a command line nor
show in `ps`. What the container sees is decided in `layout`.
"""

from __future__ import annotations

import os

from sampan.nodes.sandbox.layout import lay_out
from sampan.nodes.sandbox.spec import Sandbox
from sampan.nodes.sandbox.steps import Bind, Devices, Directory, Link, Processes, Seal, Step, Tmpfs

_NAMESPACES = ("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")


def arguments(box: Sandbox) -> list[str]:
    """All options up to the command, which is `box.argv`. OSError when a target leads nowhere."""
    layout = lay_out(box)
    args: list[str] = []
    for step in layout.steps:
        args += _options(step)
    return args + _identity(box) + _environment(box) + ["--chdir", layout.cwd]


def _options(step: Step) -> list[str]:
    match step:
        case Bind(source, target):
            return [_bind(step), source, target]
        case Link(text, target):
            return ["--symlink", text, target]
        case Tmpfs(target, mode, size):
            limit = ["--size", str(size)] if size else []
            return ["--perms", f"{mode:o}", *limit, "--tmpfs", target]
        case Directory(target):
            return ["--dir", target]
        case Seal(target):
            return ["--remount-ro", target]
        case Devices(target):
            return ["--dev", target]
        case Processes(target):
            return ["--proc", target]


def _bind(step: Bind) -> str:
    kind = "--dev-bind" if step.device else "--ro-bind" if step.read_only else "--bind"
    return kind + "-try" if step.optional else kind


def _identity(box: Sandbox) -> list[str]:
    args = list(_NAMESPACES)
    if box.hostname:
        args += ["--hostname", box.hostname]
    # Who has mounted an overlay is root of a user namespace already.
    if (os.geteuid() != 0 and not box.overlay) or box.uid or box.gid:
        args += ["--unshare-user", "--uid", str(box.uid), "--gid", str(box.gid)]
    args += ["--cap-drop", "ALL"]  # root would keep all that we have
    for capability in box.capabilities:
        args += ["--cap-add", capability]
    # A terminal of its own needs its session; bubblewrap's new one would cut it off.
    return args if box.tty else [*args, "--new-session"]


def _environment(box: Sandbox) -> list[str]:
    args = ["--clearenv"]
    for name, value in box.env.items():
        args += ["--setenv", name, value]
    return args
