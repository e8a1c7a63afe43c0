"""Logs: what the supervisor writes and what a client reads."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sampan.kube.streams import LogOptions
from sampan.nodes import logs
from sampan.nodes.supervisor import logs as writing
from sampan.nodes.supervisor.logs import LogWriter


def read(directory: Path, tail: int | None = None, **options: Any) -> str:
    content = b"".join(path.read_bytes() for path in logs.generations(directory))
    form = logs.Form(LogOptions(container="c", **options))
    return form.take(logs.tail(content, tail)).decode()


def test_lines_carry_time_and_stream(tmp_path: Path) -> None:
    writer = LogWriter(str(tmp_path))
    writer.write("stdout", b"one\ntwo\n")
    writer.write("stderr", b"bad\n")
    rows = (tmp_path / "log").read_text().splitlines()
    assert [row.split(" ", 1)[1] for row in rows] == [
        "stdout F one", "stdout F two", "stderr F bad"
    ]  # fmt: skip
    datetime.strptime(rows[0][:26], "%Y-%m-%dT%H:%M:%S.%f")
    assert read(tmp_path) == "one\ntwo\nbad\n"


def test_a_line_comes_together_from_pieces(tmp_path: Path) -> None:
    writer = LogWriter(str(tmp_path))
    writer.write("stdout", b"he")
    writer.write("stderr", b"x\n")
    writer.write("stdout", b"llo\nrest")
    assert read(tmp_path) == "x\nhello\n"
    writer.close()
    assert read(tmp_path) == "x\nhello\nrest"


def test_a_long_line_is_cut_and_read_as_one(tmp_path: Path) -> None:
    writer = LogWriter(str(tmp_path))
    writer.write("stdout", b"a" * 40_000)
    writer.write("stdout", b"\nnext\n")
    assert read(tmp_path) == "a" * 40_000 + "\nnext\n"
    assert read(tmp_path, tail=2, timestamps=True).count("Z ") == 2
    assert read(tmp_path, tail=1) == "next\n"


def test_a_terminal_is_written_at_once(tmp_path: Path) -> None:
    writer = LogWriter(str(tmp_path), eager=True)
    writer.write("stdout", b"prompt> ")
    assert read(tmp_path) == "prompt> "


def test_a_full_log_turns_over(tmp_path: Path) -> None:
    writer = LogWriter(str(tmp_path), {"size": 1000, "files": 3})
    for number in range(200):
        writer.write("stdout", b"line %d\n" % number)
    files = logs.generations(tmp_path)
    assert [path.name for path in files] == ["log.2", "log.1", "log"]
    assert all(path.stat().st_size <= 1100 for path in files)
    lines = read(tmp_path).splitlines()
    assert lines == [f"line {n}" for n in range(200 - len(lines), 200)]
    assert logs.last_words(tmp_path, 2) == "line 198\nline 199\n"
    assert len(logs.last_words(tmp_path, 9999, 9999).splitlines()) == len(lines)


@given(st.lists(st.integers(0, 4), max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_reader_that_keeps_up_loses_nothing(tmp_path: Path, turns: list[int]) -> None:
    """The file may turn over between any two reads, as long as it has not been dropped."""
    directory = Path(tempfile.mkdtemp(dir=tmp_path))
    writer = LogWriter(str(directory), {"size": 100, "files": 4})
    form, written, seen = logs.Form(LogOptions(container="c")), 0, b""
    with logs.Cursor(directory) as cursor:
        for turn in [*turns, 0]:
            for _ in range(turn):
                writer.write("stdout", b"line %d\n" % written)
                written += 1
            if turn == 4:
                continue  # read only after the next round
            while data := cursor.read():
                seen += form.take(data)
    skipped = any(a == b == 4 for a, b in pairwise([*turns, 0]))
    if not skipped:
        assert seen == b"".join(b"line %d\n" % n for n in range(written))


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = LogWriter(str(tmp_path))
    writer.write("stdout", b"before\n")
    real = os.write
    with monkeypatch.context() as full:
        full.setattr(writing.os, "write", lambda fd, data: real(fd, data[: len(data) // 2]))
        writer.write("stdout", b"lost\n")
    writer.write("stdout", b"after\n")
    assert read(tmp_path) == "before\nafter\n"


def test_since(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(
        "2026-01-01T00:00:00.100000000Z stdout F old\n2026-01-01T00:00:02.000000000Z stdout F new\n"
    )
    assert read(tmp_path, since=datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)) == "new\n"


@pytest.mark.parametrize(
    ("count", "expected"), [(0, ""), (1, "c\n"), (2, "b\nc\n"), (9, "a\nb\nc\n")]
)
def test_tail(tmp_path: Path, count: int, expected: str) -> None:
    LogWriter(str(tmp_path)).write("stdout", b"a\nb\nc\n")
    assert read(tmp_path, tail=count) == expected


@given(
    pieces=st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\r", b"")), max_size=8),
    longest=st.integers(1, 40),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_was_written_is_read(
    tmp_path: Path, pieces: list[bytes], longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "LONGEST", longest)
    (tmp_path / "log").unlink(missing_ok=True)
    writer = LogWriter(str(tmp_path))
    for piece in pieces:
        writer.write("stdout", piece)
    writer.close()
    whole = b"".join(pieces)
    content = (tmp_path / "log").read_bytes() if (tmp_path / "log").exists() else b""
    assert logs.Form(LogOptions(container="c")).take(content) == whole
