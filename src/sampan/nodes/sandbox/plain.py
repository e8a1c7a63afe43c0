"""A sandbox without namespaces: mount paths are rewritten in arguments and environment.

The fall-back for macOS and hardened kernels. `/data/x` in an argument or a variable becomes the
directory on the host that stands for `/data`; a program that builds such a path itself does not
find it. Nothing is hidden, nothing is read-only, /tmp and HOME are rewritten too.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec.structs import replace

from sampan.nodes.sandbox.spec import Sandbox

_BEFORE = r"(?<![\w./\-])"  # a path starts here: not in the middle of a longer one
_AFTER = r"(?![\w.\-])"


def rewritten(box: Sandbox) -> Sandbox:
    """The same sandbox with every mount path replaced by its source."""
    change = rewriter(box)
    env = {name: change(value) for name, value in box.env.items()}
    sources = {mount.target: mount.source for mount in box.mounts}
    for name, path in (("TMPDIR", "/tmp"), ("HOME", "/root")):
        if path in sources:
            env[name] = sources[path]
    cwd = change(box.cwd)
    if cwd == "/" and "/root" in sources:
        cwd = sources["/root"]  # relative files must not land in the host's root
    return replace(box, argv=tuple(map(change, box.argv)), env=env, cwd=cwd)


def rewriter(box: Sandbox) -> Callable[[str], str]:
    """Replaces mount paths in one string, the longest first. What is visible stays where it is,
    also below the path of a mount."""
    sources = {
        path.rstrip("/"): f"{box.keep}{path}" for path in box.outputs if not _mounted(box, path)
    }
    sources |= {mount.target.rstrip("/"): mount.source for mount in box.mounts}
    sources |= {path: path for path in box.visible}
    sources.pop("", None)
    if not sources:
        return lambda text: text
    longest_first = sorted(sources, key=len, reverse=True)
    paths = re.compile(_BEFORE + "(" + "|".join(map(re.escape, longest_first)) + ")" + _AFTER)
    return lambda text: paths.sub(lambda match: sources[match[1]], text)


def _mounted(box: Sandbox, path: str) -> bool:
    return any(f"{path}/".startswith(mount.target.rstrip("/") + "/") for mount in box.mounts)
