"""Volumes that are places on this machine: emptyDir, hostPath, persistentVolumeClaim.

Each answers with a directory (or file) of the host. Directories of claims are made on demand and
open to every uid, as those of a local provisioner are.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sampan.kube import names
from sampan.kube.keys import Key, Manifest
from sampan.nodes.facts import PodFacts
from sampan.nodes.volumes.files import VolumeError

_TYPES = {
    "Directory": stat.S_ISDIR, "DirectoryOrCreate": stat.S_ISDIR, "File": stat.S_ISREG,
    "FileOrCreate": stat.S_ISREG, "Socket": stat.S_ISSOCK, "CharDevice": stat.S_ISCHR,
    "BlockDevice": stat.S_ISBLK,
}  # fmt: skip


def empty(directory: Path) -> str:
    if not directory.exists():
        directory.mkdir(parents=True)
        directory.chmod(0o777)
    return str(directory)


def host_path(body: Mapping[str, Any], home: Path) -> str:
    """The path of a hostPath, made or checked as its type says. Sampan's own home is refused:
    it holds keys and the files of other pods."""
    path, kind = body["path"], body.get("type") or ""
    if _shows(path, home):
        raise VolumeError(f'hostPath "{path}" would show files of Sampan itself', final=True)
    try:
        if kind == "DirectoryOrCreate":
            os.makedirs(path, mode=0o755, exist_ok=True)
        elif kind == "FileOrCreate" and not os.path.lexists(path):
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
        mode = os.stat(path).st_mode
    except OSError as error:
        raise VolumeError(f"hostPath type check failed: {path}: {error.strerror}") from error
    if kind in _TYPES and not _TYPES[kind](mode):
        raise VolumeError(f"hostPath type check failed: {path} is not a {kind}")
    return str(os.path.realpath(path))


def _shows(path: str, home: Path) -> bool:
    """Whether the path is Sampan's home, lies in it or contains it."""
    real, ours = Path(os.path.realpath(path)), Path(os.path.realpath(home))
    return real == ours or real in ours.parents or ours in real.parents


def claim(
    facts: PodFacts, name: str, volume_of: Mapping[str, Any] | None, home: Path
) -> tuple[str, bool]:
    """(directory, read-only) of a bound claim. `volume_of` is its PersistentVolume, once known;
    the provisioner's own lie in `volumes` of Sampan's home."""
    claim_of = facts.find(names.PERSISTENT_VOLUME_CLAIM, name)
    if claim_of is None:
        raise VolumeError(f'persistentvolumeclaim "{name}" not found')
    if volume_of is None:
        raise VolumeError(f'persistentvolumeclaim "{name}" is not bound')
    path = _place(volume_of["spec"], volume_of["metadata"]["name"])
    provisioned = Path(os.path.realpath(home), "volumes") in Path(os.path.realpath(path)).parents
    if not provisioned and _shows(path, home):
        which = f'persistentvolume "{volume_of["metadata"]["name"]}"'
        raise VolumeError(f"{which} would show files of Sampan itself", final=True)
    if not os.path.isdir(path):
        os.makedirs(path, exist_ok=True)
        os.chmod(path, 0o777)
    modes = volume_of["spec"].get("accessModes") or ()
    return path, bool(modes) and set(modes) == {"ReadOnlyMany"}


def volume_key(claim_of: Manifest) -> Key | None:
    """The PersistentVolume that a claim is bound to, if it is."""
    name = claim_of["spec"].get("volumeName")
    if not name or (claim_of.get("status") or {}).get("phase") != "Bound":
        return None
    return Key(names.PERSISTENT_VOLUME, "", name)


def _place(spec: Mapping[str, Any], name: str) -> str:
    for source in ("hostPath", "local"):
        if source in spec:
            return str(spec[source]["path"])
    known = {"capacity", "accessModes", "claimRef", "persistentVolumeReclaimPolicy"}
    kinds = [key for key in spec if key not in known and isinstance(spec[key], dict)]
    raise VolumeError(
        f'persistentvolume "{name}": {", ".join(kinds) or "its source"} is not supported by '
        "this node",
        final=True,
    )
