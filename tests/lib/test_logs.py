"""Log lines: their forms, what is never in them, files that turn over."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest

from sampan.kube.keys import Key
from sampan.lib.logs import Handler, Json, Lines, Text

TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9.c2lnbmF0dXJlLW9mLWl0"


def record(message: str, *args: Any, error: bool = False) -> logging.LogRecord:
    info = None
    if error:
        try:
            raise ValueError(f"no good: {TOKEN}")
        except ValueError:
            info = sys.exc_info()
    return logging.LogRecord("sampan.engine.loop", logging.WARNING, "", 0, message, args, info)


def test_json_is_one_line_with_what_it_is_about() -> None:
    line = Json().format(record("%s: lost\nfor ever", Key("Pod", "team", "p"), error=True))
    assert "\n" not in line
    found = json.loads(line)
    assert found["level"] == "warning"
    assert found["component"] == "engine.loop"
    assert found["object"] == {"kind": "Pod", "namespace": "team", "name": "p"}
    assert "ValueError: no good" in found["error"]


def test_text() -> None:
    line = Text().format(record("%s of %s", 1, 2))
    assert line.endswith("Z WARNING engine.loop 1 of 2")


@pytest.mark.parametrize("form", [Text(), Json()], ids=["text", "json"])
def test_no_token_gets_through(form: logging.Formatter) -> None:
    line = form.format(record("Bearer %s", TOKEN, error=True))
    assert "c2lnbmF0dXJl" not in line
    assert line.count("[token]") == 2


def test_files_turn_over(tmp_path: Path) -> None:
    lines = Lines(tmp_path / "log", most=100)
    for number in range(100):
        lines.write(f"line {number}")
    lines.close()
    files = sorted(tmp_path.iterdir())
    assert [path.name for path in files] == ["log", "log.1", "log.2"]
    assert all(path.stat().st_size <= 110 for path in files)
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in files)


def test_a_full_disk_and_a_bad_message_cost_a_line_only(tmp_path: Path) -> None:
    Path("/dev/full").exists() or pytest.skip("no /dev/full")
    handler = Handler(Lines(Path("/dev/full"), most=1 << 60))
    handler.setFormatter(Text())
    handler.emit(record("lost"))
    lines = Lines(tmp_path / "log")
    handler = Handler(lines)
    handler.setFormatter(Text())
    handler.emit(record("%s %s", 1))
    assert "could not be written" in (tmp_path / "log").read_text()
