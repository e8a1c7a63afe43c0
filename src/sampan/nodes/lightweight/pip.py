"""How a layer is filled: pip in a sandbox, as if for the user whose home lies in the layer.

So it takes what the environment has for granted, where `--target` would bring all of it again. An
environment that knows no packages of users gets a prefix, which looks the same.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from sampan.nodes.lightweight.fit import PLACE
from sampan.nodes.lightweight.interpreter import Python
from sampan.nodes.lightweight.layers import Recipe
from sampan.nodes.sandbox.spec import Mount, Sandbox


def filling(
    box: Sandbox, recipe: Recipe, python: Python, directory: Path, own: Mapping[str, str]
) -> Sandbox:
    """`box` is an empty sandbox of the pod, `own` what its image sets."""
    where = ("--user",) if python.user else ("--prefix", PLACE)
    calls = (("python3", "-m", "pip", "install", *where, *call) for call in recipe.calls)
    env = {**own, **dict(recipe.env), "PYTHONUSERBASE": PLACE, "PIP_NO_INPUT": "1"}
    return replace(
        box,
        argv=("sh", "-ec", " && ".join(map(shlex.join, calls))),
        env=env,
        mounts=(*box.mounts, Mount(PLACE, str(directory))),
        interpreter=None,
        stdin=False,
        tty=False,
    )
