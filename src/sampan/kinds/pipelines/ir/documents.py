"""Text of a pipeline package to its two documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct


class Documents(Struct, frozen=True):
    """`platform` is {} where there is none. Both are plain JSON with the names that JSON has."""

    spec: dict[str, Any]
    platform: dict[str, Any]


def read(text: str | bytes) -> Documents:
    """YAML or JSON, one document or two. Raises Invalid. What it says is not looked at beyond
    what tells the documents apart: `validation.validate` does."""
    raise NotImplementedError


def split(value: Mapping[str, Any]) -> Documents:
    """The documents of `pipeline_spec` in a request: the IR itself, or
    `{pipeline_spec: …, platform_spec: …}`. Raises Invalid."""
    raise NotImplementedError


def joined(documents: Documents) -> dict[str, Any]:
    """The other way around: what an answer shows as `pipeline_spec`."""
    raise NotImplementedError
