"""Where artifacts of a run may lie."""

from __future__ import annotations

import pytest

from sampan.kinds.pipelines.ir.faults import Invalid
from sampan.kinds.pipelines.ir.locations import check_root


@pytest.mark.parametrize(
    "root",
    ["minio://mlpipeline", "minio://mlpipeline/v2/artifacts/", "s3://b/k?region=x", "gs://b/k"],
)
def test_a_place_in_a_store(root: str) -> None:
    check_root(root)


@pytest.mark.parametrize(
    ("root", "said"),
    [
        ("file:///etc", "is no place of artifacts"),
        ("http://127.0.0.1/x", "is no place of artifacts"),
        ("oci://x/y", "is no place of artifacts"),
        ("nonsense", "is no place of artifacts"),
        ("minio:///", "is no place of artifacts"),
        ("minio://b/\0", "is no place of artifacts"),
        ("minio://../x", "leads out of its bucket"),
        ("minio://mlpipeline/../../other", "leads out of its bucket"),
        ("minio://mlpipeline/" + "a/" * 500, "more than 1000 characters"),
    ],
)
def test_another_place(root: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        check_root(root)
