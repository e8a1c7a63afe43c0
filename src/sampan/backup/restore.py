"""Making a home from a backup.

The file is taken apart and checked beside the home before anything of it is used. What was in the
home is moved aside, never deleted, but for the files of pods, which are ended first.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from sampan.backup.archive import PARTS, STORE, unpack
from sampan.config import Home
from sampan.kube import names
from sampan.kube.errors import UserMistake
from sampan.nodes.supervisor.client import Gone, shut_down
from sampan.store import schema
from sampan.store.records import StorageFailed
from sampan.store.relocate import relocate


def restore(home: Home, source: Path, *, force: bool) -> tuple[dict[str, Any], Path | None]:
    """(the backup's manifest, where the former contents of the home are now). Nothing may run in
    the home; with something in it, only by `force`. UserMistake leaves the home as it was."""
    if not source.is_file():
        raise UserMistake(f"there is no file {source}")
    if (home.store / "objects.db").exists() and not force:
        raise UserMistake(f"{home.path} is in use: name another --home, or say --force")
    home.make()
    with tempfile.TemporaryDirectory(dir=home.path, prefix="restore.") as place:
        manifest = unpack(source, Path(place))
        _check(manifest)
        former = f"{manifest.get('home') or home.path}/volumes"
        try:
            relocate(Path(place, STORE), names.PLACED, former, str(home.volumes))
        except StorageFailed as error:
            raise UserMistake(f"the store in it cannot be used: {error}") from error
        _end_pods(home)
        aside = _move_aside(home)
        for path in sorted(Path(place).iterdir()):
            path.rename(home.path / path.name)
    return manifest, aside


def _check(manifest: dict[str, Any]) -> None:
    form = manifest.get("store")
    if not isinstance(form, int) or form > schema.VERSION:
        raise UserMistake(
            f"its store has the format {form}, and this Sampan knows {schema.VERSION}: restore it "
            "with the version that wrote it, or a newer one"
        )


def _end_pods(home: Home) -> None:
    """A control plane that was killed has left its pods running: they belong to the old state."""
    try:
        shut_down(home.node)
    except Gone as error:
        raise UserMistake(f"pods that still run could not be ended: {error}") from error


def _move_aside(home: Home) -> Path | None:
    shutil.rmtree(home.node, ignore_errors=True)
    found = [home.path / name for name in (*PARTS, "kubeconfig")]
    found = [path for path in found if path.exists()]
    if not found:
        return None
    aside = Path(tempfile.mkdtemp(dir=home.path, prefix="before-restore."))
    for path in found:
        path.rename(aside / path.name)
    return aside
