"""Manifests from files: YAML or JSON, `-` for standard input, directories, Lists taken apart."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sampan.kube.errors import UserMistake
from sampan.lib import yaml

SUFFIXES = (".yaml", ".yml", ".json")


def manifests(names: Sequence[str]) -> list[dict[str, Any]]:
    """All objects in the files, in order. UserMistake names the file and what is wrong."""
    if not names:
        raise UserMistake("name a file with -f")
    return [manifest for name in names for manifest in _of(name)]


def _of(name: str) -> Iterator[dict[str, Any]]:
    if name.startswith(("http://", "https://")):
        raise UserMistake(f"{name}: download it first; Sampan fetches no manifests")
    if name == "-":
        yield from _parse("standard input", sys.stdin.read())
        return
    path = Path(name)
    if path.is_dir():
        for each in sorted(path.iterdir()):
            if each.suffix in SUFFIXES:
                yield from _parse(str(each), each.read_text())
        return
    try:
        yield from _parse(name, path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise UserMistake(f"{name}: {error}") from error


def _parse(name: str, text: str) -> Iterator[dict[str, Any]]:
    try:
        documents = yaml.load_all(text)
    except yaml.YamlError as error:
        raise UserMistake(f"{name}: {error}") from error
    for document in documents:
        if document is None:
            continue
        if not isinstance(document, dict):
            raise UserMistake(f"{name}: a document is no object")
        if document.get("kind") == "List":
            yield from document.get("items") or ()
        else:
            yield document
