"""Artifacts as their callers write them."""

from __future__ import annotations

from typing import Any

from sampan.kube.locations import LOCAL_ENDPOINT


def local(key: str, **more: Any) -> dict[str, Any]:
    """In the local repository."""
    return {"s3": {"endpoint": LOCAL_ENDPOINT, "bucket": "artifacts", "key": key}, **more}


def no_secret(name: str, key: str) -> bytes:
    raise KeyError(name, key)


NONE: dict[str, Any] = {"archive": {"none": {}}}
ZIP: dict[str, Any] = {"archive": {"zip": {}}}
TAR: dict[str, Any] = {"archive": {"tar": {}}}
