"""A sandbox as bubblewrap options.

The container's "/" is a tmpfs with the host's (or an image's) top directories bound read-only, so
a program can make `/data`, but change nothing that is there. What does not depend on the container
is computed once. Options go to bubblewrap through a descriptor, so they neither meet the limit of
a command line nor show in `ps`.
"""

from __future__ import annotations

import os
from functools import lru_cache

from sampan.nodes.sandbox import shadow
from sampan.nodes.sandbox.spec import Mount, Sandbox

_OURS = ("/proc", "/dev", "/tmp", "/run")
"""Made anew for each container: /run as well, since sockets of the host's daemons lie there."""
_SECRETS = ("shadow", "shadow-", "gshadow", "gshadow-", "sudoers", "ssh", "ssl/private")
"""Below the host's /etc: passwords and private keys."""
_NAMESPACES = ("--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")


def arguments(box: Sandbox) -> list[str]:
    """All options up to the command, which is `box.argv`. OSError when a target leads nowhere."""
    base, visible = _base(box.root, box.hidden, box.visible, os.stat(box.root).st_mtime_ns)
    targets = {mount: shadow.resolve(box.root, mount.target) for mount in box.mounts}
    cwd = shadow.resolve(box.root, box.cwd)
    writable = (*_OURS, *box.hidden)
    places = [*targets.values(), cwd]
    found = shadow.shadows(box.root, places, lambda path: _below(path, writable))
    args = list(base)
    args += shadow.arguments(box.root, found, set(targets.values()))
    if box.root == "/":
        args += _masked(shadow.alias("/etc") if "/etc" in found else "/etc")
    for mount, target in targets.items():
        args += _mount(mount, target)
    args += visible
    for device in box.devices:
        args += ["--dev-bind-try", device, device]
    if not os.path.isdir(box.root.rstrip("/") + cwd) or _below(cwd, writable):
        args += ["--dir", cwd]
    for directory in sorted(found, reverse=True):
        args += ["--remount-ro", directory]
    if box.read_only:
        args += ["--remount-ro", "/"]
    return args + _identity(box) + _environment(box) + ["--chdir", cwd]


@lru_cache(maxsize=64)
def _base(
    root: str, hidden: tuple[str, ...], visible: tuple[str, ...], _changed: int
) -> tuple[list[str], list[str]]:
    """(the root file system without what is hidden, what is bound back at the end)."""
    base = root.rstrip("/")
    args: list[str] = []
    for name in sorted(os.listdir(root)):
        path = "/" + name
        if path in _OURS or path in hidden:
            continue
        if os.path.islink(base + path):
            args += ["--symlink", os.readlink(base + path), path]
        else:
            args += ["--ro-bind-try", base + path, path]
    args += ["--dev", "/dev", "--proc", "/proc", "--dir", "/run", "--dir", "/tmp"]
    for path in hidden:
        deep = path.count("/") > 1 and not _below(path, (*_OURS, *(h for h in hidden if h != path)))
        if deep and os.path.isdir(base + path):
            args += ["--tmpfs", path]
        elif not deep and path.count("/") == 1:
            args += ["--dir", path]
    back: list[str] = []
    for path in visible:
        if _below(path, (*_OURS, *hidden)) or base:
            back += ["--ro-bind-try", path, path]
    return args, back


@lru_cache(maxsize=2)
def _masked(etc: str) -> list[str]:
    """Nothing where the host keeps secrets: a root container owns those files, whatever
    capabilities it lacks."""
    args: list[str] = []
    for name in _SECRETS:
        if os.path.isdir(f"/etc/{name}"):
            args += ["--tmpfs", f"{etc}/{name}"]
        elif os.path.exists(f"/etc/{name}"):
            args += ["--ro-bind", "/dev/null", f"{etc}/{name}"]
    return args


def _below(path: str, places: tuple[str, ...]) -> bool:
    return any(path == place or path.startswith(place + "/") for place in places)


def _mount(mount: Mount, target: str) -> list[str]:
    if mount.tmpfs is not None:
        size = ["--size", str(mount.tmpfs)] if mount.tmpfs else []
        args = ["--perms", "1777", *size, "--tmpfs", target]
        return [*args, "--remount-ro", target] if mount.read_only else args
    return ["--ro-bind" if mount.read_only else "--bind", mount.source, target]


def _identity(box: Sandbox) -> list[str]:
    args = list(_NAMESPACES)
    if box.hostname:
        args += ["--hostname", box.hostname]
    if os.geteuid() != 0 or box.uid or box.gid:
        args += ["--unshare-user", "--uid", str(box.uid), "--gid", str(box.gid)]
    # A terminal of its own needs its session; bubblewrap's new one would cut it off.
    return args if box.tty else [*args, "--new-session"]


def _environment(box: Sandbox) -> list[str]:
    args = ["--clearenv"]
    for name, value in box.env.items():
        args += ["--setenv", name, value]
    return args
