"""Artifacts as their callers write them."""

from __future__ import annotations

from typing import Any

from sampan.kube.locations import LOCAL_ENDPOINT


def local(key: str, **more: Any) -> dict[str, Any]:
    """In the local repository."""
    return {"s3": {"endpoint": LOCAL_ENDPOINT, "bucket": "artifacts", "key": key}, **more}


def remote(endpoint: str, key: str, **more: Any) -> dict[str, Any]:
    """In the bucket of an S3 server, with credentials."""
    selectors = {
        "accessKeySecret": {"name": "cred", "key": "access"},
        "secretKeySecret": {"name": "cred", "key": "secret"},
    }
    place = {"endpoint": endpoint, "bucket": "bucket", "insecure": True, "key": key}
    return {"s3": {**place, **selectors}, **more}


def credentials(name: str, key: str) -> bytes:
    assert name == "cred"
    return {"access": b"admin", "secret": b"password"}[key]


def no_secret(name: str, key: str) -> bytes:
    raise KeyError(name, key)


NONE: dict[str, Any] = {"archive": {"none": {}}}
ZIP: dict[str, Any] = {"archive": {"zip": {}}}
TAR: dict[str, Any] = {"archive": {"tar": {}}}
