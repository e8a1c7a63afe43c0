"""Directories of small files that change in one step."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sampan.nodes.volumes.trees import File, write


def content(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and not path.relative_to(directory).parts[0].startswith("..")
    }


def test_files_and_their_modes(tmp_path: Path) -> None:
    directory = tmp_path / "v"
    assert write(directory, {"a": File(b"1"), "sub/b": File(b"2", 0o400)})
    assert (directory / "a").read_bytes() == b"1"
    assert (directory / "sub/b").read_bytes() == b"2"
    assert (directory / "a").stat().st_mode & 0o777 == 0o644
    assert (directory / "sub/b").stat().st_mode & 0o777 == 0o400
    assert os.readlink(directory / "a") == "..data/a"


def test_a_new_state_replaces_the_old_one(tmp_path: Path) -> None:
    directory = tmp_path / "v"
    write(directory, {"a": File(b"1"), "b": File(b"1")})
    old = os.readlink(directory / "..data")
    assert write(directory, {"a": File(b"2"), "c": File(b"3")})
    assert sorted(p.name for p in directory.iterdir() if not p.name.startswith("..")) == ["a", "c"]
    assert (directory / "a").read_bytes() == b"2"
    assert os.readlink(directory / "..data") != old
    assert not (directory / old).exists()


def test_the_same_state_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path / "v", {"a": File(b"1")})
    old = os.readlink(tmp_path / "v" / "..data")
    assert not write(tmp_path / "v", {"a": File(b"1")})
    assert os.readlink(tmp_path / "v" / "..data") == old


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x"])
def test_no_file_outside(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="inside the volume"):
        write(tmp_path / "v", {name: File(b"")})


def test_an_empty_tree_is_an_empty_directory(tmp_path: Path) -> None:
    assert write(tmp_path / "v", {})
    assert content(tmp_path / "v") == {}
