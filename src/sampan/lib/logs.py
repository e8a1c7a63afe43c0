"""Logs: one line for each event, as text or as JSON, in files that do not grow without end.

A line has a time, a level, the component that speaks, and the object that it is about, if one of
the arguments is the key of one (anything with `kind`, `namespace` and `name`). What looks like a
signed token is blotted out, whoever wrote it. A disk that is full costs lines and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

MOST = 10 << 20  # bytes of one file
FILES = 3  # with the one that is written to

Form = Literal["text", "json"]
_TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]+")


class Text(logging.Formatter):
    """`2026-01-01T00:00:00.000Z WARNING engine.loop message`, a traceback below it."""

    def format(self, record: logging.LogRecord) -> str:
        said = f"{_time(record)} {record.levelname} {component(record)} {record.getMessage()}"
        if record.exc_info:
            said += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
        return blot(said)


class Json(logging.Formatter):
    """One object in one line, whatever is in it."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "component": component(record),
            "message": record.getMessage(),
        }
        if about := _object(record):
            fields["object"] = about
        if record.exc_info:
            fields["error"] = "".join(traceback.format_exception(*record.exc_info)).rstrip()
        return blot(json.dumps(fields, ensure_ascii=False))


class Lines:
    """Appends lines to a file, which is set aside as `.1`, `.2` when it has grown. With `standard`
    the file also is this process's standard output and error, and stays so."""

    def __init__(self, path: Path, *, most: int = MOST, standard: bool = False) -> None:
        self._path = path
        self._most = most
        self._standard = standard
        self._fd = self._open()

    def write(self, line: str) -> None:
        with contextlib.suppress(OSError):
            os.write(self._fd, (line + "\n").encode(errors="backslashreplace"))
            if os.fstat(self._fd).st_size >= self._most:
                self._turn_over()

    def close(self) -> None:
        os.close(self._fd)

    def _open(self) -> int:
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if self._standard:
            os.dup2(fd, 1)
            os.dup2(fd, 2)
        return fd

    def _turn_over(self) -> None:
        for number in range(FILES - 1, 0, -1):
            newer = f"{self._path}.{number - 1}" if number > 1 else self._path
            with contextlib.suppress(FileNotFoundError):
                os.replace(newer, f"{self._path}.{number}")
        before, self._fd = self._fd, self._open()
        os.close(before)


class Handler(logging.Handler):
    """To `Lines`, or to standard error."""

    def __init__(self, lines: Lines | None) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as error:  # arguments that do not fit the message: a fault of ours
            line = f"a line of {record.name} could not be written: {error}"
        if self._lines is not None:
            self._lines.write(line)
            return
        with contextlib.suppress(OSError, ValueError):
            print(line, file=sys.stderr, flush=True)


def set_up(form: Form, level: str, path: Path | None) -> None:
    """Log to standard error, or to the file that becomes this process's standard output."""
    handler = Handler(Lines(path, standard=True) if path else None)
    handler.setFormatter(Json() if form == "json" else Text())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def component(record: logging.LogRecord) -> str:
    return record.name.removeprefix("sampan.")


def blot(text: str) -> str:
    """Without what lets one in."""
    return _TOKEN.sub("[token]", text) if "eyJ" in text else text


def _object(record: logging.LogRecord) -> dict[str, str]:
    arguments = record.args if isinstance(record.args, tuple) else ()
    for each in arguments:
        if all(hasattr(each, field) for field in ("kind", "namespace", "name")):
            found: Any = each
            return {"kind": found.kind, "namespace": found.namespace, "name": found.name}
    return {}


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
