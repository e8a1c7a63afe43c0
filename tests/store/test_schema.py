"""Forms of the SQLite file: earlier ones are brought to today's, later ones refused."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sampan.store import schema
from sampan.store.objects import Store
from sampan.store.records import StorageFailed


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return schema.version_of(connection)


def make(path: Path, names: list[str], writes: Any) -> None:
    async def run() -> None:
        store = Store(path)
        for name in names:
            await writes(store).put(name)
        await store.close()

    asyncio.run(run())


def stored(path: Path) -> list[str]:
    async def run() -> list[str]:
        store = Store(path)
        try:
            return [record.key.name for record in store.page("ConfigMap")]
        finally:
            await store.close()

    return asyncio.run(run())


def test_a_file_of_the_first_weeks_is_migrated(path: Path, writes: Any) -> None:
    """What the first weeks wrote: the tables of today, and no number."""
    make(path, ["a", "b"], writes)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma user_version=0")
    assert stored(path) == ["a", "b"]
    assert version(path) == schema.VERSION == 1
    kept = path.with_name("objects.db.v0.bak")
    assert (version(kept), kept.stat().st_mode & 0o777) == (0, 0o600)
    with closing(sqlite3.connect(kept)) as connection:
        assert connection.execute("select count(*) from obj").fetchone() == (2,)


def test_steps_are_taken_in_order_from_where_the_file_is(path: Path) -> None:
    steps: tuple[schema.Step, ...] = (
        ("create table one(x)",),
        ("insert into one values(1)", "alter table one add column y"),
        ("update one set y=2",),
    )
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("create table old(x)")
        schema.prepare(connection, path, steps[:1])
        schema.prepare(connection, path, steps)
        assert connection.execute("select x, y from one").fetchall() == [(1, 2)]
        assert schema.version_of(connection) == 3
    assert {each.name for each in path.parent.glob("*.bak")} == {
        "objects.db.v0.bak",
        "objects.db.v1.bak",
    }


def test_a_step_that_fails_changes_nothing(path: Path) -> None:
    steps: tuple[schema.Step, ...] = ((), ("create table one(x)", "insert into none values(1)"))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("create table old(x)")
        with pytest.raises(StorageFailed, match=r"format 2 failed.*v0\.bak"):
            schema.prepare(connection, path, steps)
        assert schema.version_of(connection) == 1
        assert connection.execute("select name from sqlite_master").fetchall() == [("old",)]


def test_a_file_of_a_newer_form_is_not_touched(path: Path, writes: Any) -> None:
    make(path, ["a"], writes)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma user_version=99")
    before = path.read_bytes()
    with pytest.raises(StorageFailed, match=r"newer Sampan \(format 99"):
        stored(path)
    assert path.read_bytes() == before
    assert not list(path.parent.glob("*.bak"))


def test_a_copy_has_everything_that_was_acknowledged(path: Path, writes: Any) -> None:
    """While others write, and in the middle of a burst."""
    copied = path.with_name("copy.db")

    async def run() -> None:
        store = Store(path)
        write = writes(store)
        acknowledged = [(await write.put(f"n-{number}")).key.name for number in range(20)]
        burst = [write.put(f"m-{number}") for number in range(500)]
        await store.copy(copied)
        more = write.put("later")
        await asyncio.gather(*burst, more)
        await store.close()
        assert set(acknowledged) <= set(stored_names(copied))

    asyncio.run(run())
    assert copied.stat().st_mode & 0o777 == 0o600


def stored_names(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [name for (name,) in connection.execute("select name from obj")]


def test_a_copy_that_cannot_be_made_says_so_and_harms_nothing(path: Path, writes: Any) -> None:
    async def run() -> None:
        store = Store(path)
        with pytest.raises(StorageFailed, match="cannot copy"):
            await store.copy(path.parent / "none" / "copy.db")
        await writes(store).put("a")
        await store.close()

    asyncio.run(run())
