"""A directory of a container that lies in several places of this machine, as one directory.

Volumes are mounted below it, or an image's layers have parts of it. Links are copied as links.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from sampan.artifacts import trees
from sampan.nodes.executor.view import Place, View
from sampan.nodes.images.oci import tree
from sampan.nodes.images.oci.tree import Layer


def is_needed(view: View, path: str) -> bool:
    """Whether the directory at the path is in more than one place."""
    if _below(view, path):
        return True
    return sum(os.path.isdir(f"{layer.files}{path}") for layer in view.stack(path)) > 1


def gather(view: View, path: str, target: str) -> None:
    """Copy all that is seen at the path to a name that is free. OSError, Fault."""
    layers = view.stack(path)
    if layers:
        _merge(layers, path, target)
    else:
        with view.pinned(path) as found:
            trees.copy(found.path, target)
    for place in _below(view, path):
        inside = target + place.target[len(path.rstrip("/")) :]
        trees.remove(inside)
        os.makedirs(os.path.dirname(inside), exist_ok=True)
        trees.copy(place.source, inside)


def _below(view: View, path: str) -> list[Place]:
    """What is mounted below it, outer before inner; the machine's own is nobody's artifact."""
    base = path.rstrip("/") + "/"
    found = [each for each in view.places if each.own and each.source]
    return sorted(
        (each for each in found if each.target.startswith(base) and each.target != base),
        key=lambda each: each.target.count("/"),
    )


def _merge(layers: Sequence[Layer], path: str, target: str) -> None:
    place = tree.find(layers, path)
    if not place or os.path.islink(place) or not os.path.isdir(place):
        if place:
            trees.copy(place, target)
        return
    os.mkdir(target)
    for name in _names(layers, path):
        _merge(layers, f"{path}/{name}", f"{target}/{name}")


def _names(layers: Sequence[Layer], path: str) -> list[str]:
    found: set[str] = set()
    for layer in layers:
        place = f"{layer.files}{path}"
        if os.path.isdir(place) and not os.path.islink(place):
            found.update(os.listdir(place))
    return sorted(found)
