"""A store on a temporary file, and short ways to write to it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest

from sampan.kube.keys import Key
from sampan.store.objects import Store
from sampan.store.records import Index, Record


class Writes:
    """Puts and deletes small objects, as the API server would."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def put(
        self,
        name: str,
        *,
        kind: str = "ConfigMap",
        namespace: str = "a",
        expect: int | None = None,
        labels: dict[str, str] | None = None,
        owners: tuple[str, ...] = (),
        durable: bool = True,
        size: int = 0,
    ) -> asyncio.Future[Record]:
        key = Key(kind, namespace, name)
        newest = self.store.newest(key)
        return self.store.write(
            "MODIFIED" if newest else "ADDED",
            key,
            lambda rv: (
                orjson.dumps({"name": name, "rv": rv, "pad": "x" * size}),
                Index(uid=name, labels=labels or {}, owners=owners),
            ),
            expect=(newest.revision if newest else 0) if expect is None else expect,
            durable=durable,
        )

    def delete(
        self, name: str, *, kind: str = "ConfigMap", namespace: str = "a"
    ) -> asyncio.Future[Record]:
        key = Key(kind, namespace, name)
        newest = self.store.newest(key)
        assert newest is not None
        return self.store.write(
            "DELETED", key, lambda rv: (newest.data, newest.index), expect=newest.revision
        )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "objects.db"


@pytest.fixture
def writes() -> type[Writes]:
    return Writes
