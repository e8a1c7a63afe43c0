"""Artifacts as their callers write them."""

from __future__ import annotations

from functools import partial
from typing import Any

from sampan.artifacts import Artifacts
from sampan.kube.locations import LOCAL_ENDPOINT


class Namespaced:
    """The verbs of `Artifacts`, for the namespace "ns"."""

    def __init__(self, artifacts: Artifacts) -> None:
        self.load = partial(artifacts.load, namespace="ns")
        self.save = partial(artifacts.save, namespace="ns")
        self.open = partial(artifacts.open, namespace="ns")
        self.keys = partial(artifacts.keys, namespace="ns")
        self.delete = partial(artifacts.delete, namespace="ns")


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
