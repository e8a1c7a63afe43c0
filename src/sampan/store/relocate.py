"""Paths inside stored objects, when the home that they lead into has moved."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sampan.store import schema
from sampan.store.records import StorageFailed


def relocate(store: Path, kinds: Sequence[str], former: str, present: str) -> None:
    """In objects of these kinds, and in their history, let each string that is the path `former`
    or lies below it lead to `present`. Nobody else may have the file open. StorageFailed when it
    is none of ours."""
    try:
        with closing(sqlite3.connect(store, isolation_level=None)) as connection:
            schema.check(connection)
            if former == present:
                return
            connection.execute("begin immediate")
            marks = ",".join("?" * len(kinds))
            for table in ("obj", "log"):
                rows = connection.execute(
                    f"select revision, kind, data from {table} where kind in ({marks})", kinds
                ).fetchall()
                for revision, kind, data in rows:
                    connection.execute(
                        f"update {table} set data = ? where revision = ? and kind = ?",
                        (_replaced(data, former, present), revision, kind),
                    )
            connection.execute("commit")
    except sqlite3.Error as error:
        raise StorageFailed(f"{store} cannot be read: {error}") from error


def _replaced(data: bytes, former: str, present: str) -> bytes:
    """The JSON text with one path for the other."""
    old, new = (json.dumps(path, ensure_ascii=False)[:-1].encode() for path in (former, present))
    for end in (b"/", b'"'):
        data = data.replace(old + end, new + end)
    return data
