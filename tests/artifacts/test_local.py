"""The local repository: what goes in comes out, as an archive only when one is asked for."""

from __future__ import annotations

import os
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest

from artifacts.makers import NONE, TAR, ZIP, Namespaced, local, no_secret, remote
from sampan.artifacts import Artifacts, Fault, NotThere, trees


def a_tree(path: Path) -> Path:
    (path / "deep" / "er").mkdir(parents=True)
    (path / "one").write_text("1")
    (path / "deep" / "er" / "two~tar").write_text("2")
    (path / "link").symlink_to("one")
    (path / "empty").mkdir()
    os.mkfifo(path / "pipe")
    (path / "one").chmod(0o750)
    return path


def seen(path: Path) -> dict[str, str]:
    return {
        str(each.relative_to(path)): "->" + os.readlink(each)
        if each.is_symlink()
        else ""
        if each.is_dir()
        else each.read_text()
        for each in path.rglob("*")
    }


TREE = {"deep": "", "deep/er": "", "deep/er/two~tar": "2", "one": "1", "link": "->one", "empty": ""}


@pytest.mark.parametrize("consume", [False, True])
@pytest.mark.parametrize("archive", [{}, TAR, NONE], ids=["default", "tar", "none"])
def test_a_tree_comes_back_as_it_was(
    artifacts: Namespaced, tmp_path: Path, archive: dict[str, object], consume: bool
) -> None:
    source = a_tree(tmp_path / "source")
    if consume:
        (source / "pipe").unlink()
    artifacts.save(local("wf/pod/tree.tgz", **archive), source, no_secret, consume=consume)
    artifacts.load(local("wf/pod/tree.tgz", **archive), tmp_path / "in" / "tree", no_secret)
    assert seen(tmp_path / "in" / "tree") == TREE
    assert (tmp_path / "in" / "tree" / "one").stat().st_mode & 0o777 == 0o750
    assert source.exists()
    assert os.listdir(tmp_path / "in") == ["tree"]


@pytest.mark.parametrize("archive", [{}, NONE, ZIP], ids=["default", "none", "zip"])
def test_a_file_stays_a_file(
    artifacts: Namespaced, tmp_path: Path, archive: dict[str, object]
) -> None:
    (tmp_path / "f").write_text("hello")
    artifacts.save(local("a/b", **archive), tmp_path / "f", no_secret)
    artifacts.load(local("a/b", **archive), tmp_path / "g", no_secret)
    assert (tmp_path / "g").read_text() == "hello"
    assert (tmp_path / "f").stat().st_ino != (tmp_path / "g").stat().st_ino


def test_who_writes_into_a_loaded_file_changes_nothing_else(
    artifacts: Namespaced, tmp_path: Path
) -> None:
    (tmp_path / "f").write_text("hello")
    os.link(tmp_path / "f", tmp_path / "other-name")
    artifacts.save(local("k"), tmp_path / "f", no_secret, consume=True)
    (tmp_path / "other-name").write_text("changed")
    artifacts.load(local("k"), tmp_path / "g", no_secret)
    (tmp_path / "g").write_text("changed")
    artifacts.load(local("k"), tmp_path / "h", no_secret)
    assert (tmp_path / "h").read_text() == "hello"


def test_an_archive_is_made_for_those_who_want_one(artifacts: Namespaced, tmp_path: Path) -> None:
    (tmp_path / "hello_world.txt").write_text("hello")
    kept = local("wf/pod/art.tgz", path="/tmp/hello_world.txt")
    artifacts.save(kept, tmp_path / "hello_world.txt", no_secret)
    artifacts.load(local("wf/pod/art.tgz", **NONE), tmp_path / "art.tgz", no_secret)
    with tarfile.open(tmp_path / "art.tgz") as archive:
        assert archive.getnames() == ["hello_world.txt"]
    opened = artifacts.open(kept, no_secret)
    with opened.file as file:
        assert (opened.name, opened.content_type) == ("art.tgz", "application/gzip")
        assert len(file.read()) == opened.size
    artifacts.save(local("x/again.tgz", **NONE), tmp_path / "art.tgz", no_secret)
    artifacts.load(local("x/again.tgz"), tmp_path / "again", no_secret)
    assert (tmp_path / "again").read_text() == "hello"


