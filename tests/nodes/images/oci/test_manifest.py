"""What strangers' JSON may say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sampan.nodes.images.oci import manifest
from sampan.nodes.images.oci.errors import NotThere, PullError

DIGEST = "sha256:" + "1" * 64
BLOB = {"digest": DIGEST, "size": 3}


def entry(architecture: str, system: str = "linux") -> dict[str, Any]:
    return {**BLOB, "platform": {"os": system, "architecture": architecture}}


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"schemaVersion": 1, "fsLayers": []}, "schema 1"),
        ({}, "neither an image nor an index"),
        ({"config": BLOB}, "neither"),
        ([], "cannot be read"),
        ({"config": {"digest": "sha256:../../x", "size": 1}, "layers": []}, "names a blob by"),
        ({"config": BLOB, "layers": [{"digest": DIGEST, "size": -1}]}, "names a blob by"),
        ({"config": BLOB, "layers": [{"digest": DIGEST, "size": "9"}]}, "cannot be read"),
        ({"config": BLOB, "layers": [BLOB] * 600}, "more than 512 layers"),
    ],
)
def test_a_bad_manifest_is_refused(found: object, message: str) -> None:
    with pytest.raises(PullError, match=message):
        manifest.read(json.dumps(found).encode())


def test_an_index_has_one_for_this_machine() -> None:
    index = manifest.Manifest(
        manifests=[
            manifest.Descriptor(DIGEST, 1, platform={"os": "windows", "architecture": "amd64"}),
            manifest.Descriptor("sha256:" + "2" * 64, 1,
                                platform={"os": "linux", "architecture": "amd64"}),
        ]
    )  # fmt: skip
    assert manifest.choose(index, "amd64").digest == "sha256:" + "2" * 64
    with pytest.raises(NotThere, match="linux/s390x in the index, only linux/amd64, windows/amd64"):
        manifest.choose(index, "s390x")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"rootfs": {"diff_ids": []}}, "disagree"),
        ({"rootfs": {"diff_ids": ["../x"]}}, "no digest"),
        ({"rootfs": {"diff_ids": [DIGEST]}, "architecture": "arm64"}, "linux/arm64"),
        ({"rootfs": {"diff_ids": [DIGEST]}, "os": "windows"}, "windows"),
        ({"rootfs": {"diff_ids": [DIGEST]}, "config": {"Env": "x"}}, "cannot be read"),
        ({}, "cannot be read"),
    ],
)
def test_a_bad_configuration_is_refused(config: dict[str, Any], message: str) -> None:
    image = manifest.Manifest(layers=[manifest.Descriptor(DIGEST, 3)])
    with pytest.raises(PullError, match=message):
        manifest.config(json.dumps(config).encode(), image, "amd64")
