"""An acknowledged write survives kill -9."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from sampan.store.objects import Store

WRITER = """
import asyncio, sys
from pathlib import Path
from sampan.kube.keys import Key
from sampan.store.objects import Store
from sampan.store.records import Index

async def main():
    store = Store(Path(sys.argv[1]))
    async def one(lane):
        for number in range(1_000_000):
            name = f"{sys.argv[2]}-{lane}-{number}"
            build = lambda rv: (b"x" * 500, Index())
            key = Key("Event" if lane == 0 else "Pod", "a", name)
            await store.write("ADDED", key, build, expect=0, durable=lane > 0)
            print(name, flush=True)
    await asyncio.gather(*[one(lane) for lane in range(4)])

asyncio.run(main())
"""


def write_until_killed(path: Path, round_: int) -> set[str]:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(round_)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        acknowledged = {child.stdout.readline().strip() for _ in range(200)}
        child.kill()
        rest = child.stdout.read()
        acknowledged |= set(rest.splitlines()[:-1])
    return acknowledged


@pytest.mark.slow
def test_no_acknowledged_write_is_lost_under_kills(path: Path) -> None:
    acknowledged: set[str] = set()
    for round_ in range(3):
        acknowledged |= write_until_killed(path, round_)

        async def found() -> tuple[set[str], int, list[int]]:
            store = Store(path)
            names = {r.key.name for kind in ("Pod", "Event") for r in store.records(kind)}
            revisions = [event.record.revision for event in store.history.since(0)]
            count = len(names)
            await store.close()
            return names, count, revisions

        names, count, revisions = asyncio.run(found())
        assert acknowledged <= names
        assert revisions == sorted(set(revisions))
        assert len(revisions) == count
