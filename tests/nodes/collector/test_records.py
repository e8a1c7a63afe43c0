"""Files of events, written here by hand as TensorFlow and PyTorch write them."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.collector.writing import event, field, record, simple, tensor
from sampan.nodes.collector import records
from sampan.nodes.collector.events import Events
from sampan.nodes.collector.records import Damaged, Piece, Scalar
from sampan.nodes.executor.view import Place, View


def test_scalars_of_whole_records_are_read_as_they_come() -> None:
    one, two = record(event("a", simple(0.5))), record(event("b", simple(0.1)))
    text = record(field(3, b"brain.Event:2")) + one + two
    assert records.read(io.BytesIO(text), 0, len(text) - 1) == Piece(
        [Scalar(1700000000.5, "a", "0.5")], len(text) - len(two)
    )
    assert records.read(io.BytesIO(text), len(text) - len(two), len(text)) == Piece(
        [Scalar(1700000000.5, "b", "0.10000000149011612")], len(text)
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (tensor(1, field(4, struct.pack("<f", 0.1))), "0.1"),
        (tensor(1, field(2, b""), field(5, struct.pack("<f", 1e-7))), "1e-07"),
        (tensor(1, field(5, struct.pack("<f", 16777216.0), 5)), "16777216.0"),
        (tensor(2, field(4, struct.pack("<d", 0.1))), "0.1"),
        (tensor(9, field(10, b"\x05", 0)), "5"),
        (tensor(3, field(7, b"\x96\x01")), "150"),
        (tensor(9, field(10, b"\xff" * 9 + b"\x01", 0)), "-1"),
        (tensor(1, field(2, field(2, field(1, b"\x02", 0))), field(4, bytes(8))), None),
        (tensor(7, field(8, b"text")), None),
        (field(4, b"an image"), None),
    ],
)
def test_tensors_of_one_element_are_scalars(value: bytes, text: str | None) -> None:
    assert [each.value for each in records.scalars(event("t", value))] == ([text] if text else [])


GOOD = record(event("a", simple(1)))
HUGE = struct.pack("<Q", 1 << 60)


@pytest.mark.parametrize(
    ("rest", "damage"),
    [
        pytest.param(b"x" * 100, "another checksum", id="no-record"),
        pytest.param(bytes(100), "another checksum", id="zeros"),
        pytest.param(GOOD[:-20], "", id="half-a-record"),
        pytest.param(GOOD[:-1] + b"x", "another checksum", id="bits-that-turned"),
        pytest.param(record(b"\x0f"), "a field of type 7", id="no-message"),
        pytest.param(
            record(field(5, field(1, b"\x0a\xff"))), "a number that does not end", id="no-length"
        ),
        pytest.param(HUGE + struct.pack("<I", records._masked(HUGE)), "", id="an-exabyte"),
    ],
)
def test_what_is_no_record_ends_the_file(rest: bytes, damage: str) -> None:
    text = GOOD + rest
    found = records.read(io.BytesIO(text), 0, len(text))
    assert (len(found.scalars), found.offset) == (1, len(GOOD))
    assert damage in found.damage
    assert bool(damage) == bool(found.damage)
    assert f"byte {len(GOOD)}" in found.damage or not damage


def test_large_records_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MOST", 30)
    text = record(field(3, b"x" * 50)) + record(event("", simple(1), 1.0))
    found = records.read(io.BytesIO(text), 0, len(text))
    assert (len(found.scalars), found.offset, found.damage) == (1, len(text), "")


@given(st.binary(max_size=200))
def test_nonsense_is_read_or_damaged(data: bytes) -> None:
    try:
        assert all(isinstance(each.value, str) for each in records.scalars(data))
    except Damaged:
        return


def test_metrics_may_name_their_directory(tmp_path: Path) -> None:
    for name, value in (("train", 1.0), ("test", 2.0)):
        (tmp_path / name).mkdir()
        file = tmp_path / name / "events.out.tfevents.1"
        file.write_bytes(record(event("accuracy_1", simple(value))))
    (tmp_path / "1.pid").write_text("completed")
    (tmp_path / "bad.tfevents").write_bytes(b"x" * 100)
    (tmp_path / "link.tfevents").symlink_to("/etc/passwd")
    view = View([Place("/logs", str(tmp_path))])
    found = Events(view, "/logs", ["train/accuracy", "accuracy", "loss"])
    logs = [(path, log.metric, log.value) for path, logs in found.read() for log in logs]
    assert logs == [
        ("test/events.out.tfevents.1", "accuracy", "2.0"),
        ("train/events.out.tfevents.1", "train/accuracy", "1.0"),
        ("train/events.out.tfevents.1", "accuracy", "1.0"),
    ]
    assert all(not logs for _, logs in found.read())
    assert not list(Events(view, "/nowhere", ["a"]).read())


def events(path: Path, *metrics: str) -> Events:
    return Events(View([Place("/logs", str(path))]), "/logs", metrics)


def told(found: Events) -> list[tuple[str, str]]:
    return [(log.metric, log.value) for _, logs in found.read() for log in logs]


def test_a_tag_may_have_a_slash(tmp_path: Path) -> None:
    (tmp_path / "a.tfevents").write_bytes(record(event("Loss/train", simple(1))))
    assert told(events(tmp_path, "Loss/train", "Loss/test")) == [("Loss/train", "1.0")]


def test_many_values_are_read_a_piece_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "MANY", 3)
    values = [record(event("loss", simple(each))) for each in range(8)]
    (tmp_path / "a.tfevents").write_bytes(b"".join(values))
    found = events(tmp_path, "loss")
    assert [len(logs) for _, logs in found.read()] == [3, 3, 2]
    assert told(found) == []


def test_why_there_is_no_objective_is_said(tmp_path: Path) -> None:
    file = tmp_path / "a.tfevents"
    assert events(tmp_path, "loss").missing().endswith("in none of 0 files of events in /logs")
    file.write_bytes(record(event("acc", simple(1))) + GOOD[:-1])
    found = events(tmp_path, "loss")
    told(found)
    at = len(record(event("acc", simple(1))))
    assert found.missing().endswith(
        "in none of 1 files of events in /logs, which have acc; "
        f"a.tfevents is not read to its end: its last record, at byte {at}, has no end"
    )
    file.write_bytes(b"x" * 100)
    found = events(tmp_path, "loss")
    assert told(found) == told(found) == []
    assert found.missing().endswith("the record at byte 0 has another checksum")


def test_directories_are_looked_at_within_bounds(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*"abcdefghijklmnopqrst")
    deep.mkdir(parents=True)
    (deep / "a.tfevents").write_bytes(GOOD)
    (tmp_path / "a" / "a.tfevents").write_bytes(GOOD)
    (tmp_path / "out").symlink_to(deep)
    os.mkfifo(tmp_path / "pipe.tfevents")
    assert told(events(tmp_path, "a")) == [("a", "1.0")]
