"""Making a home from a backup.

The file is taken apart and checked beside the home before anything of it is used. What was in the
home is moved aside, never deleted, but for the files of pods, which are ended first.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from sampan.backup.archive import PARTS, STORE, unpack
from sampan.config import Home
from sampan.kube import names
from sampan.kube.errors import UserMistake
from sampan.nodes.supervisor.client import Gone, shut_down
from sampan.store import schema
from sampan.store.records import StorageFailed

_PLACED = (names.PERSISTENT_VOLUME, names.STORAGE_CLASS)


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
        former = str(manifest.get("home") or home.path)
        _move_volumes(Path(place, STORE), f"{former}/volumes", str(home.volumes))
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


def _move_volumes(store: Path, former: str, present: str) -> None:
    """Persistent volumes name their directories by absolute paths: in another home these are
    others. UserMistake when the store is none."""
    try:
        with closing(sqlite3.connect(store, isolation_level=None)) as connection:
            schema.check(connection)
            if former == present:
                return
            connection.execute("begin")
            for table in ("obj", "log"):
                rows = connection.execute(
                    f"select revision, kind, data from {table} where kind in (?, ?)", _PLACED
                ).fetchall()
                for revision, kind, data in rows:
                    moved = _replaced(data, former, present)
                    connection.execute(
                        f"update {table} set data = ? where revision = ? and kind = ?",
                        (moved, revision, kind),
                    )
            connection.execute("commit")
    except (sqlite3.Error, StorageFailed) as error:
        raise UserMistake(f"the store in it cannot be read: {error}") from error


def _replaced(data: bytes, former: str, present: str) -> bytes:
    """A JSON text in which strings that are or begin with the one path begin with the other."""
    old, new = (json.dumps(path, ensure_ascii=False)[:-1].encode() for path in (former, present))
    for end in (b"/", b'"'):
        data = data.replace(old + end, new + end)
    return data


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
