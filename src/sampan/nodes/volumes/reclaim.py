"""What becomes of the directory of a local volume: it goes when its PersistentVolume does.

Only directories directly below the volumes' root are touched, and only those that carry the name
of a volume which our own provisioner made. What was left over while nothing ran goes at the next
start.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from sampan.engine.cluster import Change
from sampan.kube import names
from sampan.kube.keys import Manifest

PREFIX = "pvc-"


class Reclaimer:
    """`remove` takes directories away, in its own time."""

    def __init__(self, root: Path, remove: Callable[[Path], None]) -> None:
        self._root = root
        self._remove = remove

    def changed(self, change: Change) -> None:
        directory = self._directory(change.manifest)
        if change.type == "DELETED" and directory is not None:
            self._remove(directory)

    def sweep(self, volumes: Iterable[Manifest]) -> None:
        """Remove the directories that belong to none of these volumes."""
        kept = {self._directory(volume) for volume in volumes}
        try:
            found = [entry for entry in os.scandir(self._root) if entry.name.startswith(PREFIX)]
        except FileNotFoundError:
            return
        for entry in found:
            if Path(entry.path) not in kept and entry.is_dir(follow_symlinks=False):
                self._remove(Path(entry.path))

    def _directory(self, volume: Manifest) -> Path | None:
        """The volume's directory, when it is ours to remove."""
        meta = volume["metadata"]
        by = (meta.get("annotations") or {}).get(names.ANNOTATION_PROVISIONED_BY)
        path = (volume["spec"].get("hostPath") or {}).get("path", "")
        ours = by == names.LOCAL_PROVISIONER and meta["name"].startswith(PREFIX)
        directory = self._root / meta["name"]
        return directory if ours and path == str(directory) else None
