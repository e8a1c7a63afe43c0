"""The `images` table of config.yaml as the text that people write: rows are added, nothing moves.

A new row goes to the top of the table, where it wins over patterns that would fit as well. The
file is read again before it is written, so what comes out is known to be a config.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from sampan.config import Image, load
from sampan.kube.errors import UserMistake

_HEAD = re.compile(r"^images:[ \t]*(\[[ \t]*\])?[ \t]*(#.*)?$")
_ROW = re.compile(r"^(\s*)- ")


def row(pattern: str, environment: str) -> dict[str, Any]:
    """A row from the words of a command line: `oci`, `oci=NAME`, `host`, `python=PREFIX` or
    `rootfs=DIRECTORY`. UserMistake otherwise."""
    kind, equals, value = environment.partition("=")
    if kind == "host" and not equals:
        return {"match": pattern, "host": True}
    if kind == "oci":
        return {"match": pattern, "oci": value or True}
    if kind in ("python", "rootfs") and value:
        return {"match": pattern, kind: os.path.abspath(os.path.expanduser(value))}
    raise UserMistake(
        f"{environment!r} is none of oci, oci=NAME, host, python=PREFIX, rootfs=DIRECTORY"
    )


def add(path: Path, new: dict[str, Any]) -> None:
    """Put a row on top of the table of this config file. UserMistake when that cannot be done
    without touching what somebody has written."""
    load(path)  # what is wrong already is said first
    text = path.read_text() if path.exists() else ""
    draft = path.with_name(path.name + ".new")
    draft.write_text(inserted(text, new))
    try:
        if not _has_first(draft, new):
            raise UserMistake(f'the table "images" in {path} is written in a way of its own: add '
                              f"{_flow(new)} by hand")  # fmt: skip
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def inserted(text: str, new: dict[str, Any]) -> str:
    """The text of a config with one more row. Pure."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        head = _HEAD.match(line)
        if head is None:
            continue
        if head[1]:
            lines[number] = "images:" + (f"  {head[2]}" if head[2] else "")
        following = (_ROW.match(each) for each in lines[number + 1 :])
        indent = next((match[1] for match in following if match), "")
        lines.insert(number + 1, f"{indent}- {_flow(new)}")
        return "\n".join(lines) + "\n"
    if any(line.startswith("images:") for line in lines):
        raise UserMistake(f'the table "images" is written in one line: add {_flow(new)} by hand')
    return "\n".join([*lines, "images:", f"- {_flow(new)}"]) + "\n"


def _has_first(path: Path, new: dict[str, Any]) -> bool:
    try:
        return load(path).images[:1] == (Image(**new),)
    except UserMistake:
        return False


def _flow(new: dict[str, Any]) -> str:
    """As YAML on one line, whose words may be JSON's."""
    words = (f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in new.items())
    return f"{{{', '.join(words)}}}"
