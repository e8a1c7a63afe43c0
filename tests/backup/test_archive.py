"""The archive: what was written is read; what is damaged or hostile is refused, without harm."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sampan.backup.archive import FORM, MANIFEST, STORE, Writer, unpack
from sampan.kube.errors import UserMistake


def written(path: Path, home: Path) -> list[str]:
    with tarfile.open(path, "w:gz") as tar:
        writer = Writer(tar)
        for name in ("store", "keys", "volumes", "artifacts"):
            writer.add_tree(home / name, name)
        writer.finish({"store": 1})
    return writer.skipped


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    (home / "store").mkdir(parents=True)
    (home / "store" / "objects.db").write_bytes(b"objects")
    (home / "keys").mkdir()
    (home / "keys" / "ca.key").write_bytes(b"secret")
    data = home / "volumes" / "pv-1"
    data.mkdir(parents=True)
    (data / "model").write_bytes(b"x" * 100_000)
    (data / "run").write_bytes(b"#!/bin/sh")
    (data / "run").chmod(0o4755)
    (data / "latest").symlink_to("/data/model")
    os.mkfifo(data / "pipe")
    kept = home / "artifacts" / "ns" / "artifacts" / "wf" / "tree.tgz~tar" / "tree"
    kept.mkdir(parents=True)
    (kept / "link").symlink_to("file")
    return home


def test_what_was_written_is_read(home: Path, tmp_path: Path) -> None:
    [skipped] = written(tmp_path / "b.tar.gz", home)
    assert skipped.endswith("pv-1/pipe")
    target = tmp_path / "target"
    target.mkdir()
    manifest = unpack(tmp_path / "b.tar.gz", target)
    assert manifest["store"] == 1
    data = target / "volumes" / "pv-1"
    assert (data / "model").read_bytes() == b"x" * 100_000
    assert os.readlink(data / "latest") == "/data/model"
    assert (data / "run").stat().st_mode & 0o7777 == 0o755
    tree = target / "artifacts" / "ns" / "artifacts" / "wf" / "tree.tgz~tar" / "tree"
    assert os.readlink(tree / "link") == "file"
    assert (target / "keys" / "ca.key").stat().st_mode & 0o777 == 0o600


def member(name: str, data: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    for field, value in fields.items():
        setattr(entry, field, value)
    return entry, data


def manifest(*files: tuple[str, bytes], **facts: Any) -> tuple[tarfile.TarInfo, bytes]:
    listed = [
        {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for path, data in files
    ]
    return member(MANIFEST, json.dumps({"form": FORM, "files": listed, **facts}).encode())


GOOD = (member(STORE, b"x"), manifest((STORE, b"x")))
LINK = {"type": tarfile.SYMTYPE, "linkname": "/etc"}


@pytest.mark.parametrize(
    ("members", "says"),
    [
        pytest.param([member("../evil", b"x"), *GOOD], "no backup has", id="dots"),
        pytest.param([member("/etc/evil", b"x"), *GOOD], "no backup has", id="absolute"),
        pytest.param([member("store/../../evil", b"x"), *GOOD], "no backup has", id="dots-inside"),
        pytest.param([member("evil", b"x"), *GOOD], "no backup has", id="foreign"),
        pytest.param([member("keys", **LINK), *GOOD], "neither", id="link-for-keys"),
        pytest.param(
            [member("volumes/a", **LINK), member("volumes/a/passwd", b"x"), *GOOD],
            "through a symbolic link", id="through-a-link",
        ),
        pytest.param(
            [member("volumes/a", **LINK), member("volumes/a", b"x"), *GOOD], "twice", id="twice"
        ),
        pytest.param(
            [member("volumes/a", type=tarfile.LNKTYPE, linkname="/etc/passwd"), *GOOD],
            "neither", id="hard-link",
        ),
        pytest.param([member("volumes/a", type=tarfile.CHRTYPE), *GOOD], "neither", id="device"),
        pytest.param([member(STORE, b"y"), GOOD[1]], "is not what was written", id="changed"),
        pytest.param([GOOD[1]], "is missing", id="missing"),
        pytest.param([member("keys/k", b"k"), *GOOD], "not in its list", id="unlisted"),
        pytest.param([GOOD[0]], "incomplete", id="no-manifest"),
        pytest.param([manifest()], "holds no", id="no-store"),
        pytest.param([GOOD[0], manifest((STORE, b"x"), form=99)], "newer Sampan", id="newer"),
        pytest.param([GOOD[0], member(MANIFEST, b"[]")], "no list of files", id="list"),
        pytest.param([GOOD[0], member(MANIFEST, b"{" * 9000)], "no list of files", id="nonsense"),
        pytest.param([GOOD[0], manifest(files=[1])], "no list of files", id="files"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused(members: Any, says: str, tmp_path: Path) -> None:
    path, target = tmp_path / "b.tar", tmp_path / "target"
    target.mkdir()
    with tarfile.open(path, "w") as tar:
        for entry, data in members:
            tar.addfile(entry, io.BytesIO(data))
    with pytest.raises(UserMistake, match=says):
        unpack(path, target)
    assert {each.name for each in tmp_path.iterdir()} == {"b.tar", "target"}


def huge(path: Path) -> None:
    with path.open("wb") as file:
        entry = tarfile.TarInfo(STORE)
        entry.size = 1 << 60
        file.write(entry.tobuf())


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(os.urandom(5000)), id="noise"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-3000]), id="cut-off"),
        pytest.param(huge, id="more-than-the-disk"),
    ],
)
def test_what_is_no_archive_is_refused(
    spoil: Callable[[Path], object], home: Path, tmp_path: Path
) -> None:
    path, target = tmp_path / "b.tar.gz", tmp_path / "target"
    target.mkdir()
    (home / "volumes" / "pv-1" / "noise").write_bytes(os.urandom(20_000))
    written(path, home)
    spoil(path)
    with pytest.raises(UserMistake):
        unpack(path, target)
