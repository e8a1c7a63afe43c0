"""The container that brings a trial the checkpoint of its parent, before the program begins.

It is the program's own image, which is there anyway and has a shell, as the program's command has
to have too (`command`). Upstream's algorithm copies the files itself, where the claim is mounted;
this works where it is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kube import katib

NAME = "inherit-checkpoint"
_PARENT, _OWN = "/katib/parent", "/katib/own"
_USERS = ("image", "imagePullPolicy", "securityContext")
"""What it has from the container of the program, so that the files are of the same user."""


def container(primary: Mapping[str, Any], parent: str, own: str) -> dict[str, Any]:
    """`parent` and `own` are folders of the algorithm's claim."""
    return {
        "name": NAME,
        **{field: primary[field] for field in _USERS if field in primary},
        "command": ["sh", "-c", f"cp -a {_PARENT}/. {_OWN}/"],
        "volumeMounts": [
            {"name": katib.SUGGESTION_VOLUME, "mountPath": _PARENT, "subPath": parent,
             "readOnly": True},
            {"name": katib.SUGGESTION_VOLUME, "mountPath": _OWN, "subPath": own},
        ],
    }  # fmt: skip
