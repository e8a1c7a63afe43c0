"""Images as files: what `docker save`, `skopeo copy oci-archive:` and `ctr images export` write.

An OCI layout (oci-layout, index.json, blobs/) is read as it is; a docker-archive (manifest.json
with loose layers) gets a manifest of its own. Written is a layout that has both tables of contents,
so that docker, podman, containerd and Sampan read it, with the blobs as they came: digests stay.
Archives are hostile: members are read by name, never unpacked, and every blob is checked.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec
from msgspec import Struct

from sampan.nodes.images.oci import manifest
from sampan.nodes.images.oci.errors import PullError
from sampan.nodes.images.oci.manifest import Descriptor, Manifest
from sampan.nodes.images.oci.pull import unpack_layer
from sampan.nodes.images.oci.store import Part, Record, Store
from sampan.nodes.images.reference import Reference, parse

_NAME = "io.containerd.image.name"
_TAG = "org.opencontainers.image.ref.name"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_MOST_IMAGES = 1000


class _Entry(Struct, frozen=True):
    """Of a docker-archive's manifest.json."""

    Config: str
    Layers: list[str]
    RepoTags: list[str] | None = None


class _Named(Struct, frozen=True, rename="camel"):
    """Of an index.json."""

    digest: str
    size: int
    media_type: str = ""
    annotations: dict[str, str] = {}


class _Layout(Struct, frozen=True):
    manifests: list[_Named]


def load(store: Store, path: Path, name: str = "", *, owners: bool = False) -> list[Record]:
    """Enter all images of a file under the names that they have in it, or the only one under
    `name`. PullError when it is no such file, or when a name is missing."""
    try:
        with tarfile.open(path) as archive, store.adding():
            found = _Archive(store, archive)
            given = found.layout() or found.docker()
            if not given:
                raise PullError(f"{path} has no images in it")
            if name and len(given) > 1:
                raise PullError(f"{path} has {len(given)} images: one name does not fit")
            entered = []
            for record, own in given:
                names = [name] if name else own
                if not names:
                    raise PullError(f"{path} does not say what its image is called: give a name")
                for each in names:
                    reference = _reference(each)
                    _unpack(store, record, owners=owners)
                    entered.append(store.add(record, str(reference)))
    except (tarfile.TarError, EOFError, msgspec.MsgspecError) as error:
        why = str(error).partition("\n")[0]
        raise PullError(f"{path} is no archive of images: {why}") from error
    except OSError as error:
        raise PullError(f"{path}: {error.strerror or error}") from error
    return entered


def save(store: Store, images: Sequence[tuple[Record, Reference]], file: IO[bytes]) -> None:
    """Write images to a file. PullError when a blob of one is missing here."""
    listed, entries = [], []
    with store.adding(), tarfile.open(fileobj=file, mode="w") as out:
        _text(out, "oci-layout", {"imageLayoutVersion": "1.0.0"})
        written: set[str] = set()
        for record, reference in images:
            blobs = [record.digest, record.manifest, record.config]
            blobs += [part.blob for part in record.layers]
            _blobs(store, out, (blob for blob in blobs if blob not in written))
            written.update(blobs)
            descriptor = _descriptor(store, record.digest)
            listed.append(
                {**descriptor, "annotations": {_NAME: str(reference), _TAG: reference.tag}}
            )
            entries.append({
                "Config": _place(record.config), "Layers": [_place(p.blob) for p in record.layers],
                "RepoTags": [f"{_familiar(reference)}:{reference.tag}"] if reference.tag else [],
            })  # fmt: skip
        whole = {"schemaVersion": 2, "mediaType": manifest.INDEX, "manifests": listed}
        _text(out, "index.json", whole)
        _text(out, "manifest.json", entries)


