"""URIs of artifacts: which store, bucket and key they name, and back. Pure.

    minio://<bucket>/<key>   the namespace's local repository, unless a provider is configured
    s3://…, gs://…           the same: a bucket for which nobody has configured a provider is local

A bucket of one name is one bucket, whatever the scheme says, as long as it is local. Other schemes
name what a pipeline may hand around as text, but what is not opened on its behalf.
Upstream: kubeflow/pipelines backend/src/v2/objectstore/config.go (ParseBucketPathToConfig).
"""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

from sampan.artifacts.faults import BadName
from sampan.kube.locations import LOCAL_ENDPOINT, Location

Scheme = Literal["minio", "s3", "gs"]
_FORM = re.compile(r"(minio|s3|gs):///?([^/?]+)(?:/(.*))?", re.DOTALL)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")


class BadUri(BadName):
    """No place of artifacts; the text names the URI."""


class Address(Struct, frozen=True):
    """`key` has no slash at its ends, and is "" for the bucket itself."""

    scheme: Scheme
    bucket: str
    key: str

    @property
    def uri(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.key}".rstrip("/")


def split(uri: str) -> Address:
    """BadUri for what is in none of the stores above."""
    found = _FORM.fullmatch(uri)
    if found is None:
        scheme = _SCHEME.match(uri)
        why = f"{scheme[0]}:// is not supported" if scheme else "it has no scheme"
        raise BadUri(f"{uri[:200]!r} is no place of artifacts: {why} (minio, s3 and gs are)")
    scheme_of, bucket, key = found[1], found[2], (found[3] or "").strip("/")
    if any(part in (".", "..") for part in (bucket, *key.split("/"))) or "\0" in uri:
        raise BadUri(f"{uri[:200]!r} leads out of its bucket")
    assert scheme_of in ("minio", "s3", "gs")
    return Address(scheme_of, bucket, key)  # type: ignore[arg-type]


def local(address: Address) -> Location:
    """Where it lies in the namespace's own repository, kept as the file or directory that it is."""
    return {
        "s3": {
            "endpoint": LOCAL_ENDPOINT, "bucket": address.bucket, "key": address.key,
            "insecure": True,
        },
        "archive": {"none": {}},
    }  # fmt: skip
