"""The CRDs of the package, read from `crds.json.xz`: upstream's schemas without descriptions.

Made by scripts/derive_crds.py. Equal parts of a schema (a container occurs some twenty times) are
stored once, `{"$": n}` stands for part n, and the trees that come out share them too: reading takes
milliseconds and little memory. Never change them.
"""

from __future__ import annotations

import json
import lzma
from functools import lru_cache
from importlib.resources import files
from typing import Any

from sampan.kube.keys import Manifest


@lru_cache(maxsize=1)
def load() -> tuple[Manifest, ...]:
    packed = files(__package__).joinpath("crds.json.xz").read_bytes()
    stored = json.loads(lzma.decompress(packed))
    parts: list[Any] = []
    for part in stored["parts"]:
        parts.append(_open(part, parts))
    return tuple(_open(crd, parts) for crd in stored["crds"])


def _open(value: Any, parts: list[Any]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"$"}:
            return parts[value["$"]]
        return {key: _open(each, parts) for key, each in value.items()}
    if isinstance(value, list):
        return [_open(each, parts) for each in value]
    return value
