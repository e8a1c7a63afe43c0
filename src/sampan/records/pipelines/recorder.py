"""Recorder: keeps what becomes of each Run, while it happens.

It is no controller: keeping is I/O. It follows the cluster, and compares at its first write what is
there with what is kept, so that nothing is lost while it was away.
"""

from __future__ import annotations

from sampan.kube.keys import Manifest


class Recorder:
    async def start(self) -> None:
        raise NotImplementedError

    async def stop(self) -> None:
        raise NotImplementedError

    async def settled(self) -> None:
        """All that was committed before is kept."""
        raise NotImplementedError

    async def keep(self, run: Manifest) -> None:
        """This Run (or Workflow), as it was just created, is kept and will be listed."""
        raise NotImplementedError

    async def forget(self, run_id: str) -> bool:
        """Delete the run's rows; what the cluster tells of its deletion does not bring them back.
        Whether there were any."""
        raise NotImplementedError
