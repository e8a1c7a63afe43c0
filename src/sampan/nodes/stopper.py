"""Ending a container: preStop, SIGTERM, and SIGKILL when the time is up.

The time covers the hook as well, as in Kubernetes; the supervisor keeps the clock for the SIGKILL,
so it comes even if the control plane is killed in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sampan.nodes import probes
from sampan.nodes.supervisor.client import Gone

_AFTER_HOOK = 2.0  # seconds that remain in any case once a preStop hook has run


async def stop(target: probes.Target, grace: float, failed: Callable[[str], None] | None) -> None:
    """Returns when the container has been told; that it has ended is heard from the supervisor.
    `failed` hears of a hook that has gone wrong; without it no hook is run."""
    handler = (target.spec.get("lifecycle") or {}).get("preStop") if failed else None
    if failed and handler and grace > 0:
        loop = asyncio.get_running_loop()
        began = loop.time()
        # A failed hook delays nothing: the container ends all the same.
        try:
            await asyncio.wait_for(probes.perform(target, handler), grace)
        except probes.Failure as failure:
            failed(f"PreStopHook failed: {failure}")
        except TimeoutError:
            failed("PreStopHook failed: it did not end within the grace period")
        grace = max(grace - (loop.time() - began), _AFTER_HOOK)
    try:
        await target.client.stop(target.identity, grace)
    except Gone:
        return
