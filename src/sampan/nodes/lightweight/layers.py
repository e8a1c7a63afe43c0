"""Directories of packages that components have in common, each filled once.

    packages/sdk/<python>/<version>/   the SDK alone. Read outside of sandboxes, too (`sdk`)
    packages/layers/<key>/files/       what pip has made of a list of packages, in a pod's sandbox
    packages/building/…                what is not ready yet; a start empties it

A key is a hash of all that decides the contents, the namespace first: nobody can put anything where
another tenant finds it. What lies in a layer was written by strangers: nothing here follows a link
in it, and only sandboxes read it. Everything appears in one step, so a crash leaves nothing half.
"""

from __future__ import annotations

import builtins
import contextlib
import hashlib
import os
import shutil
import uuid
from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from sampan.nodes import aging
from sampan.nodes.lightweight import requirements


class Recipe(Struct, frozen=True, kw_only=True):
    """What decides the contents of a layer. python: the environment's prefix, version and stamps.
    calls: what pip is given. env: variables that it sees. network: what the pod says of its own."""

    namespace: str
    python: tuple[str, str, tuple[tuple[str, int], ...]]
    calls: tuple[tuple[str, ...], ...]
    env: tuple[tuple[str, str], ...] = ()
    network: str = ""

    @property
    def key(self) -> str:
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:40]

    @property
    def said(self) -> str:
        """The packages, for people."""
        return ", ".join(name for call in self.calls for name in requirements.named(call) or ())


class Layer(Struct, frozen=True):
    """One that is ready. size: bytes of its files. used: seconds since the epoch."""

    key: str
    recipe: Recipe
    size: int
    used: float = 0.0


class Layers:
    def __init__(self, root: Path) -> None:
        """`root` is the directory `packages` of the home."""
        self.root = root

    def files(self, key: str) -> Path:
        """What a container sees of the layer."""
        return self.root / "layers" / key / "files"

    def find(self, key: str) -> Path | None:
        """Its files, if it is ready; from now on it counts as used."""
        facts = self.root / "layers" / key / "facts.json"
        try:
            os.utime(facts)
        except OSError:
            return None
        return self.files(key)

    def begin(self) -> Path:
        """An empty directory for what is to be built."""
        draft = self.root / "building" / uuid.uuid4().hex
        (draft / "files").mkdir(parents=True, mode=0o755)
        return draft

    def finish(self, draft: Path, recipe: Recipe) -> Layer:
        """Give it its name; one that somebody else has finished before stays."""
        layer = Layer(recipe.key, recipe, size(draft / "files"))
        (draft / "facts.json").write_bytes(msgspec.json.encode(layer))
        place = self.root / "layers" / recipe.key
        place.parent.mkdir(exist_ok=True, mode=0o700)
        try:
            draft.rename(place)
        except OSError:
            self.drop(draft)
        return layer

    def drop(self, draft: Path) -> None:
        """It has come to nothing."""
        shutil.rmtree(draft, ignore_errors=True)

    def sweep(self) -> builtins.list[Path]:
        """What an earlier start has left unfinished, to be removed."""
        return list(self.root.glob("building/*"))

    def list(self) -> Iterator[Layer]:
        for facts in sorted(self.root.glob("layers/*/facts.json")):
            try:
                found = msgspec.json.decode(facts.read_bytes(), type=Layer)
                yield msgspec.structs.replace(found, used=facts.stat().st_mtime)
            except (OSError, msgspec.DecodeError):
                continue

    def prune(self, used: Collection[str], *, older: float) -> builtins.list[Layer]:
        """Those that no container in `used`, by key, has, and none had for `older` seconds. One
        that is wanted later is built again."""
        root = self.root
        return aging.prune(root / "layers", self.list(), used, older=older, aside=root / "building")


def size(directory: Path) -> int:
    """Bytes of its files; links are not followed."""
    total = 0
    for parent, _, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(f"{parent}/{name}").st_size
    return total
