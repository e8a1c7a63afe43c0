"""The form of the SQLite file, and how a file of an earlier form becomes one of today's.

`PRAGMA user_version` says which form a file has. Each step of `MIGRATIONS` leads from one to the
next, in a transaction of its own; before the first step the whole file is copied beside it
(`objects.db.v0.bak`), so that the way back is open. A file of a later form is not touched at all.
Forms: 0 is that of the first weeks, which nobody had numbered; 1 is the same with its number.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from sampan.store.records import StorageFailed

_log = logging.getLogger(__name__)

SCHEMA = """
create table if not exists obj(
    kind text, namespace text, name text, revision integer, meta blob, data blob,
    primary key (kind, namespace, name)) without rowid;
create table if not exists log(
    revision integer primary key, type integer, kind text, namespace text, name text,
    before blob, meta blob, data blob);
create table if not exists mark(name text primary key, value integer) without rowid;
create trigger if not exists put after insert on log when new.type <> 2 begin
    insert into obj values(new.kind, new.namespace, new.name, new.revision, new.meta, new.data)
    on conflict do update set revision=excluded.revision, meta=excluded.meta, data=excluded.data;
end;
create trigger if not exists remove after insert on log when new.type = 2 begin
    delete from obj where kind = new.kind and namespace = new.namespace and name = new.name;
end;
"""
Step = Sequence[str]
"""SQL statements that lead to the next form."""
MIGRATIONS: tuple[Step, ...] = ((),)
VERSION = len(MIGRATIONS)


def prepare(
    connection: sqlite3.Connection, path: Path, migrations: Sequence[Step] = MIGRATIONS
) -> None:
    """Bring the file to today's form. StorageFailed when that cannot be; then it is as it was."""
    newest = len(migrations)
    if not _tables(connection):
        connection.executescript(SCHEMA)
        connection.execute(f"pragma user_version={newest:d}")
        return
    found = version_of(connection)
    if found > newest:
        raise StorageFailed(
            f"{path} was written by a newer Sampan (format {found}, this one knows {newest}): "
            "run that one, or restore a backup"
        )
    if found == newest:
        return
    kept = path.with_name(f"{path.name}.v{found}.bak")
    copy(connection, kept)
    _log.info("%s has format %d: brought to %d, a copy is kept as %s", path, found, newest, kept)
    for number in range(found, newest):
        _migrate(connection, migrations[number], number + 1, kept)


def check(connection: sqlite3.Connection) -> None:
    """StorageFailed unless it is a sound file of a form that we know."""
    found = version_of(connection)
    if found > VERSION:
        raise StorageFailed(f"it has the format {found}, and this Sampan knows {VERSION}")
    [(verdict,)] = connection.execute("pragma quick_check(1)").fetchall()
    if verdict != "ok" or not _tables(connection):
        raise StorageFailed(f"it is damaged: {verdict}")


def version_of(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("pragma user_version").fetchone()[0]
    return version


def copy(connection: sqlite3.Connection, path: Path) -> None:
    """A copy of the file as it is now, readable by its owner alone, there only when whole."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        target = sqlite3.connect(draft)
        try:
            connection.backup(target)
            target.execute("pragma journal_mode=delete")  # one file, without a log beside it
        finally:
            target.close()
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _migrate(connection: sqlite3.Connection, step: Step, number: int, kept: Path) -> None:
    connection.execute("begin immediate")
    try:
        for statement in step:
            connection.execute(statement)
        connection.execute(f"pragma user_version={number:d}")
        connection.execute("commit")
    except sqlite3.Error as error:
        connection.execute("rollback")
        text = f"the step to format {number} failed: {error}; nothing was changed by it"
        raise StorageFailed(f"{text}, and a copy is kept as {kept}") from error


def _tables(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("select 1 from sqlite_master limit 1").fetchall())
