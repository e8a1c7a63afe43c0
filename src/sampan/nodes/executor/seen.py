"""What the container of a sandbox sees, as a `View`: the steps of its layout, read backwards."""

from __future__ import annotations

from collections.abc import Iterator

from sampan.nodes.executor.view import Place, View
from sampan.nodes.sandbox.layout import lay_out
from sampan.nodes.sandbox.spec import Sandbox
from sampan.nodes.sandbox.steps import Bind, Devices, Processes, Tmpfs


def of(box: Sandbox, *, plain: bool = False) -> View:
    """`plain`: a process without a sandbox, which finds only what has been rewritten for it."""
    if plain:
        mounts = [Place(mount.target, mount.source) for mount in box.mounts]
        return View([Place("/", box.keep), *mounts])
    layers = [f"{box.overlay.base}/{name}" for name in box.overlay.lower] if box.overlay else []
    return View(list(_places(box)), layers)


def _places(box: Sandbox) -> Iterator[Place]:
    own = {box.keep, box.root if box.image else box.keep, *(mount.source for mount in box.mounts)}
    for step in lay_out(box).steps:
        match step:
            case Bind(source, "/") if box.overlay is not None:
                yield Place("/", box.overlay.upper)
            case Bind(source, target):
                yield Place(target, source, source in own)
            case Tmpfs(target) | Devices(target) | Processes(target):
                yield Place(target, "")
