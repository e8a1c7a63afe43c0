"""Outputs of DAGs and loops out of those of the tasks in them: selectors, OneOf, Collected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sampan.kinds.pipelines.ir.messages import Component
from sampan.kinds.pipelines.ir.resolve import Values


def of_dag(component: Component, tasks: Mapping[str, Values]) -> Values:
    """tasks: outputs of those that ended well (SUCCEEDED or CACHED), by name. An output whose
    producer is not among them is left out. OneOf takes the first one that is."""
    raise NotImplementedError


def collected(iterations: Sequence[Values]) -> Values:
    """Of a loop, from those of its iterations in their order: each parameter becomes a list (of
    lists, where the iterations' own are), artifacts one flat list. Iterations that lack an output
    are dropped from that list."""
    raise NotImplementedError
