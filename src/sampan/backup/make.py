"""Writing a backup: the store, the keys, the settings, and volumes if they are wanted.

The result appears in one step and only when it is whole. Its owner alone can read it: who has it
has every secret in it.
"""

from __future__ import annotations

import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from sampan import __version__
from sampan.backup.archive import RECORDS, STORE, Writer
from sampan.config import Home
from sampan.kube.errors import UserMistake
from sampan.kube.times import rfc3339
from sampan.lib.clock import Clock
from sampan.store import schema

Fetch = Callable[[Path], None]


def make(
    home: Home, target: Path, clock: Clock, *, fetch: Fetch | None, volumes: bool
) -> list[str]:
    """Write the backup; answers with the paths that were left out, as they are no files. `fetch`
    writes a copy of the store of the program that runs; None when none runs."""
    if not (home.store / "objects.db").exists():
        raise UserMistake(f"there is nothing to keep in {home.path}")
    with tempfile.TemporaryDirectory(dir=home.path, prefix="backup.") as place:
        store = Path(place, "objects.db")
        (fetch or (lambda path: _copy(home.store / "objects.db", path)))(store)
        parts = {STORE: store}
        for records in sorted(home.records.glob("*.db")):
            parts[f"{RECORDS}/{records.name}"] = copied = Path(place, records.name)
            _copy(records, copied)  # SQLite lets several processes read
        draft = target.with_name(f".{target.name}.new")
        try:
            skipped = _write(home, parts, draft, clock, volumes=volumes)
            draft.replace(target)
        except OSError as error:
            raise UserMistake(f"{target} cannot be written: {error.strerror}") from error
        finally:
            draft.unlink(missing_ok=True)
    return skipped


def _copy(source: Path, path: Path) -> None:
    """What a crash has left in the log beside the file belongs to it."""
    try:
        connection = sqlite3.connect(source)
        try:
            schema.copy(connection, path)
        finally:
            connection.close()
    except (sqlite3.Error, OSError) as error:
        raise UserMistake(f"{source} cannot be copied: {error}") from error


def _write(
    home: Home, parts: Mapping[str, Path], draft: Path, clock: Clock, *, volumes: bool
) -> list[str]:
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        compressed = draft.name.endswith((".gz.new", ".tgz.new"))
        with tarfile.open(fileobj=file, mode="w:gz" if compressed else "w") as tar:
            writer = Writer(tar)
            for name, path in parts.items():
                writer.add_tree(path, name)
            writer.add_tree(home.keys, "keys")
            writer.add_tree(home.config, "config.yaml")
            if volumes:
                writer.add_tree(home.volumes, "volumes")
                writer.add_tree(home.artifacts, "artifacts")
            made = rfc3339(clock.now())
            facts = {"sampan": __version__, "made": made, "home": str(home.path)}
            writer.finish({**facts, "store": schema.VERSION})
        file.flush()
        os.fsync(file.fileno())
    return writer.skipped
