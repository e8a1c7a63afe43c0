"""Mount points that do not exist: which directories have to be replaced by look-alikes.

A read-only file system takes no new directory, so a mount at `/etc/app` needs an `/etc` of our
own. It is an empty tmpfs with a symbolic link for each entry of the real `/etc`, which is bound at
`/.etc`: one mount instead of one per entry (135 binds took 17 ms, 135 links 0.4 ms). The alias has
the same depth, so relative links inside it still lead to the right place. Pure but for looking at
the root file system.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable

from sampan.nodes.sandbox.steps import Bind, Directory, Link, Step, Tmpfs

_MOST_LINKS = 40  # symbolic links followed in one path, as the kernel does


def resolve(root: str, path: str) -> str:
    """The absolute path inside `root` with its symbolic links followed, as the container will see
    it. Parts that do not exist stay as they are."""
    done: list[str] = []
    todo = [part for part in path.split("/") if part][::-1]
    links = 0
    while todo:
        part = todo.pop()
        if part in (".", ""):
            continue
        if part == "..":
            del done[-1:]
            continue
        here = "/" + "/".join([*done, part])
        try:
            target = os.readlink(root.rstrip("/") + here)
        except OSError:
            done.append(part)
            continue
        links += 1
        if links > _MOST_LINKS:
            raise OSError(f"too many symbolic links in {path}")
        if target.startswith("/"):
            done.clear()
        todo.extend(target.split("/")[::-1])
    return "/" + "/".join(done)


def shadows(root: str, targets: Iterable[str], free: Callable[[str], bool]) -> set[str]:
    """The directories that must be look-alikes so that all targets can be mounted. `targets` are
    resolved; `free(path)` says that new entries can be made below the path anyway."""
    wanted = [target for target in targets if not free(target)]
    missing = [target for target in wanted if not os.path.lexists(root.rstrip("/") + target)]
    tops = {_top(target) for target in missing if _parents(root, target)}
    found: set[str] = set()
    for target in wanted:
        if _top(target) in tops:
            found.update(_parents(root, target))
    return found


def steps(root: str, found: set[str], targets: set[str], kept: Collection[str] = ()) -> list[Step]:
    """What makes the look-alikes; `kept` ones lie in the root's own directory, not in memory."""
    base = root.rstrip("/")
    made: list[Step] = []
    for directory in sorted(found):
        hidden = alias(directory)
        if directory == _top(directory):
            made.append(Bind(base + directory, hidden, read_only=True))
        made.append(Directory(directory) if directory in kept else Tmpfs(directory))
        for name in _entries(base + directory):
            path = f"{directory}/{name}"
            if path not in found and path not in targets:
                made.append(Link(_link(base + path, f"{hidden}/{name}"), path))
    return made


def alias(directory: str) -> str:
    """Where the real directory is bound while a look-alike stands in its place."""
    return "/." + directory[1:]


def _top(path: str) -> str:
    return "/" + path.split("/", 2)[1]


def _parents(root: str, target: str) -> list[str]:
    """Ancestors of the target that exist in the root, without "/"."""
    parts = target.split("/")[1:-1]
    paths = ["/" + "/".join(parts[: n + 1]) for n in range(len(parts))]
    return [path for path in paths if os.path.isdir(root.rstrip("/") + path)]


def _entries(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []


def _link(path: str, otherwise: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return otherwise
