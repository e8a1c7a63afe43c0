"""Users of the ground."""

from __future__ import annotations

from sampan.nodes.network import mapping


def test_root_maps_everybody_to_himself() -> None:
    own = "         0       1000          1\n         1     100000      65536\n"
    assert mapping.identity(own) == [(0, 0, 1), (1, 1, 65536)]


def test_delegated_ranges_follow_root() -> None:
    table = "other:1:1\nann:100000:65536\n# ann:5:5\n1000:300000:10\nann:x:y\n"
    assert mapping.delegated(table, "ann", 1000) == [(1, 100000, 65536), (65537, 300000, 10)]
    assert mapping.text([(0, 1000, 1), (1, 100000, 65536)]) == "0 1000 1\n1 100000 65536"
