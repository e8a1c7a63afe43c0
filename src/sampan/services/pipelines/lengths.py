"""How long names may be, as upstream's columns hold them.

Upstream: backend/src/apiserver/validation/length.go, model/pipeline_tags.go.
"""

from __future__ import annotations

from collections.abc import Mapping

from sampan.services.errors import invalid

_MOST = {
    ("Experiment", "Name"): 128,
    ("Pipeline", "Name"): 128,
    ("PipelineVersion", "Name"): 127,
    ("Run", "ExperimentId"): 64,
}
_TAGS, _TAG = 20, 63


def check_length(model: str, field: str, value: str) -> None:
    """Raises Refused."""
    most = _MOST[(model, field)]
    if len(value.encode()) > most:
        raise invalid(f"{model}.{field} length cannot exceed {most}")


def check_tags(tags: Mapping[str, str]) -> None:
    """Raises Refused."""
    if len(tags) > _TAGS:
        raise invalid(f"number of tags ({len(tags)}) exceeds maximum of {_TAGS} per entity")
    for key, value in tags.items():
        if not key:
            raise invalid("tag key cannot be empty")
        if "." in key:
            raise invalid(f"tag key \"{key}\" must not contain '.' character")
        if len(key) > _TAG:
            raise invalid(f'tag key "{key}" exceeds maximum length of {_TAG} characters')
        if len(value) > _TAG:
            raise invalid(
                f'tag value "{value}" for key "{key}" exceeds maximum length of {_TAG} characters'
            )
