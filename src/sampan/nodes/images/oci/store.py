"""The images on this disk: blobs as they came, layers unpacked once and shared, an index of names.

    blobs/sha256/<digest>          manifests, configurations, compressed layers (for export)
    layers/<diff id>[.owned]/      files/ and facts.json; with the owners of the tar if .owned
    index.json                     a `Record` for each image
    lock                           shared while something is added, alone while something is removed

Every name appears in one step and only when it is complete, so whoever sees it may use it. Several
processes may pull at once (the node, `sampan images pull`); nothing here knows containers.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TypeVar

import msgspec
from msgspec import Struct

from sampan.nodes.images.oci import manifest
from sampan.nodes.images.oci.errors import PullError
from sampan.nodes.images.oci.tree import Facts, Layer
from sampan.nodes.images.reference import Reference, parse

_PIECE = 1 << 18
T = TypeVar("T")


class Part(Struct, frozen=True):
    """A layer: its blob, what that unpacks to, its compressed size."""

    blob: str
    diff: str
    size: int
    media_type: str = ""


class Record(Struct, frozen=True, kw_only=True):
    """An image. digest: what its names meant at the registry (an index or a manifest).
    names: full names with a tag, or with the digest by which it was asked for; an image that
    another one has taken the last name from has none."""

    digest: str
    manifest: str
    config: str
    names: list[str] = []
    layers: list[Part] = []
    size: int = 0
    pulled: float = 0.0

    def identity(self) -> str:
        """The imageID of a container's status."""
        for name in self.names:
            return f"{parse(name).name}@{self.digest}"
        return self.digest


class _Index(Struct):
    images: list[Record] = []


class Removed(Struct, frozen=True):
    """What a prune has removed. size: bytes of blobs and unpacked files."""

    images: list[str]
    layers: int
    size: int


