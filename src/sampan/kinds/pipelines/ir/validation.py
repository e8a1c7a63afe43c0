"""Whether two documents are a pipeline that can run here; the one way to a `Pipeline`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kinds.pipelines.ir.pipeline import Pipeline


def validate(spec: Mapping[str, Any], platform: Mapping[str, Any] | None = None) -> Pipeline:
    """The pipeline. Raises Invalid with the place. Cheap when asked again about the same."""
    raise NotImplementedError
