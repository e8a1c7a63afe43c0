"""Text of a pipeline package to its two documents: the IR, and what it says for a platform.

Only as far as needed to tell them apart; `validation` says whether they make sense.
Upstream: backend/src/apiserver/template/v2_template.go (NewV2SpecTemplate), which passes over
documents that are neither; here they are refused, except empty ones and those for other platforms.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sampan.kinds.pipelines.ir.faults import Invalid
from sampan.lib import yaml

_UNKNOWN = "unknown template format"


class Documents(Struct, frozen=True):
    """Plain JSON, as it was written; `platform` is {} where there is none."""

    spec: dict[str, Any]
    platform: dict[str, Any]


def read(text: str | bytes) -> Documents:
    """YAML or JSON, one document or two. Raises Invalid."""
    try:
        found = yaml.load_all(text)
    except yaml.YamlError as error:
        raise Invalid(f"failed to parse pipeline spec YAML: {error}") from None
    if len(found) == 1 and isinstance(found[0], Mapping):
        return split(found[0])
    return _sorted(found)


def split(value: Any) -> Documents:
    """The documents of `pipeline_spec` in a request: the IR itself, or
    `{pipeline_spec: …, platform_spec: …}`. Raises Invalid."""
    if not isinstance(value, Mapping) or not value:
        raise Invalid(_UNKNOWN)
    if "pipeline_spec" not in value:
        return _sorted([value])
    others = value.keys() - {"pipeline_spec", "platform_spec"}
    if others:
        raise Invalid(f"beside pipeline_spec there is an unknown field: {min(others)}")
    return _sorted([value["pipeline_spec"], value.get("platform_spec") or {}])


def joined(documents: Documents) -> dict[str, Any]:
    """The other way around: what an answer shows as `pipeline_spec`."""
    if not documents.platform:
        return documents.spec
    return {"pipeline_spec": documents.spec, "platform_spec": documents.platform}


def package(documents: Documents) -> str:
    """As text of YAML, as the SDK writes packages."""
    found = [documents.spec, documents.platform] if documents.platform else [documents.spec]
    return "---\n".join(map(yaml.dump, found))


def _sorted(found: list[Any]) -> Documents:
    spec: dict[str, Any] = {}
    platform: dict[str, Any] = {}
    for value in found:
        if not isinstance(value, Mapping):
            raise Invalid(_UNKNOWN)
        if "pipelineInfo" in value or "pipeline_info" in value or "root" in value:
            if spec:
                raise Invalid("multiple pipeline specs provided")
            spec = dict(value)
        elif "platforms" in value:
            if "kubernetes" in (value["platforms"] or {}):
                if platform:
                    raise Invalid("multiple platform specs provided")
                platform = dict(value)
        elif value:
            keys = json.dumps(sorted(map(str, value))[:5])
            raise Invalid(f"{_UNKNOWN}: a document with {keys} is no pipeline spec")
    if not spec:
        raise Invalid("no pipeline spec is provided" if platform else _UNKNOWN)
    return Documents(spec, platform)
