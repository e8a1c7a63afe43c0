"""Directories of volumes go with their volume, and no others."""

import pytest

from sampan.engine.cluster import Change
from sampan.kube import names
from sampan.kube.keys import Key
from sampan.nodes.volumes.reclaim import Reclaimer


def volume(root, name="pvc-1", by=names.LOCAL_PROVISIONER, path=None):
    return {
        "metadata": {"name": name, "annotations": {names.ANNOTATION_PROVISIONED_BY: by}},
        "spec": {"hostPath": {"path": path or f"{root}/{name}"}},
    }


@pytest.fixture
def removed():
    return []


@pytest.fixture
def reclaimer(tmp_path, removed):
    return Reclaimer(tmp_path, removed.append)


def told(reclaimer, type_, manifest):
    key = Key(names.PERSISTENT_VOLUME, "", manifest["metadata"]["name"])
    reclaimer.changed(Change(type_, key, manifest))


def test_a_deleted_volume_takes_its_directory_along(reclaimer, removed, tmp_path):
    told(reclaimer, "DELETED", volume(tmp_path))
    assert removed == [tmp_path / "pvc-1"]


@pytest.mark.parametrize(
    ("type_", "given"),
    [
        pytest.param("MODIFIED", {}, id="still-there"),
        pytest.param("DELETED", {"by": "somebody"}, id="of-another-provisioner"),
        pytest.param("DELETED", {"path": "/etc"}, id="that-points-elsewhere"),
        pytest.param("DELETED", {"name": "data"}, id="with-a-name-not-ours"),
        pytest.param("DELETED", {"name": "pvc-1", "path": "../x"}, id="that-climbs"),
    ],
)
def test_nothing_else_is_removed(reclaimer, removed, tmp_path, type_, given):
    told(reclaimer, type_, volume(tmp_path, **given))
    assert removed == []


def test_what_nobody_claims_is_swept(reclaimer, removed, tmp_path):
    for name in ("pvc-1", "pvc-2", "mine"):
        (tmp_path / name).mkdir()
    (tmp_path / "pvc-3").symlink_to("/etc")
    reclaimer.sweep([volume(tmp_path, "pvc-1")])
    assert removed == [tmp_path / "pvc-2"]


def test_sweeping_before_there_is_any_volume(tmp_path, removed):
    Reclaimer(tmp_path / "none", removed.append).sweep([])
    assert removed == []
