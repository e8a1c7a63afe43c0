"""What unmodified clients see: boto3 and minio-py, in an environment of their own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from services.s3.conftest import Place

HERE = Path(__file__).parent
VENVS = Path(__file__).parents[3] / ".venvs"


def seen(place: Place, program: str) -> dict[str, Any]:
    python = VENVS / "moto" / "bin" / "python"
    if not python.exists():
        pytest.skip("make setup has not made .venvs/moto")
    command = [python, HERE / program, place.endpoint, "ns.key", "secret"]
    said = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert said.returncode == 0, said.stderr[-3000:]
    found: dict[str, Any] = json.loads(said.stdout)
    return found


@pytest.mark.slow
def test_boto3(place: Place) -> None:
    found = seen(place, "boto.py")
    many = [f"many/{n:02d}/" for n in range(12)]
    assert found == {
        "first buckets": ["mlpipeline"],
        "again": "BucketAlreadyOwnedByYou",
        "head": 200,
        "no bucket": "NoSuchBucket",
        "location": None,
        "object": ["content", {"k": "v"}, "text/x-mine"],
        "same tag": True,
        "size": 7,
        "range": "nte",
        "tail": "ent",
        "bad range": "InvalidRange",
        "unchanged": "304",
        "only if new": "PreconditionFailed",
        "no key": "NoSuchKey",
        "bad key": "InvalidObjectName",
        "empty": '"d41d8cd98f00b204e9800998ecf8427e"',
        "checksum": "BadDigest",
        "sha256": "",
        "acl": "NotImplemented",
        "tagging": "NotImplemented",
        "copy": ["content", {"k": "v"}],
        "pages": [[f"{each}x" for each in many[n : n + 5]] for n in (0, 5, 10)],
        "prefixes": [many[n : n + 5] for n in (0, 5, 10)],
        "top": [["copy", "empty", "sum"], ["a/", "many/"]],
        "deleted": ["many/00/x", "nope"],
        "begun": [["parts", True]],
        "begun elsewhere": False,
        "begun still": False,
        "big": True,
        "big tag": True,
        "big copy": True,
        "parts": [2],
        "no part": "InvalidPart",
        "other key": "NoSuchUpload",
        "aborted": "NoSuchUpload",
        "bad upload": "NoSuchUpload",
        "presigned": "content",
        "put by url": "sent",
        "wrong secret": "SignatureDoesNotMatch",
        "wrong key": "InvalidAccessKeyId",
        "not empty": "BucketNotEmpty",
        "last buckets": ["mlpipeline"],
    }


@pytest.mark.slow
def test_minio(place: Place) -> None:
    found = seen(place, "minio_client.py")
    assert found == {
        "pipelines": True,
        "none": False,
        "object": [7, "v"],
        "content": "content",
        "part": "nte",
        "big": True,
        "keys": ["a/ü b", "big", "copy"],
        "top": ["big", "copy", "a/"],
        "presigned": "content",
        "errors": 0,
        "missing": "NoSuchKey",
    }
