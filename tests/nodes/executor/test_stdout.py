"""The result of a step is the end of its standard output."""

from __future__ import annotations

from pathlib import Path

import pytest

from sampan.nodes.executor import stdout
from sampan.nodes.supervisor.logs import LogWriter


@pytest.mark.parametrize(
    ("written", "result"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param("hello\n", "hello", id="one-newline-goes"),
        pytest.param("hello\n\n", "hello\n", id="only-one"),
        pytest.param("no end", "no end", id="no-newline"),
        pytest.param("x" * 50_000 + "\ny", "x" * 50_000 + "\ny", id="a-long-line"),
        pytest.param("a" * 300_000 + "\n", "a" * stdout.LONGEST, id="too-much"),
    ],
)
def test_results(tmp_path: Path, written: str, result: str) -> None:
    log = LogWriter(str(tmp_path))
    log.write("stdout", written.encode())
    log.write("stderr", b"an error\n")
    log.close()
    assert stdout.result(tmp_path) == result


def test_results_come_from_all_files_of_a_log(tmp_path: Path) -> None:
    log = LogWriter(str(tmp_path), {"size": 5_000, "files": 9})
    lines = [f"line {number}\n" for number in range(500)]
    for number, line in enumerate(lines):
        log.write("stderr" if number % 3 else "stdout", line.encode())
    log.close()
    assert (tmp_path / "log.3").exists()
    assert stdout.result(tmp_path) == "".join(lines[::3]).removesuffix("\n")


def test_bytes_that_are_no_text_are_marked(tmp_path: Path) -> None:
    log = LogWriter(str(tmp_path))
    log.write("stdout", b"\xff\xfe\n")
    log.close()
    assert stdout.result(tmp_path) == "\ufffd\ufffd"
