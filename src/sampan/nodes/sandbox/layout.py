"""From the description of a sandbox to the steps that make its file system, in order.

The container's "/" is a tmpfs with the host's (or an image's) top directories bound read-only, so
a program can make `/data`, but change nothing that is there. Sources are paths of the host, targets
paths of the container whose links have been followed. What does not depend on the container is
computed once. Pure but for looking at the root file system: who mounts is another matter
(`bubblewrap` writes options, `supervisor/mounts` makes system calls).
"""

from __future__ import annotations

import os
from functools import lru_cache

from msgspec import Struct

from sampan.nodes.sandbox import shadow
from sampan.nodes.sandbox.spec import Mount, Sandbox
from sampan.nodes.sandbox.steps import Bind, Devices, Directory, Link, Processes, Seal, Step, Tmpfs

_OURS = ("/proc", "/dev", "/tmp", "/run")
"""Made anew for each container: /run as well, since sockets of the host's daemons lie there."""
_SECRETS = ("shadow", "shadow-", "gshadow", "gshadow-", "sudoers", "ssh", "ssl/private")
"""Below the host's /etc: passwords and private keys."""


class Layout(Struct, frozen=True):
    """`cwd` is the working directory with its links followed; a step makes it if need be."""

    steps: list[Step]
    cwd: str


def lay_out(box: Sandbox) -> Layout:
    """The steps for this sandbox. OSError when a target leads nowhere."""
    if box.image:
        return _own(box)
    base, visible = _base(box.root, box.hidden, box.visible, os.stat(box.root).st_mtime_ns)
    targets = {mount: shadow.resolve(box.root, mount.target) for mount in box.mounts}
    cwd = shadow.resolve(box.root, box.cwd)
    writable = (*_OURS, *box.hidden)
    outputs = [_within(box.root, shadow.resolve(box.root, path)) for path in box.outputs]
    places = [*targets.values(), cwd, *outputs]
    found = shadow.shadows(box.root, places, lambda path: _below(path, writable))
    kept = {directory for directory in found if any(_below(path, (directory,)) for path in outputs)}
    steps = _rooted(base, box.keep, kept) if box.keep else list(base)
    steps += shadow.steps(box.root, found, set(targets.values()), kept)
    if box.root == "/":
        steps += _masked(shadow.alias("/etc") if "/etc" in found else "/etc")
    for mount, target in targets.items():
        steps += _mount(mount, target)
    steps += visible
    steps += [Bind(device, device, optional=True, device=True) for device in box.devices]
    if not os.path.isdir(box.root.rstrip("/") + cwd) or _below(cwd, writable):
        steps.append(Directory(cwd))
    steps += [Seal(directory) for directory in sorted(found - kept, reverse=True)]
    if box.read_only:
        steps.append(Seal("/"))
    return Layout(steps, cwd)


def _within(root: str, path: str) -> str:
    """What must be writable so that `path` can be: an empty directory takes new entries only if it
    is not the root's own."""
    try:
        return path if os.listdir(root.rstrip("/") + path) else f"{path}/new"
    except OSError:
        return path


def _rooted(base: list[Step], keep: str, kept: set[str]) -> list[Step]:
    """The base upon a directory instead of memory, less what the container may add to."""
    rest = [step for step in base if not (isinstance(step, Bind) and step.target in kept)]
    return [Bind(keep, "/"), *rest]


def _own(box: Sandbox) -> Layout:
    """A root that takes new entries, as an image's does: nothing has to be moved aside."""
    steps: list[Step] = [Bind(box.root, "/"), Devices("/dev"), Processes("/proc")]
    steps.append(Bind("/sys", "/sys", read_only=True, optional=True))
    for mount in box.mounts:
        steps += _mount(mount, mount.target)
    steps += [Bind(device, device, optional=True, device=True) for device in box.devices]
    steps += [Directory(path) for path in (*box.directories, box.cwd)]
    if box.read_only:
        steps.append(Seal("/"))
    return Layout(steps, box.cwd)


@lru_cache(maxsize=64)
def _base(
    root: str, hidden: tuple[str, ...], visible: tuple[str, ...], _changed: int
) -> tuple[list[Step], list[Step]]:
    """(the root file system without what is hidden, what is bound back at the end)."""
    base = root.rstrip("/")
    steps: list[Step] = []
    for name in sorted(os.listdir(root)):
        path = "/" + name
        if path in _OURS or path in hidden:
            continue
        if os.path.islink(base + path):
            steps.append(Link(os.readlink(base + path), path))
        else:
            steps.append(Bind(base + path, path, read_only=True, optional=True))
    steps += [Devices("/dev"), Processes("/proc"), Directory("/run"), Directory("/tmp")]
    for path in hidden:
        deep = path.count("/") > 1 and not _below(path, (*_OURS, *(h for h in hidden if h != path)))
        if deep and os.path.isdir(base + path):
            steps.append(Tmpfs(path))
        elif not deep and path.count("/") == 1:
            steps.append(Directory(path))
    back: list[Step] = [
        Bind(path, path, read_only=True, optional=True)
        for path in visible
        if _below(path, (*_OURS, *hidden)) or base
    ]
    return steps, back


@lru_cache(maxsize=2)
def _masked(etc: str) -> list[Step]:
    """Nothing where the host keeps secrets: a root container owns those files, whatever
    capabilities it lacks."""
    steps: list[Step] = []
    for name in _SECRETS:
        if os.path.isdir(f"/etc/{name}"):
            steps.append(Tmpfs(f"{etc}/{name}"))
        elif os.path.exists(f"/etc/{name}"):
            steps.append(Bind("/dev/null", f"{etc}/{name}", read_only=True))
    return steps


def _below(path: str, places: tuple[str, ...]) -> bool:
    return any(path == place or path.startswith(place + "/") for place in places)


def _mount(mount: Mount, target: str) -> list[Step]:
    if mount.tmpfs is None:
        return [Bind(mount.source, target, read_only=mount.read_only)]
    memory = Tmpfs(target, mode=0o777, size=mount.tmpfs)
    return [memory, Seal(target)] if mount.read_only else [memory]