class Store:
    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: tuple[int, list[Record]] = (0, [])

    # -- reading ----------------------------------------------------------------------------------
    def records(self) -> list[Record]:
        """All images; read anew only when the file has changed."""
        path = self.root / "index.json"
        try:
            changed = path.stat().st_mtime_ns
            if changed != self._known[0]:
                self._known = (changed, _decoded(path, _Index).images)
        except FileNotFoundError:
            self._known = (0, [])
        return self._known[1]

    def find(self, reference: Reference) -> Record | None:
        """The image that has this name here; a digest wins over a tag."""
        for record in self.records():
            if reference.digest:
                same = reference.digest in (record.digest, record.manifest)
                if same and any(parse(name).name == reference.name for name in record.names):
                    return record
            elif str(reference) in record.names:
                return record
        return None

    def config(self, record: Record) -> manifest.Config:
        return _decoded(self.blob(record.config), manifest.Config)

    def user(self, record: Record) -> str:
        """Who the image runs as, in its own words: a name or a number, with an optional group."""
        settings = self.config(record).config
        return settings.User if settings else ""

    def layers(self, record: Record, *, owned: bool) -> list[Layer]:
        """Of an image that is complete, the topmost first."""
        found = []
        for part in reversed(record.layers):
            place = self.layer(part.diff, owned=owned)
            facts = _decoded(place / "facts.json", Facts)
            found.append(Layer(str(place / "files"), facts))
        return found

    def complete(self, record: Record, *, owned: bool) -> bool:
        """Whether the image can be run as it lies here."""
        return all(self.layer(part.diff, owned=owned).is_dir() for part in record.layers)

    def blob(self, digest: str) -> Path:
        algorithm, _, text = digest.partition(":")
        return self.root / "blobs" / algorithm / text

    def layer(self, diff: str, *, owned: bool) -> Path:
        return self.root / "layers" / (diff.partition(":")[2] + (".owned" if owned else ""))

    # -- writing ----------------------------------------------------------------------------------
    @contextlib.contextmanager
    def adding(self) -> Iterator[None]:
        """While this is held nothing is removed."""
        for name in ("blobs/sha256", "blobs/sha512", "layers"):
            (self.root / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._locked("lock", fcntl.LOCK_SH):
            yield

    def keep(self, digest: str, data: bytes) -> None:
        """Put a small blob there, whose digest has been checked."""
        path = self.blob(digest)
        draft = path.with_name(f".{uuid.uuid4().hex}")
        draft.write_bytes(data)
        draft.rename(path)

    def put(self, file: IO[bytes], expected: str = "") -> str:
        """Put a blob there from a stream; answers its digest. PullError when it is another one
        than was expected."""
        draft = self.root / "blobs" / f".{uuid.uuid4().hex}"
        found = hashlib.new(expected.partition(":")[0] or "sha256")
        try:
            with draft.open("wb") as out:
                while piece := file.read(_PIECE):
                    found.update(piece)
                    out.write(piece)
            digest = f"{found.name}:{found.hexdigest()}"
            if expected and digest != expected:
                raise PullError(f"what should be {expected} is {digest}")
            draft.rename(self.blob(digest))
        finally:
            draft.unlink(missing_ok=True)
        return digest

    @contextlib.contextmanager
    def new_layer(self) -> Iterator[Path]:
        """A directory to unpack into; what is left of it at the end is removed."""
        draft = self.root / "layers" / f".{uuid.uuid4().hex}"
        (draft / "files").mkdir(parents=True)
        try:
            yield draft
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def add_layer(self, draft: Path, facts: Facts, diff: str, *, owned: bool) -> None:
        """Give a layer its name; nothing happens when somebody else was first."""
        (draft / "facts.json").write_bytes(msgspec.json.encode(facts))
        with contextlib.suppress(OSError):
            draft.rename(self.layer(diff, owned=owned))

    def add(self, record: Record, name: str) -> Record:
        """Enter an image under a name, which it takes from any other image."""
        with self._index() as index:
            kept, names, pulled = [], [name], time.time()
            for each in index.images:
                if each.digest == record.digest:
                    names += [old for old in each.names if old != name]
                    continue
                left = [old for old in each.names if old != name]
                kept.append(msgspec.structs.replace(each, names=left))
            found = msgspec.structs.replace(record, names=names, pulled=pulled)
            index.images = [*kept, found]
        return found

    def prune(self, used: Iterable[str], *, all_unused: bool) -> Removed:
        """Remove images without a name (with `all_unused`, all that no container in `used`, by
        digest, has) and whatever belongs to no image then."""
        keep = set(used)
        with self._locked("lock", fcntl.LOCK_EX), self._index() as index:
            gone = [
                each
                for each in index.images
                if each.digest not in keep and (all_unused or not each.names)
            ]
            index.images = [each for each in index.images if each not in gone]
            layers, size = self._sweep(index.images)
        return Removed([each.names[0] if each.names else each.digest for each in gone],
                       layers, size)  # fmt: skip

    def _sweep(self, records: list[Record]) -> tuple[int, int]:
        """Remove what no record needs: (layers, bytes)."""
        blobs = {
            digest
            for each in records
            for digest in (each.digest, each.manifest, each.config, *(p.blob for p in each.layers))
        }
        diffs = {part.diff.partition(":")[2] for each in records for part in each.layers}
        count = size = 0
        for path in [*self.root.glob("blobs/*/*"), *self.root.glob("blobs/.*")]:
            if f"{path.parent.name}:{path.name}" not in blobs:
                size += path.stat().st_size
                path.unlink()
        for path in self.root.glob("layers/*"):
            if path.name.removesuffix(".owned") not in diffs:
                size += _size(path)
                count += 1
                shutil.rmtree(path, ignore_errors=True)
        return count, size

    # -- locks ------------------------------------------------------------------------------------
    @contextlib.contextmanager
    def _index(self) -> Iterator[_Index]:
        with self._locked("index.lock", fcntl.LOCK_EX):
            index = _Index(list(self.records()))
            yield index
            draft = self.root / "index.new"
            draft.write_bytes(msgspec.json.format(msgspec.json.encode(index), indent=1))
            draft.rename(self.root / "index.json")

    @contextlib.contextmanager
    def _locked(self, name: str, how: int) -> Iterator[None]:
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.root / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)


def _decoded(path: Path, kind: type[T]) -> T:
    """OSError when it is not there, PullError when a disk or somebody has spoilt it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except msgspec.MsgspecError as error:
        raise PullError(f"{path} cannot be read: {error}") from error


def _size(layer: Path) -> int:
    try:
        return _decoded(layer / "facts.json", Facts).size
    except (OSError, PullError):
        return 0
