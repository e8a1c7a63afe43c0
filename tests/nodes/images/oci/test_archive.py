"""Images as files."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from nodes.images.oci.scripted import digest
from nodes.images.oci.test_unpack import tar
from registry import Registry
from sampan.nodes.images.oci import archive, manifest, tree
from sampan.nodes.images.oci.errors import PullError
from sampan.nodes.images.oci.pull import pull
from sampan.nodes.images.oci.store import Store
from sampan.nodes.images.oci.wish import Wish
from sampan.nodes.images.reference import parse

LAYER = tar(("f", "a", "1"))
CONFIG = json.dumps({
    "architecture": manifest.this_machine(), "os": "linux", "config": {"Cmd": ["x"]},
    "rootfs": {"type": "layers", "diff_ids": [digest(LAYER)]},
}).encode()  # fmt: skip


def pack(path: Path, files: dict[str, bytes | str]) -> Path:
    """A tar; text is where a link leads."""
    with tarfile.open(path, "w") as out:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname, content = tarfile.SYMTYPE, content, b""
            info.size = len(content)
            out.addfile(info, io.BytesIO(content))
    return path


def docker_archive(**more: Any) -> dict[str, bytes | str]:
    entry = {
        "Config": "c.json",
        "RepoTags": ["team/app:1", "team/app:latest"],
        "Layers": ["l/layer.tar"],
    }
    return {
        "manifest.json": json.dumps([entry | more]).encode(),
        "c.json": CONFIG,
        "l/layer.tar": LAYER,
    }


def layout(named: str) -> dict[str, bytes | str]:
    index = json.dumps({"manifests": [{"digest": named, "size": 1}]}).encode()
    return {"oci-layout": b"{}", "index.json": index}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "images")


def test_what_is_exported_is_the_same_elsewhere(
    store: Store, docker_registry: Registry, tmp_path: Path
) -> None:
    names = [f"{docker_registry.name}/library/{name}" for name in ("nginx", "busybox")]
    given = [(pull(store, Wish(image=name), lambda _d, _o: None), parse(name)) for name in names]
    with (tmp_path / "both.tar").open("wb") as file:
        archive.save(store, given, file)
    other = Store(tmp_path / "other")
    entered = archive.load(other, tmp_path / "both.tar")
    assert [each.digest for each in entered] == [each.digest for each, _ in given]
    assert [each.names for each in entered] == [[f"{name}:latest"] for name in names]
    assert all(other.complete(each, owned=False) for each in entered)
    known = pull(other, Wish(image=names[0], policy="IfNotPresent"), lambda _d, _o: None)
    assert known.digest == given[0][0].digest


def test_docker_save_is_read(store: Store, tmp_path: Path) -> None:
    [first, second] = archive.load(store, pack(tmp_path / "a.tar", docker_archive()))
    assert second.digest == first.digest
    [record] = store.records()
    assert sorted(record.names) == ["docker.io/team/app:1", "docker.io/team/app:latest"]
    assert tree.read(store.layers(record, owned=False), "/a") == "1"
    settings = store.config(record).config
    assert settings is not None
    assert settings.Cmd == ["x"]


def test_an_old_archive_has_links_for_layers_and_may_be_compressed(
    store: Store, tmp_path: Path
) -> None:
    files = docker_archive(Layers=["m/layer.tar"], RepoTags=None) | {
        "m/layer.tar": "../l/layer.tar"
    }
    path = pack(tmp_path / "a.tar", files)
    path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(PullError, match="give a name"):
        archive.load(store, path)
    [record] = archive.load(store, path, "mine")
    assert record.names == ["docker.io/library/mine:latest"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        pytest.param({}, "no images", id="empty"),
        pytest.param({"manifest.json": b"{"}, "no archive of images", id="json"),
        pytest.param({"manifest.json": b"[]"}, "no images", id="none"),
        pytest.param(docker_archive(Config="../c.json"), "has no file", id="config-outside"),
        pytest.param(docker_archive(Layers=["/etc/passwd"]), "has no file", id="layer-outside"),
        pytest.param(docker_archive(Layers=[]), "disagree", id="layer-missing"),
        pytest.param(docker_archive(RepoTags=["Not A Name"]), "image name", id="bad-name"),
        pytest.param(docker_archive() | {"l/layer.tar": "../../etc/passwd"}, "no file", id="link"),
        pytest.param(docker_archive() | {"l/layer.tar": tar(("f", "a", "2"))}, "the image says",
                     id="other-layer"),
        pytest.param(docker_archive() | {"c.json": b"0" * (5 << 20)}, "bytes", id="big-config"),
        pytest.param(layout("sha256:../../x"), "has no file", id="digest-outside"),
        pytest.param(layout("x"), "no digest", id="no-digest"),
        pytest.param(layout(digest(b"x")) | {f"blobs/{digest(b'x').replace(':', '/')}": b"y"},
                     "something else", id="other-manifest"),
    ],
)  # fmt: skip
def test_a_bad_archive_is_refused(
    store: Store, tmp_path: Path, files: dict[str, bytes | str], message: str
) -> None:
    with pytest.raises(PullError, match=message):
        archive.load(store, pack(tmp_path / "a.tar", files))
    assert store.records() == []


def test_what_is_no_tar_is_no_archive(store: Store, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("no tar")
    with pytest.raises(PullError, match="is no archive of images"):
        archive.load(store, tmp_path / "x")
