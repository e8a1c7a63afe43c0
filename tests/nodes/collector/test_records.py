"""Files of events, written here by hand as TensorFlow and PyTorch write them."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.collector.writing import event, field, record, simple, tensor
from sampan.nodes.collector import records
from sampan.nodes.collector.events import Events
from sampan.nodes.collector.records import Damaged, Scalar
from sampan.nodes.executor.view import Place, View


def test_scalars_of_whole_records_are_read_as_they_come() -> None:
    one, two = record(event("a", simple(0.5))), record(event("b", simple(0.1)))
    text = record(field(3, b"brain.Event:2")) + one + two
    found, offset = records.read(io.BytesIO(text), 0, len(text) - 1)
    assert found == [Scalar(1700000000.5, "a", "0.5")]
    assert offset == len(text) - len(two)
    rest, end = records.read(io.BytesIO(text), offset, len(text))
    assert rest == [Scalar(1700000000.5, "b", "0.10000000149011612")]
    assert end == len(text)


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


def test_what_is_no_such_file_is_damaged() -> None:
    with pytest.raises(Damaged, match="checksum"):
        records.read(io.BytesIO(b"x" * 100), 0, 100)
    whole = record(event("a", simple(1)))
    found, offset = records.read(io.BytesIO(whole + b"x" * 100), 0, len(whole) + 100)
    assert (len(found), offset) == (1, len(whole))


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
