"""Lineage: the words that the controller of Runs and the records share.

The controller asks whether a task has run before (`CacheQuestion`, source `CACHE` of
`View.consult`); the records answer from SQL (`CacheAnswer`). Who is asked tells the parts of which
the fingerprint was made, so that the answer can say which of them differs from the last time.
`artifact_id` is the one id that an artifact has everywhere. Nothing here talks to anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

CACHE = "pipelines.cache"
"""The source that answers a CacheQuestion with a CacheAnswer."""

Parts = tuple[tuple[str, str], ...]
"""What a fingerprint was made of: (place, text or hash), sorted by place."""


class CacheQuestion(Struct, frozen=True, kw_only=True):
    """Has a task with this fingerprint succeeded before? `pipeline` is the IR's pipelineInfo.name,
    `task_name` the task's name in its DAG. `parts` as `parts_of` makes them."""

    namespace: str
    pipeline: str
    task_name: str
    fingerprint: str
    parts: Parts = ()


class Hit(Struct, frozen=True, kw_only=True):
    """The newest successful execution, whose artifacts are all still there. `outputs` as in
    `status.tasks`: {parameters: {…}, artifacts: {…: […]}}."""

    run_id: str
    task_id: str
    outputs: Mapping[str, Any]


class CacheAnswer(Struct, frozen=True, kw_only=True):
    """`why` says in one line why there is no hit, "" with one."""

    hit: Hit | None = None
    why: str = ""


def parts_of(parts: Mapping[str, Any]) -> Parts:
    """`status.tasks[…].cache.parts` as a question holds them: `{image: i, parameters: {k: h}}` is
    `(("image", i), ("parameters k", h))`. What is nested deeper counts as its text."""
    found: list[tuple[str, str]] = []
    for name, value in parts.items():
        if isinstance(value, Mapping):
            found += [(f"{name} {key}", str(inner)) for key, inner in value.items()]
        else:
            found.append((name, str(value)))
    return tuple(sorted(found))


def artifact_id(namespace: str, uri: str, digest: str = "") -> str:
    """The id of what lies at a URI, in the form of a UUID. The same content at the same place is
    the same artifact, whoever made or imported it; other content there is another one."""
    text = "\0".join((namespace, uri, digest)).encode()
    found = hashlib.sha256(text).hexdigest()
    return "-".join((found[:8], found[8:12], found[12:16], found[16:20], found[20:32]))
