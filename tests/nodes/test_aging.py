from __future__ import annotations

import time

from msgspec import Struct

from sampan.nodes import aging


class Kept(Struct, frozen=True):
    key: str
    used: float


def test_what_nobody_used_for_long_goes(tmp_path):
    now = time.time()
    found = [Kept("a/old", now - 100), Kept("a/busy", now - 100), Kept("b/new", now), Kept("x", 0)]
    for each in found[:3]:
        (tmp_path / "place" / each.key).mkdir(parents=True)
    gone = aging.prune(tmp_path / "place", found, {"a/busy"}, older=50, aside=tmp_path / "building")
    assert [each.key for each in gone] == ["a/old", "x"]
    assert not (tmp_path / "place/a/old").exists()
    assert (tmp_path / "place/a/busy").exists()
    assert (tmp_path / "place/b/new").exists()
    assert not list((tmp_path / "building").iterdir())
