"""Loops: the items of one, and the inputs of each iteration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sampan.kinds.pipelines.ir.messages import Task
from sampan.kinds.pipelines.ir.resolve import Values

MOST = 100_000
"""Iterations of one loop."""


def of(task: Task, inputs: Values) -> Sequence[Any]:
    """The items: values, or artifacts for an artifactIterator. Raises Unresolved."""
    raise NotImplementedError


def iteration(task: Task, inputs: Values, item: Any) -> Values:
    """The inputs of the iteration with that item."""
    raise NotImplementedError
