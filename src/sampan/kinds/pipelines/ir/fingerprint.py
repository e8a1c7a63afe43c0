"""What the outputs of a task depend on, as one hash and its parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from sampan.kinds.pipelines.ir.messages import Component, Container, Task
from sampan.kinds.pipelines.ir.resolve import Values


class Fingerprint(Struct, frozen=True):
    """parts: {image, command, parameters: {k: hash}, artifacts: {k: hash}, outputs, pvcs}, each a
    short hash; with a cacheKey: {key, component}. Two tasks whose parts are equal are one for the
    cache."""

    value: str
    parts: dict[str, Any]


def of(
    task: Task, component: Component, container: Container, inputs: Values, pvcs: Sequence[str] = ()
) -> Fingerprint:
    """inputs: as resolved, without the component's defaults. pvcs: names of mounted claims."""
    raise NotImplementedError
