"""Python environments that Sampan makes for images that it stands for itself (`standins`).

    packages/environments/<python>/<name>-<hash>/    a virtual environment of our own Python

Each is made once, when a pod first wants it. A package that is installed beside Sampan in a version
that fits is linked to, which takes milliseconds and no network; another one is fetched by pip
(`wheels`). Of a package that is wanted for a file of data, only that is kept, in `share/`. An
environment appears in one step, and one whose links lead nowhere is made again. Pods see it
read-only, whatever namespace they are in; a container's scratch directory says which one it has.
"""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import hashlib
import os
import shutil
import sys
import uuid
import zipfile
from collections.abc import Collection, Iterator
from importlib import metadata
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sampan.nodes import aging, usage, wheels
from sampan.nodes.images import python
from sampan.nodes.images.oci.errors import PullError
from sampan.nodes.images.runtime import Runtime

_PATIENCE = 1800.0  # seconds for pip: there are large wheels
_FACTS = "sampan.json"


class Package(Struct, frozen=True):
    """What stands in an index. `least` and `below` bound the version. `only`: files in its wheel
    that are kept, instead of all of it."""

    name: str
    least: str
    below: str
    only: tuple[str, ...] = ()

    @property
    def requirement(self) -> str:
        return f"{self.name}>={self.least},<{self.below}"

    @property
    def said(self) -> str:
        """For people."""
        files = ", ".join(map(os.path.basename, self.only))
        return f"{files} of {self.name}" if files else self.name


class Environment(Struct, frozen=True):
    """Packages on top of those of our own Python, without what they depend on."""

    name: str
    packages: tuple[Package, ...]

    @property
    def said(self) -> str:
        """The packages, for people."""
        return ", ".join(package.said for package in self.packages)

    @property
    def key(self) -> str:
        digest = hashlib.sha256(msgspec.json.encode([self, sys.base_prefix])).hexdigest()
        return f"{self.name}-{digest[:12]}"


class Made(Struct, frozen=True):
    """An environment that is there. key: of the Environment, below its version of Python. said:
    its packages. size: bytes, without what is linked to. used: seconds since the epoch."""

    key: str
    said: str
    size: int
    used: float = 0.0


class Environments:
    def __init__(self, root: Path) -> None:
        """`root` is the directory `packages` of the home."""
        self._root = root
        self._making: dict[Environment, asyncio.Task[None]] = {}

    def find(self, wanted: Environment) -> Runtime | None:
        """What a container with it runs in, if it is there; from now on it counts as used."""
        prefix = self._prefix(wanted)
        try:
            os.utime(prefix / _FACTS)
        except OSError:
            return None
        links = [entry for entry in _entries(prefix) if entry.is_symlink()]
        found = python.at(str(prefix)) if all(entry.exists() for entry in links) else None
        if found is None:
            return None
        sources = (str(entry.readlink()) for entry in links)
        return replace(found, visible=(*found.visible, *sources))

    async def make(self, wanted: Environment) -> None:
        """Make it, once for all who want it at the same time. PullError when that fails."""
        task = self._making.get(wanted)
        if task is None:
            task = self._making[wanted] = asyncio.create_task(self._make(wanted))
            task.add_done_callback(lambda _: self._making.pop(wanted, None))
        await asyncio.shield(task)

    def key(self, prefix: str) -> str:
        """Of the one at this prefix; "" if that is none of ours."""
        place = f"{self._root / 'environments'}/"
        return prefix.removeprefix(place) if prefix.startswith(place) else ""

    def list(self) -> Iterator[Made]:
        for facts in sorted(self._root.glob(f"environments/*/*/{_FACTS}")):
            with contextlib.suppress(OSError, msgspec.DecodeError):
                found = msgspec.json.decode(facts.read_bytes(), type=Made)
                yield replace(found, used=facts.stat().st_mtime)

    def prune(self, used: Collection[str], *, older: float) -> builtins.list[Made]:
        """Those that no container in `used`, by key, has, and none had for `older` seconds. One
        that is wanted later is made again."""
        root = self._root
        return aging.prune(
            root / "environments", self.list(), used, older=older, aside=root / "building"
        )

    async def close(self) -> None:
        """Leave everything unfinished."""
        tasks = list(self._making.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _prefix(self, wanted: Environment) -> Path:
        return self._root / "environments" / wheels.OURS / wanted.key

    async def _make(self, wanted: Environment) -> None:
        draft = self._root / "building" / uuid.uuid4().hex
        place = self._prefix(wanted)
        try:
            site = _site(draft)
            site.mkdir(parents=True, mode=0o755)
            for package in wanted.packages:
                if not await asyncio.to_thread(_linked, package, draft):
                    await _fetched(package, draft)
            python.virtual(draft)
            made = Made(f"{wheels.OURS}/{wanted.key}", wanted.said, usage.size(str(draft)))
            (draft / _FACTS).write_bytes(msgspec.json.encode(made))
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if place.exists():
                await asyncio.to_thread(shutil.rmtree, place)
            draft.rename(place)
        except (OSError, wheels.Unavailable, zipfile.BadZipFile, KeyError) as error:
            raise PullError(f"{wanted.said} cannot be installed: {error}") from error
        finally:
            await asyncio.to_thread(shutil.rmtree, draft, ignore_errors=True)


def _site(prefix: Path) -> Path:
    return prefix / "lib" / f"python{wheels.OURS}" / "site-packages"


def _entries(prefix: Path) -> Iterator[Path]:
    """What may be a link to a package that Sampan has itself."""
    for place in (_site(prefix), prefix / "share"):
        if place.is_dir():
            yield from place.iterdir()


def _linked(package: Package, prefix: Path) -> bool:
    """Link to what is installed beside Sampan, if it is there in such a version."""
    try:
        found = metadata.distribution(package.name)
    except metadata.PackageNotFoundError:
        return False
    if not _numbers(package.least) <= _numbers(found.version) < _numbers(package.below):
        return False
    if package.only:
        places = [Path(str(found.locate_file(path))) for path in package.only]
        folder = prefix / "share"
    else:
        tops = {path.parts[0] for path in found.files or () if path.parts[0] != ".."}
        places = [Path(str(found.locate_file(top))) for top in tops]
        folder = _site(prefix)
    if not places or not all(place.exists() for place in places):
        return False
    folder.mkdir(exist_ok=True)
    for place in places:
        (folder / place.name).symlink_to(place)
    return True


async def _fetched(package: Package, prefix: Path) -> None:
    if not package.only:
        target = str(_site(prefix))
        await wheels.pip(
            "install", "--target", target, package.requirement, patience=_PATIENCE
        )  # fmt: skip
        return
    box = prefix / "wheels"
    await wheels.pip("download", "--dest", str(box), package.requirement, patience=_PATIENCE)
    await asyncio.to_thread(_unpacked, package, prefix, box)


def _unpacked(package: Package, prefix: Path, box: Path) -> None:
    (prefix / "share").mkdir(exist_ok=True)
    (file,) = box.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        for path in package.only:
            data = archive.read(path)
            (prefix / "share" / os.path.basename(path)).write_bytes(data)
    shutil.rmtree(box)


def _numbers(version: str) -> tuple[int, ...]:
    """As much of a version as are numbers."""
    found = []
    for part in version.split("."):
        if not part.isdigit():
            break
        found.append(int(part))
    return tuple(found)
