"""What the outputs of a task depend on, as one hash and its parts.

As upstream: inputs, outputs, image, command as it was written, names of mounted claims. Further:
artifacts count by their content (upstream: by name, so that changed content is not seen), and env
and defaults count (upstream: not at all). A cacheKey stands for all of it, as upstream.
Upstream: backend/src/v2/driver/cache.go, backend/src/v2/cacheutils.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from sampan.kinds.pipelines.ir.messages import ABSENT, Component, Container, Task
from sampan.kinds.pipelines.ir.resolve import Artifact, RunFacts, Values, filled

_SHORT = 16
"""Digits of a part's hash: it is compared with a few others only."""
_canonical = msgspec.json.Encoder(order="deterministic")


class Fingerprint(Struct, frozen=True):
    """parts: {image, command, env, outputs, claims: hash or text; parameters, defaults,
    artifacts: {name: hash}}; with a cacheKey {component, key}. Two tasks whose parts are equal are
    one for the cache."""

    value: str
    parts: dict[str, Any]


def of(
    name: str,
    task: Task,
    component: Component,
    container: Container,
    inputs: Values,
    run: RunFacts,
    claims: Sequence[str] = (),
) -> Fingerprint:
    """Of a task named so. inputs: as resolved, without the component's defaults. claims: names of
    mounted PersistentVolumeClaims."""
    if task.cachingOptions.cacheKey:
        parts: dict[str, Any] = {
            "component": task.componentRef.name,
            "key": task.cachingOptions.cacheKey,
        }
        whole = hashlib.sha256("\0".join(parts.values()).encode()).hexdigest()
        return Fingerprint(whole, parts)
    words = [filled(word, run, name) for word in (*container.command, *container.args)]
    parts = {
        "image": container.image,
        "command": _hash(words),
        "env": _hash([(each.name, filled(each.value, run, name)) for each in container.env]),
        "parameters": {key: _hash(_number(value)) for key, value in inputs.parameters.items()},
        "defaults": {
            key: _hash(_number(definition.defaultValue))
            for key, definition in component.inputDefinitions.parameters.items()
            if key not in inputs.parameters and definition.defaultValue is not ABSENT
        },
        "artifacts": {
            key: _hash([_content(each) for each in artifacts])
            for key, artifacts in inputs.artifacts.items()
        },
        "outputs": _hash(component.outputDefinitions),
        "claims": ",".join(sorted(set(claims))),
    }
    return Fingerprint(_whole(parts), parts)


def _content(artifact: Artifact) -> Any:
    """What of an artifact a program may see; where it lies counts if its content is not known."""
    kept = {key: artifact.get(key) for key in ("type", "metadata")}
    return {**kept, "content": artifact.get("digest") or artifact.get("uri")}


def _number(value: Any) -> Any:
    """1.0 as 1, at any depth: they are the same value."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, list | tuple):
        return [_number(each) for each in value]
    if isinstance(value, dict):
        return {key: _number(each) for key, each in value.items()}
    return value


def _hash(value: Any) -> str:
    return hashlib.sha256(_canonical.encode(value)).hexdigest()[:_SHORT]


def _whole(parts: dict[str, Any]) -> str:
    return hashlib.sha256(_canonical.encode(parts)).hexdigest()
