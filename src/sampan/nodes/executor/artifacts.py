"""Output artifacts and logs of a main container, taken to their places."""

from __future__ import annotations

from typing import Any

from sampan.nodes.executor.job import Job


async def save(job: Job, faults: list[str]) -> list[dict[str, Any]]:
    """What was saved, with where it lies now; what could not be is a fault."""
    return []
