"""What pods and nodes use, as a node measures it and `metrics.k8s.io` shows it.

Nobody measures unless somebody asks. `nodes` implements `Meter`, `apiserver` asks it.

For controllers: `view.select(names.POD_METRICS, namespace, labels)` (or `cluster.list`) answers
with PodMetrics as a client would see them, from the last measurement, without waiting. Asking keeps
the meter running for a while, so the first question finds nothing, as on a cluster whose metrics
server has just started; ask again after `MEASURED_EVERY` seconds. Changes are not told of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

MEASURED_EVERY = 15.0  # seconds, as upstream's metrics server


class Used(Struct, frozen=True):
    """cpu: CPUs, on average over `window` seconds before `at` (since the epoch). memory: bytes at
    that time."""

    cpu: float
    memory: int
    at: float
    window: float


class Measured(Struct, frozen=True):
    """containers: by uid of the pod, then by name; only those that run."""

    node: str
    machine: Used
    containers: Mapping[str, Mapping[str, Used]]


class Meter(Protocol):
    async def measure(self) -> Measured:
        """What is used now. Takes a second when nobody has asked for long. Raises
        ServiceUnavailable where it cannot be measured."""
        ...

    def latest(self) -> Measured | None:
        """The last measurement, if there is one; others follow while this is asked for."""
        ...
