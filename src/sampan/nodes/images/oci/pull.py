"""From a wish to an image on disk: find it at one of its places, fetch what is missing, unpack.

Manifests come first, then all layers side by side, each fetched and unpacked by one thread; a layer
that is there already (from another image, or an earlier attempt) costs nothing. A place that does
not answer, or has no such image, hands over to the next one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from sampan.config import Mirror
from sampan.nodes.images.oci import manifest
from sampan.nodes.images.oci.errors import NotThere, PullError, Unreachable
from sampan.nodes.images.oci.login import Login
from sampan.nodes.images.oci.manifest import Descriptor, Manifest
from sampan.nodes.images.oci.registry import Repository
from sampan.nodes.images.oci.store import Part, Record, Store
from sampan.nodes.images.oci.unpack import Limits, unpack
from sampan.nodes.images.oci.wish import Wish
from sampan.nodes.images.reference import Reference, parse, places

_THREADS = 4
_PIECE = 1 << 18

Tell = Callable[[int, int], None]


def pull(store: Store, wish: Wish, tell: Tell, limits: Limits | None = None) -> Record:
    """The image, complete. `tell(done, all)` hears of compressed bytes. PullError says why not."""
    try:
        reference = parse(wish.image)
    except ValueError as error:
        raise PullError(str(error)) from error
    with store.adding():
        record = _known(store, wish, reference)
        if record is not None:
            return record
        failures: list[PullError] = []
        for place in _places(reference, wish.mirrors):
            try:
                repository = _repository(place, wish)
                return _pull_from(store, reference, repository, wish, (tell, limits or Limits()))
            except (NotThere, Unreachable) as error:
                failures.append(error)
        kind = NotThere if any(isinstance(each, NotThere) for each in failures) else Unreachable
        raise kind("; ".join(map(str, failures)))


def _known(
    store: Store, wish: Wish, reference: Reference, repository: Repository | None = None
) -> Record | None:
    """What is here already and need not be fetched: because nobody wants to know better, because
    a digest never means anything else, or because the registry says that it is the same."""
    record = store.find(reference)
    if record is None:
        return None
    ask = wish.policy == "Always" and not reference.digest
    if ask and (repository is None or repository.digest(reference.tag) != record.digest):
        return None
    try:
        owned = wish.owned(store.user(record))
        for part in record.layers:
            unpack_layer(store, part, owned=owned)
    except FileNotFoundError:
        return None  # a blob has been lost: the registry has it
    return record


def _places(reference: Reference, mirrors: Sequence[Mirror]) -> list[Reference]:
    try:
        return places(reference, mirrors)
    except ValueError as error:
        raise PullError(f"mirrors of config.yaml: {error}") from error


def _repository(place: Reference, wish: Wish) -> Repository:
    setting = next((each for each in wish.registries if each.host == place.registry), None)
    logins = list(wish.logins)
    if setting is None:
        return Repository(place, logins)
    if setting.username:
        logins.append(Login(setting.host, setting.username, setting.password))
    return Repository(place, logins, insecure=setting.insecure, ca=setting.ca)


def _pull_from(
    store: Store,
    reference: Reference,
    repository: Repository,
    wish: Wish,
    how: tuple[Tell, Limits],
) -> Record:
    record = _known(store, wish, reference, repository)
    if record is not None:
        return record
    digest, image_digest, found = _manifest(store, repository, reference.digest or reference.tag)
    if found.config is None or found.layers is None:
        raise PullError("an index leads to another index")
    if found.config.size > manifest.LARGEST:
        raise PullError(f"the image's configuration has {found.config.size} bytes")
    repository.blob(found.config, store.blob(found.config.digest), lambda _: None)
    data = store.blob(found.config.digest).read_bytes()
    config = manifest.config(data, found, manifest.this_machine())
    parts = [
        Part(layer.digest, diff, layer.size, layer.media_type)
        for layer, diff in zip(found.layers, config.rootfs.diff_ids, strict=True)
    ]
    owned = wish.owned(config.config.User if config.config else "")
    _layers(store, repository, parts, how, owned=owned)
    record = Record(digest=digest, manifest=image_digest, config=found.config.digest,
                    layers=parts, size=sum(part.size for part in parts))  # fmt: skip
    return store.add(record, str(reference))


def _manifest(store: Store, repository: Repository, name: str) -> tuple[str, str, Manifest]:
    """What the name means, which image for this machine that is, and its manifest."""
    data, digest = repository.manifest(name)
    store.keep(digest, data)
    found = manifest.read(data)
    if found.manifests is None:
        return digest, digest, found
    entry = manifest.choose(found, manifest.this_machine())
    data, image = repository.manifest(entry.digest)
    store.keep(image, data)
    return digest, image, manifest.read(data)


def _layers(
    store: Store,
    repository: Repository,
    parts: list[Part],
    how: tuple[Tell, Limits],
    *,
    owned: bool,
) -> None:
    tell, limits = how
    wanted = {part.diff: part for part in parts}
    whole = sum(part.size for part in wanted.values())
    if whole > shutil.disk_usage(store.root).free:
        raise PullError(f"the image has {whole} compressed bytes, more than the disk has room for")
    done = 0

    def progress(count: int) -> None:
        nonlocal done
        done += count
        tell(done, whole)

    def fetch(part: Part) -> None:
        blob = Descriptor(part.blob, part.size, part.media_type)
        repository.blob(blob, store.blob(part.blob), progress)
        unpack_layer(store, part, owned=owned, limits=limits)

    with ThreadPoolExecutor(_THREADS) as pool:
        fetched = [pool.submit(fetch, part) for part in wanted.values()]
        try:
            for each in as_completed(fetched):
                each.result()
        except BaseException:  # the first one; the others would only say that they were stopped
            repository.stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def unpack_layer(store: Store, part: Part, *, owned: bool, limits: Limits | None = None) -> None:
    """Make the directory of a layer from its blob, unless it is there. PullError."""
    if store.layer(part.diff, owned=owned).is_dir():
        return
    with store.new_layer() as draft, _opened(store.blob(part.blob), part.media_type) as tar:
        stream = _Hashed(tar, part.diff)
        facts = unpack(
            cast("IO[bytes]", stream), str(draft / "files"), part.size, owners=owned, limits=limits
        )
        stream.check()
        store.add_layer(draft, facts, part.diff, owned=owned)


# -- compression ----------------------------------------------------------------------------------
@contextmanager
def _opened(path: Path, media_type: str) -> Iterator[IO[bytes]]:
    """The tar in a blob. Its first bytes say how it is compressed; types lie sometimes."""
    with path.open("rb") as file:
        magic = file.read(4)
        file.seek(0)
        if magic[:2] == b"\x1f\x8b":
            yield cast("IO[bytes]", _Gunzip(file))
        elif magic == b"\x28\xb5\x2f\xfd":
            with _zstd(file) as tar:
                yield tar
        elif "+encrypted" in media_type:
            raise PullError("the layer is encrypted")
        else:
            yield file


@contextmanager
def _zstd(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """By the program of that name: Python has no zstd before 3.14."""
    program = shutil.which("zstd")
    if program is None:
        raise PullError("the layer is compressed with zstd: install the program zstd")
    os.lseek(file.fileno(), 0, os.SEEK_SET)  # what we have read is read for the program, too
    with subprocess.Popen(
        [program, "-dcq"], stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout
        finally:
            process.kill()


class _Gunzip:
    """Reads gzip in bounded memory; several members follow one another in layers of some tools."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._engine = zlib.decompressobj(wbits=31)

    def read(self, size: int) -> bytes:
        pieces: list[bytes] = []
        while size > 0:
            if self._engine.eof:
                rest = self._engine.unused_data or self._file.read(_PIECE)
                if not rest.strip(b"\0"):
                    break
                self._engine = zlib.decompressobj(wbits=31)
            else:
                rest = self._engine.unconsumed_tail or self._file.read(_PIECE)
            try:
                piece = self._engine.decompress(rest, size)
            except zlib.error as error:
                raise PullError(f"the layer's gzip is broken: {error}") from error
            if not rest and not piece:
                raise PullError("the layer's gzip breaks off")
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)


class _Hashed:
    """A stream that knows in the end whether it was the right one."""

    def __init__(self, file: IO[bytes], expected: str) -> None:
        algorithm, _, self._expected = expected.partition(":")
        self._file = file
        self._hash = hashlib.new(algorithm)

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._hash.update(data)
        return data

    def check(self) -> None:
        """Read what the tar left over, and compare. PullError."""
        while self.read(_PIECE):
            continue
        found = self._hash.hexdigest()
        if found != self._expected:
            raise PullError(f"the layer unpacks to {self._hash.name}:{found}, and the image says "
                            f"{self._hash.name}:{self._expected}")  # fmt: skip
