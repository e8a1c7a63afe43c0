"""Logs: what the supervisor writes and what a client reads."""

from __future__ import annotations

from datetime import UTC, datetime
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
    content = b"".join(
        (directory / name).read_bytes() for name in ("log.1", "log") if (directory / name).exists()
    )
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
    assert read(tmp_path) == "x\nhello\nrest\n"


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


def test_a_full_log_turns_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "CAP", 1000)
    writer = LogWriter(str(tmp_path))
    for number in range(100):
        writer.write("stdout", b"line %d\n" % number)
    lines = read(tmp_path).splitlines()
    assert lines[-1] == "line 99"
    assert lines == [f"line {n}" for n in range(100 - len(lines), 100)]
    assert (tmp_path / "log.1").stat().st_size <= 1100


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
    expected = whole if not whole or whole.endswith(b"\n") else whole + b"\n"
    content = (tmp_path / "log").read_bytes() if (tmp_path / "log").exists() else b""
    assert logs.Form(LogOptions(container="c")).take(content) == expected