class _Archive:
    def __init__(self, store: Store, archive: tarfile.TarFile) -> None:
        self._store = store
        self._archive = archive
        self._members = {member.name.removeprefix("./"): member for member in archive}

    def layout(self) -> list[tuple[Record, list[str]]]:
        """The images of an OCI layout; [] when it is none."""
        if "index.json" not in self._members or "oci-layout" not in self._members:
            return []
        listed = msgspec.json.decode(self._small("index.json"), type=_Layout).manifests
        names = self._tags()
        found = []
        for entry in listed[:_MOST_IMAGES]:
            record = self._image(entry.digest)
            own = [entry.annotations[_NAME]] if _NAME in entry.annotations else []
            own = own or names.get(record.config, [])
            found.append((record, own))
        return found

    def docker(self) -> list[tuple[Record, list[str]]]:
        """The images of a docker-archive; [] when it is none."""
        if "manifest.json" not in self._members:
            return []
        entries = msgspec.json.decode(self._small("manifest.json"), type=list[_Entry])
        return [(self._loose(entry), entry.RepoTags or []) for entry in entries[:_MOST_IMAGES]]

    def _tags(self) -> dict[str, list[str]]:
        """The names that `docker save` gives in its own table, by the digest of the config."""
        if "manifest.json" not in self._members:
            return {}
        entries = msgspec.json.decode(self._small("manifest.json"), type=list[_Entry])
        return {
            "sha256:" + entry.Config.rpartition("/")[2].removesuffix(".json"): entry.RepoTags or []
            for entry in entries
        }

    def _image(self, digest: str) -> Record:
        machine = manifest.this_machine()
        image = digest
        found = manifest.read(self._known(digest))
        if found.manifests is not None:
            image = manifest.choose(found, machine).digest
            found = manifest.read(self._known(image))
        if found.config is None or found.layers is None:
            raise PullError("an index leads to another index")
        config = manifest.config(self._known(found.config.digest), found, machine)
        for layer in found.layers:
            self._copy(_place(layer.digest), layer.digest)
        return _record(digest, image, found, config)

    def _loose(self, entry: _Entry) -> Record:
        """Of files that are named anyhow: their digests are what they hash to."""
        machine = manifest.this_machine()
        text = self._small(entry.Config)
        config_digest = "sha256:" + hashlib.sha256(text).hexdigest()
        self._store.keep(config_digest, text)
        layers = []
        for name in entry.Layers:
            digest, size = self._copy(name)
            layers.append({"mediaType": _LAYER, "digest": digest, "size": size})
        whole = {
            "schemaVersion": 2, "mediaType": manifest.MANIFEST, "layers": layers,
            "config": {"mediaType": _CONFIG, "digest": config_digest, "size": len(text)},
        }  # fmt: skip
        data = json.dumps(whole).encode()
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self._store.keep(digest, data)
        found = manifest.read(data)
        return _record(digest, digest, found, manifest.config(text, found, machine))

    def _known(self, digest: str) -> bytes:
        """A small blob, checked and kept."""
        if not digest.startswith("sha256:"):
            raise PullError(f"{digest[:100]!r} is no digest that archives have")
        data = self._small(_place(digest))
        if "sha256:" + hashlib.sha256(data).hexdigest() != digest:
            raise PullError(f"the archive's {digest} is something else")
        self._store.keep(digest, data)
        return data

    def _small(self, name: str) -> bytes:
        member = self._member(name)
        if member.size > manifest.LARGEST:
            raise PullError(f"the archive's {name[:200]!r} has {member.size} bytes")
        with self._open(member) as file:
            return file.read()

    def _copy(self, name: str, expected: str = "") -> tuple[str, int]:
        """(digest, size) of a blob that is in the store then."""
        member = self._member(name)
        with self._open(member) as file:
            return self._store.put(file, expected), member.size

    def _open(self, member: tarfile.TarInfo) -> IO[bytes]:
        file = self._archive.extractfile(member)
        if file is None:
            raise PullError(f"the archive's {member.name[:200]!r} is no file")
        return file

    def _member(self, name: str) -> tarfile.TarInfo:
        found = self._members.get(name)
        if found is not None and found.issym():  # old archives have each layer once
            target = os.path.join(os.path.dirname(name), found.linkname)
            found = self._members.get(os.path.normpath(target))
        if found is None or not found.isfile():
            raise PullError(f"the archive has no file {name[:200]!r}")
        return found


def _record(digest: str, image: str, found: Manifest, config: manifest.Config) -> Record:
    layers: list[Descriptor] = found.layers or []
    parts = [
        Part(layer.digest, diff, layer.size, layer.media_type)
        for layer, diff in zip(layers, config.rootfs.diff_ids, strict=True)
    ]
    assert found.config is not None
    return Record(digest=digest, manifest=image, config=found.config.digest, layers=parts,
                  size=sum(part.size for part in parts))  # fmt: skip


def _unpack(store: Store, record: Record, *, owners: bool) -> None:
    """Now, so that what is wrong with a layer is said to the one who has brought it."""
    user = store.user(record).partition(":")[0]
    owned = owners and user in ("", "0", "root")
    for part in record.layers:
        unpack_layer(store, part, owned=owned)


def _reference(name: str) -> Reference:
    try:
        return parse(name)
    except ValueError as error:
        raise PullError(str(error)) from error


def _familiar(reference: Reference) -> str:
    """As docker writes names: without what is understood."""
    return reference.name.removeprefix("docker.io/").removeprefix("library/")


def _place(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def _descriptor(store: Store, digest: str) -> dict[str, Any]:
    data = store.blob(digest).read_bytes()
    kind = json.loads(data).get("mediaType") or manifest.MANIFEST
    return {"mediaType": kind, "digest": digest, "size": len(data)}


def _blobs(store: Store, out: tarfile.TarFile, digests: Iterable[str]) -> None:
    for digest in dict.fromkeys(digests):
        path = store.blob(digest)
        try:
            with path.open("rb") as file:
                info = tarfile.TarInfo(_place(digest))
                info.size = path.stat().st_size
                out.addfile(info, file)
        except FileNotFoundError as error:
            raise PullError(f"{digest} is not here any more: pull the image anew") from error


def _text(out: tarfile.TarFile, name: str, content: Any) -> None:
    data = json.dumps(content).encode()
    info = tarfile.TarInfo(name)
    info.size = len(data)
    out.addfile(info, io.BytesIO(data))
