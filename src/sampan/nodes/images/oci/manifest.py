"""What the JSON of an image says: which platform to take, which blobs it has, how it is run. Pure.

Everything comes from strangers: sizes are bounded, digests are checked before they become file
names, and what cannot be used is refused with the reason. OCI image-spec 1.1, Docker schema 2.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from sampan.nodes.images.oci.errors import NotThere, PullError
from sampan.nodes.images.reference import is_digest

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
ACCEPTED = (INDEX, MANIFEST, DOCKER_LIST, DOCKER_MANIFEST)
LARGEST = 4 << 20
"""Bytes of a manifest or a configuration; what registries allow as well."""
_MOST_LAYERS = 512
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


class Descriptor(Struct, frozen=True, rename="camel"):
    """Names a blob: what it is, what it must hash to, how long it must be."""

    digest: str
    size: int
    media_type: str = ""
    platform: Mapping[str, Any] | None = None


class Manifest(Struct, frozen=True, rename="camel"):
    """Either an index (`manifests`) or one image (`config`, `layers`)."""

    media_type: str = ""
    schema_version: int = 0
    manifests: list[Descriptor] | None = None
    config: Descriptor | None = None
    layers: list[Descriptor] | None = None


class Settings(Struct, frozen=True):
    """How the image is run, in upstream's words."""

    Entrypoint: list[str] | None = None
    Cmd: list[str] | None = None
    Env: list[str] | None = None
    WorkingDir: str = ""
    User: str = ""
    Volumes: Mapping[str, Any] | None = None
    StopSignal: str = ""


class RootFs(Struct, frozen=True):
    diff_ids: list[str]


class Config(Struct, frozen=True):
    rootfs: RootFs
    config: Settings | None = None
    architecture: str = ""
    os: str = "linux"


def read(data: bytes) -> Manifest:
    """PullError when it is nothing that this node can run."""
    try:
        found = msgspec.json.decode(data, type=Manifest)
    except msgspec.MsgspecError as error:
        raise PullError(f"the manifest cannot be read: {error}") from error
    if found.schema_version == 1:
        raise PullError("the image has a manifest of the old schema 1: push it anew")
    for each in (*(found.manifests or ()), *(found.layers or ()), found.config):
        if each is not None and (not is_digest(each.digest) or each.size < 0):
            raise PullError(f"the manifest names a blob by {each.digest[:100]!r}")
    if found.manifests is None and (found.config is None or found.layers is None):
        raise PullError("the manifest is neither an image nor an index")
    if len(found.layers or ()) > _MOST_LAYERS:
        raise PullError(f"the image has more than {_MOST_LAYERS} layers")
    return found


def choose(index: Manifest, machine: str) -> Descriptor:
    """The entry for Linux on this machine. NotThere when the index has none."""
    entries = index.manifests or []
    for entry in entries:
        wanted = entry.platform or {}
        if wanted.get("os") == "linux" and wanted.get("architecture") == machine:
            return entry
    known = sorted({_said(entry.platform) for entry in entries if entry.platform})
    raise NotThere(f"no image for linux/{machine} in the index, only {', '.join(known) or 'none'}")


def config(data: bytes, image: Manifest, machine: str) -> Config:
    """The configuration, checked against its manifest. PullError."""
    try:
        found = msgspec.json.decode(data, type=Config)
    except msgspec.MsgspecError as error:
        raise PullError(f"the image's configuration cannot be read: {error}") from error
    if len(found.rootfs.diff_ids) != len(image.layers or ()):
        raise PullError("the configuration and the manifest disagree about the layers")
    if not all(map(is_digest, found.rootfs.diff_ids)):
        raise PullError("the configuration names a layer by something that is no digest")
    if found.os != "linux" or found.architecture not in ("", machine):
        raise NotThere(
            f"the image is for {found.os}/{found.architecture}, this machine is linux/{machine}"
        )
    return found


def this_machine() -> str:
    """The architecture in the words of images."""
    return _MACHINES.get(platform.machine(), platform.machine())


def _said(wanted: Mapping[str, Any] | None) -> str:
    return f"{(wanted or {}).get('os')}/{(wanted or {}).get('architecture')}"
