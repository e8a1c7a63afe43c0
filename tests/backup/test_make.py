"""What a backup holds: the store, and all databases of the home beside it."""

import asyncio
import sqlite3

from sampan.backup.archive import unpack
from sampan.backup.make import make
from sampan.config import Home
from sampan.lib.clock import SystemClock
from sampan.store.objects import Store


def rows(path, value=None):
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE IF NOT EXISTS rows (value TEXT)")
        if value is not None:
            database.execute("INSERT INTO rows VALUES (?)", [value])
        found = [row[0] for row in database.execute("SELECT value FROM rows")]
    database.close()
    return found


async def store(path):
    await Store(path).close()


def test_each_database_is_kept(tmp_path):
    home = Home(tmp_path / "home")
    home.make()
    home.store.mkdir()
    asyncio.run(store(home.store / "objects.db"))
    home.records.mkdir()
    names = ("workflows.db", "pipelines.db", "katib.db")
    for name in names:
        rows(home.records / name, name)
    target, place = tmp_path / "backup.tar", tmp_path / "place"
    assert make(home, target, SystemClock(), fetch=None, volumes=False) == []
    place.mkdir()
    listed = [each["path"] for each in unpack(target, place)["files"]]
    assert {f"records/{name}" for name in names} < set(listed)
    assert not [path for path in listed if path.endswith(("-wal", "-shm"))]
    for name in names:
        assert rows(place / "records" / name) == [name]
