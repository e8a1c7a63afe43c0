from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.nodes.collector import tail
from sampan.nodes.collector.tail import Tail


def follow(path: Path) -> Tail:
    return Tail(lambda: path.open("rb"))


def test_whole_lines_are_read_as_they_come(tmp_path: Path) -> None:
    path = tmp_path / "log"
    found = follow(path)
    with pytest.raises(FileNotFoundError):
        found.read()
    path.write_bytes(b"one\ntw")
    assert found.read() == b"one\n"
    assert found.read() == b""
    with path.open("ab") as file:
        file.write(b"o\nend")
    assert found.read() == b"two\n"
    assert found.read(ended=True) == b"end\n"
    assert found.read(ended=True) == b""
    assert found.offset == path.stat().st_size


def test_a_file_that_begins_anew_is_another_one(tmp_path: Path) -> None:
    path = tmp_path / "log"
    found = follow(path)
    path.write_bytes(b"one\ntwo\n")
    found.read()
    path.write_bytes(b"new\n")
    assert (found.read(), found.generation) == (b"new\n", 1)
    path.write_bytes(b"neu\n")
    assert (found.read(), found.generation) == (b"neu\n", 2)
    assert found.read() == b""
    other = tmp_path / "other"
    other.write_bytes(b"another and longer\n")
    other.replace(path)
    assert (found.read(), found.generation) == (b"another and longer\n", 3)


def test_a_line_that_is_none_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * (tail.LONGEST * 3))
    found = follow(path)
    pieces = []
    while piece := found.read(ended=True):
        pieces.append(piece)
    assert max(map(len, pieces)) <= tail.LONGEST + 1
    assert b"".join(pieces).replace(b"\n", b"") == path.read_bytes()


def test_what_nobody_has_written_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\n")
    os.truncate(path, 1 << 40)
    with path.open("ab") as file:
        file.write(b"two\n")
    os.truncate(path, 1 << 41)
    found, pieces = follow(path), []
    while piece := found.read(ended=True):
        pieces.append(piece)
    assert b"".join(pieces).replace(b"\0", b"").split() == [b"one", b"two"]
    assert sum(map(len, pieces)) < tail.LONGEST * 4


@given(st.lists(st.binary(max_size=8), max_size=20))
def test_nothing_is_lost_however_it_is_written(
    tmp_path_factory: object, pieces: list[bytes]
) -> None:
    path = Path(tmp_path_factory.mktemp("t")) / "log"  # type: ignore[attr-defined]
    path.touch()
    found, read = follow(path), b""
    for piece in pieces:
        with path.open("ab") as file:
            file.write(piece)
        read += found.read()
    while more := found.read(ended=True):
        read += more
    whole = path.read_bytes()
    assert read == whole + (b"\n" if whole and not whole.endswith(b"\n") else b"")
