"""Where an artifact of a workflow lies, as JSON: which kind of store, whether that is all of it.

An artifact may name only a key; the rest then comes from the pod's archive location, which in turn
comes from the artifact repository. `raw` and `git` have no keys; of an address (`http`,
`artifactory`) the key is the path. Nothing given is ever changed.
Upstream: argo-workflows pkg/apis/workflow/v1alpha1 ArtifactLocation, ArtifactRepository.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

KINDS = (
    "artifactory", "azure", "git", "gcs", "hdfs", "http", "oss", "raw", "s3", "plugin",
)  # fmt: skip
"""In the order in which the first one counts."""
_KEYS = {"azure": "blob", "gcs": "key", "hdfs": "path", "oss": "key", "plugin": "key", "s3": "key"}
_ADDRESSES = ("artifactory", "http")
_WHOLE: Mapping[str, tuple[str, ...]] = {
    "artifactory": ("url", "usernameSecret"),
    "azure": ("endpoint", "container", "blob"),
    "gcs": ("bucket", "key"),
    "git": ("repo",),
    "hdfs": ("addresses",),
    "http": ("url",),
    "oss": ("bucket", "endpoint", "key"),
    "plugin": ("name", "configuration", "key"),
    "raw": (),
    "s3": ("endpoint", "bucket", "key"),
}
_FORMATS = {"azure": "blobNameFormat", "hdfs": "pathFormat"}
PATTERN = "{{workflow.name}}/{{pod.name}}"
"""The key of a pod's artifacts, less their names, where the repository says nothing else."""

Location = Mapping[str, Any]

LOCAL_ENDPOINT = "artifacts.sampan"
"""An S3 endpoint that is a directory of $SAMPAN_HOME: the repository where none is configured."""
LOCAL: Location = {"s3": {"endpoint": LOCAL_ENDPOINT, "bucket": "artifacts", "insecure": True}}


class NoKey(ValueError):
    """The location is of no kind, or of one that has no keys."""


def kind_of(location: Location) -> str:
    """ "" when it says nothing."""
    return next((kind for kind in KINDS if location.get(kind) is not None), "")


def key_of(location: Location) -> str:
    """The key, which may be empty; "" also where there can be none."""
    kind = kind_of(location)
    if kind in _ADDRESSES:
        return urlsplit(location[kind].get("url") or "").path
    return str(location[kind].get(_KEYS[kind]) or "") if kind in _KEYS else ""


def is_local(location: Location) -> bool:
    """Whether it lies in the repository that is part of this program."""
    return kind_of(location) == "s3" and location["s3"].get("endpoint") == LOCAL_ENDPOINT


def driver_of(location: Location) -> str:
    """The driver that an operator has brought for this place; "" where none is needed."""
    return str(location["plugin"].get("name") or "") if kind_of(location) == "plugin" else ""


def is_whole(location: Location) -> bool:
    """Whether it leads somewhere without any other location."""
    kind = kind_of(location)
    return bool(kind) and all(location[kind].get(field) for field in _WHOLE[kind])


def is_given(location: Location) -> bool:
    """Whether it leads somewhere with the help of an archive location."""
    return is_whole(location) or bool(key_of(location))


def with_key(location: Location, key: str) -> dict[str, Any]:
    """The same with another key. NoKey."""
    kind = kind_of(location)
    if kind in _ADDRESSES:
        parts = urlsplit(location[kind].get("url") or "")
        path = key if key.startswith("/") or not parts.netloc else f"/{key}"
        body = {**location[kind], "url": urlunsplit(parts._replace(path=path))}
    elif kind in _KEYS:
        body = {**location[kind], _KEYS[kind]: key}
    else:
        raise NoKey("key unsupported: " + (f"{kind} artifact does not have a key" if kind else
                    "cannot get key for artifact location, because it is invalid"))  # fmt: skip
    return {**location, kind: body}


def below(location: Location, path: str) -> dict[str, Any]:
    """What lies at `path` below the key (an artifact's `subPath`). NoKey."""
    return with_key(location, posixpath.normpath(posixpath.join(key_of(location), path)))


def secrets(location: Location) -> Iterator[tuple[str, str]]:
    """(name, key) of each Secret that is needed to get there."""
    return _secrets(location.get(kind_of(location)) or {})


def keyed(archive: Location, key: str) -> dict[str, Any]:
    """Only the kind of the archive location, with a key: what an artifact says that lies there."""
    return with_key({kind_of(archive): {}} if kind_of(archive) else {}, key)


def relocated(artifact: Location, archive: Location | None) -> dict[str, Any]:
    """The artifact with its whole location: what it lacks is the archive location's. ValueError."""
    if is_whole(artifact):
        return dict(artifact)
    if not archive or not kind_of(archive):
        raise ValueError("template artifact location not set")
    rest = {field: value for field, value in artifact.items() if field not in KINDS}
    place = with_key(archive, key_of(artifact))
    return {**rest, kind_of(archive): place[kind_of(archive)]}


def of_repository(repository: Location) -> dict[str, Any]:
    """The archive location that an artifact repository stands for; its key has tags in it."""
    kind = kind_of(repository)
    if not kind:
        return {}
    given = dict(repository[kind])
    format = given.pop(_FORMATS.get(kind, "keyFormat"), None)
    prefix, base = given.pop("keyPrefix", None), given.pop("repoURL", None)
    pattern = format or (f"{prefix.strip('/')}/{PATTERN}" if prefix else PATTERN)
    if kind in _ADDRESSES:
        given["url"] = f"{(base or given.get('url') or '').rstrip('/')}/{pattern}"
    else:
        given[_KEYS.get(kind, "key")] = pattern
    return {kind: given}


def _secrets(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for field, value in settings.items():
        if not isinstance(value, Mapping):
            continue
        if field.endswith("Secret"):
            yield str(value.get("name") or ""), str(value.get("key") or "")
        else:
            yield from _secrets(value)