def test_directories_are_many_keys(artifacts: Namespaced, tmp_path: Path) -> None:
    artifacts.save(local("data", **NONE), a_tree(tmp_path / "source"), no_secret)
    (tmp_path / "three").write_text("3")
    artifacts.save(local("data/three.tgz"), tmp_path / "three", no_secret)
    assert artifacts.keys(local("data/"), no_secret) == [
        "data/deep/er/two~tar", "data/one", "data/three.tgz",
    ]  # fmt: skip
    assert artifacts.keys(local("dat"), no_secret) == []
    artifacts.load(local("data/deep"), tmp_path / "deep", no_secret)
    assert seen(tmp_path / "deep") == {"er": "", "er/two~tar": "2"}
    with artifacts.open(local("data/one"), no_secret).file as file:
        assert file.read() == b"1"
    with pytest.raises(NotThere):
        artifacts.open(local("data"), no_secret)
    artifacts.delete(local("data/one"), no_secret)
    artifacts.delete(local("data/deep/"), no_secret)
    assert artifacts.keys(local("data"), no_secret) == ["data/three.tgz"]
    artifacts.delete(local("data/"), no_secret)
    assert [p.name for p in (tmp_path / "repository" / "ns" / "artifacts").iterdir()] == []


def test_links_lead_nobody_out(artifacts: Namespaced, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "link").symlink_to(tmp_path / "secret")
    artifacts.save(local("d", **NONE), tmp_path / "d", no_secret)
    assert artifacts.keys(local("d"), no_secret) == []
    with pytest.raises(NotThere):
        artifacts.open(local("d/link"), no_secret)
    with pytest.raises(Fault):
        artifacts.save(local("l"), tmp_path / "d" / "link", no_secret)


@pytest.mark.parametrize("key", ["../x", "a/../../x", "", "/", "a/./b", "a\0b"])
def test_keys_lead_nowhere_else(artifacts: Namespaced, tmp_path: Path, key: str) -> None:
    (tmp_path / "f").write_text("x")
    with pytest.raises(Fault):
        artifacts.save(local(key), tmp_path / "f", no_secret)


@pytest.mark.parametrize("bucket", ["..", "", ".tmp", "a/b", "a\0b"])
def test_buckets_lead_nowhere_else(artifacts: Namespaced, tmp_path: Path, bucket: str) -> None:
    wanted = local("k")
    wanted["s3"]["bucket"] = bucket
    with pytest.raises(Fault):
        artifacts.load(wanted, tmp_path / "f", no_secret)


def test_what_is_missing_is_said(artifacts: Namespaced, tmp_path: Path) -> None:
    with pytest.raises(NotThere, match="has no object wf/x"):
        artifacts.load(local("wf/x"), tmp_path / "x", no_secret)
    with pytest.raises(NotThere, match="no such file or directory"):
        artifacts.save(local("wf/x"), tmp_path / "nothing", no_secret)
    artifacts.delete(local("wf/x"), no_secret)
    assert list(tmp_path.glob("x*")) == []


def test_the_last_one_to_save_wins(artifacts: Namespaced, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("file")
    artifacts.save(local("k"), a_tree(tmp_path / "t"), no_secret)
    artifacts.save(local("k", **ZIP), tmp_path / "f", no_secret)
    artifacts.load(local("k", **ZIP), tmp_path / "out", no_secret)
    artifacts.save(local("k", **NONE), tmp_path / "f", no_secret)
    artifacts.load(local("k"), tmp_path / "out", no_secret)
    assert (tmp_path / "out").read_text() == "file"
    assert artifacts.keys(local("k"), no_secret) == ["k"]


def test_many_save_and_load_the_same_key_at_once(artifacts: Namespaced, tmp_path: Path) -> None:
    faults: list[BaseException] = []

    def work(number: int) -> None:
        try:
            source = tmp_path / f"s{number}"
            source.mkdir()
            for name in "abc":
                (source / name).write_text(str(number))
            for turn in range(15):
                artifacts.save(local("wf/k"), source, no_secret)
                target = tmp_path / f"t{number}.{turn}"
                artifacts.load(local("wf/k"), target, no_secret)
                assert len(set(seen(target).values())) == 1
                assert len(seen(target)) == 3
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert os.listdir(tmp_path / "repository" / ".tmp") == ["lock"]


def test_modes_are_set(artifacts: Namespaced, tmp_path: Path) -> None:
    artifacts.save(local("k"), a_tree(tmp_path / "t"), no_secret)
    artifacts.load(local("k", mode=0o755, recurseMode=True), tmp_path / "out", no_secret)
    assert (tmp_path / "out" / "deep" / "er" / "two~tar").stat().st_mode & 0o777 == 0o755
    raw = {"raw": {"data": "#!/bin/sh\n"}, "mode": 0o700}
    artifacts.load(raw, tmp_path / "script", no_secret)
    assert (tmp_path / "script").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "script").read_text() == "#!/bin/sh\n"


