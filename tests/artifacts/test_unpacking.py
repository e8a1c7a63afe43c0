"""Archives by people who mean harm, and by people who do not."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.artifacts import Fault
from sampan.artifacts.unpacking import Limits, is_tar, untar, unzip


def entry(name: str, kind: bytes = tarfile.REGTYPE, to: str = "", data: bytes = b"x"):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    info.size = len(data) if kind == tarfile.REGTYPE else 0
    info.mode = 0o6755
    return info, data


def tar(path: Path, *entries) -> str:
    with tarfile.open(path, "w:gz") as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data) if info.isreg() else None)
    return str(path)


def seen(path: Path) -> set[str]:
    return {str(each.relative_to(path)) for each in path.rglob("*")}


LINK, HARD, DIRECTORY = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param([entry("../out")], id="up"),
        pytest.param([entry("a/../../out")], id="up-inside"),
        pytest.param([entry("l", LINK, "/tmp"), entry("l/out")], id="absolute-link"),
        pytest.param([entry("l", LINK, ".."), entry("l/out")], id="link-up"),
        pytest.param([entry("l", LINK, "d/.."), entry("d", LINK, "."), entry("l/out")], id="later"),
        pytest.param([entry("d", DIRECTORY), entry("d/l", LINK, "../..")], id="link-deep"),
        pytest.param([entry("d", DIRECTORY), entry("l", LINK, "d/.."), entry("d", LINK, ".")],
                     id="directory-becomes-link"),
        pytest.param([entry("l", HARD, "/etc/passwd")], id="hard-link-absolute"),
        pytest.param([entry("l", HARD, "../../out")], id="hard-link-up"),
        pytest.param([entry("l", HARD, "l")], id="hard-link-to-nothing"),
        pytest.param([entry("d", DIRECTORY), entry("d")], id="directory-becomes-file"),
        pytest.param([entry("f"), entry("f/g")], id="file-becomes-directory"),
        pytest.param([entry("n" * 300)], id="long"),
    ],
)  # fmt: skip
def test_nothing_gets_out(tmp_path: Path, entries) -> None:
    path = tar(tmp_path / "t.tgz", entry("one"), *entries)
    try:
        untar(path, str(tmp_path / "in") + "side")
    except Fault:
        assert not (tmp_path / "inside").exists()
    assert seen(tmp_path) - {"t.tgz"} == {n for n in seen(tmp_path) if n.startswith("inside")}
    assert not list(Path("/tmp").glob("out"))


def test_one_entry_at_the_top_is_the_target(tmp_path: Path) -> None:
    untar(tar(tmp_path / "1.tgz", entry("name")), str(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "x"
    assert (tmp_path / "file").stat().st_mode & 0o7777 == 0o755
    entries = (
        entry("top", DIRECTORY),
        entry("top/a"),
        entry("top/l", LINK, "a"),
        entry("top/p", tarfile.FIFOTYPE),
    )
    untar(tar(tmp_path / "2.tgz", *entries), str(tmp_path / "directory"))
    assert seen(tmp_path / "directory") == {"a", "l"}
    several = entry("a"), entry("/b/c"), entry("h", HARD, "a"), entry("a", data=b"later")
    untar(tar(tmp_path / "3.tgz", *several), str(tmp_path / "several"))
    assert seen(tmp_path / "several") == {"a", "b", "b/c", "h"}
    assert (tmp_path / "several" / "a").read_text() == "later"
    untar(tar(tmp_path / "4.tgz"), str(tmp_path / "nothing"))
    assert seen(tmp_path / "nothing") == set()


def test_a_bomb_is_stopped(tmp_path: Path) -> None:
    path = tar(tmp_path / "bomb.tgz", entry("zeros", data=bytes(10 << 20)))
    with pytest.raises(Fault, match="unpacks to more than"):
        untar(path, str(tmp_path / "x"), Limits(ratio=10, small=1 << 20))
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(10 << 20))
    with pytest.raises(Fault, match="unpacks to more than"):
        unzip(str(tmp_path / "bomb.zip"), str(tmp_path / "x"), Limits(ratio=10, small=1 << 20))
    many = tar(tmp_path / "many.tgz", *(entry(f"f{n}") for n in range(20)))
    with pytest.raises(Fault, match="more than 10 entries"):
        untar(many, str(tmp_path / "x"), Limits(entries=10))
    assert not (tmp_path / "x").exists()


def test_zip_entries_do_not_get_out(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("../out", "x")
    with pytest.raises(Fault, match="illegal file path"):
        unzip(str(tmp_path / "z.zip"), str(tmp_path / "x"))
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("a/b", "x")
        archive.writestr("/c", "x")
    unzip(str(tmp_path / "z.zip"), str(tmp_path / "x"))
    assert seen(tmp_path / "x") == {"a", "a/b", "c"}


def test_a_tar_is_recognised(tmp_path: Path) -> None:
    assert is_tar(tar(tmp_path / "t", entry("a")))
    (tmp_path / "g").write_bytes(gzip.compress(b"text"))
    (tmp_path / "p").write_text("text")
    assert not is_tar(str(tmp_path / "g"))
    assert not is_tar(str(tmp_path / "p"))
    assert not is_tar(str(tmp_path))


@given(data=st.binary(max_size=600), compressed=st.booleans())
def test_no_file_raises_anything_else(tmp_path_factory, data: bytes, compressed: bool) -> None:
    directory = tmp_path_factory.mktemp("any")
    path = directory / "f"
    path.write_bytes(gzip.compress(data) if compressed else data)
    for unpack in (untar, unzip):
        try:
            unpack(str(path), str(directory / unpack.__name__))
        except Fault:
            assert os.listdir(directory) in (["f"], ["untar", "f"], ["f", "untar"])