def test_namespaces_have_nothing_in_common(artifacts: Namespaced, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)
        artifacts.save(local("wf/k"), tmp_path / name, no_secret, namespace=name)
    artifacts.load(local("wf/k"), tmp_path / "out", no_secret, namespace="one")
    assert (tmp_path / "out").read_text() == "one"
    with pytest.raises(NotThere):
        artifacts.load(local("wf/k"), tmp_path / "x", no_secret, namespace="three")
    for wrong in ("", "..", "a/b"):
        with pytest.raises(Fault, match="no name of a namespace"):
            artifacts.open(local("wf/k"), no_secret, namespace=wrong)


def test_the_repository_may_have_other_names(tmp_path: Path) -> None:
    asked: list[tuple[str, int, str]] = []

    def route(*server: Any) -> str:
        asked.append(server)
        return "artifacts.sampan"

    artifacts = Artifacts(tmp_path / "repository", route)
    (tmp_path / "f").write_text("x")
    place = remote("minio:9000", "k")
    artifacts.save(place, tmp_path / "f", no_secret, namespace="ns")
    assert asked == [("minio", 9000, "ns")]
    place["s3"]["endpoint"] = "artifacts.sampan"
    artifacts.load(place, tmp_path / "g", no_secret, namespace="ns")
    assert (tmp_path / "g").read_text() == "x"


def test_a_tree_that_is_too_deep_is_refused_and_goes(artifacts: Namespaced, tmp_path: Path) -> None:
    deep = tmp_path / "deep"
    deep.mkdir()
    here = os.open(deep, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    for consume in (False, True):
        with pytest.raises(Fault, match="more than 200 directories in one another"):
            artifacts.save(local("k"), deep, no_secret, consume=consume)
    trees.remove(str(deep))
    assert not deep.exists()
    assert os.listdir(tmp_path / "repository" / ".tmp") == []


def test_what_a_crash_has_left_is_swept(tmp_path: Path) -> None:
    left = tmp_path / "repository" / ".tmp" / "0123" / "tree"
    left.mkdir(parents=True)
    artifacts = Artifacts(tmp_path / "repository")
    artifacts.sweep()
    assert os.listdir(tmp_path / "repository" / ".tmp") == []
    Artifacts(tmp_path / "none").sweep()
    assert not (tmp_path / "none").exists()


def test_links_out_of_a_directory_are_not_kept(artifacts: Namespaced, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "deep" / "er").mkdir(parents=True)
    (source / "one").write_text("1")
    (source / "top").symlink_to("deep/er/..")
    (source / "deep" / "inside").symlink_to("../one")
    (source / "deep" / "out").symlink_to("../../one")
    (source / "deep" / "by").symlink_to("../top/../../source/one")
    (source / "absolute").symlink_to("/etc")
    artifacts.save(local("tree", **NONE), source, no_secret)
    artifacts.load(local("tree", **NONE), tmp_path / "in", no_secret)
    links = {k: v for k, v in seen(tmp_path / "in").items() if v.startswith("->")}
    assert links == {"top": "->deep/er/..", "deep/inside": "->../one"}


def test_a_link_in_the_repository_leads_nowhere(artifacts: Namespaced, tmp_path: Path) -> None:
    """What a workflow keeps is its own: neither read nor written nor removed through it is a file
    of this machine."""
    outside, tree = tmp_path / "outside", tmp_path / "repository" / "ns" / "artifacts" / "tree"
    outside.mkdir()
    tree.mkdir(parents=True)
    (outside / "secret").write_text("secret")
    (tmp_path / "new").write_text("new")
    (tree / "d").symlink_to(outside)
    for key in ("tree/d/secret", "tree/d"):
        with pytest.raises(Fault):
            artifacts.open(local(key, **NONE), no_secret)
        assert artifacts.keys(local(key, **NONE), no_secret) == []
        with pytest.raises(NotThere):
            artifacts.load(local(key, **NONE), tmp_path / "in", no_secret)
    with pytest.raises(Fault):
        artifacts.save(local("tree/d/made", **NONE), tmp_path / "new", no_secret)
    with pytest.raises(Fault):
        artifacts.save(local("tree/d/made.tgz"), tmp_path / "new", no_secret)
    artifacts.delete(local("tree/d/secret", **NONE), no_secret)
    assert os.listdir(outside) == ["secret"]
