"""What is asked of a pod's containers while they run: the probes that are wanted, and hooks.

What they answer goes into the cells; whoever decides is woken when that changes something.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from sampan.kube.keys import Manifest
from sampan.nodes import probes
from sampan.nodes.cell import Cell
from sampan.nodes.context import Context
from sampan.nodes.life.seen import ProbeKind


class Prober:
    """For one pod. `about` answers with the pod as it is now, and its address."""

    def __init__(
        self,
        context: Context,
        cells: Mapping[str, Cell],
        about: Callable[[], tuple[Manifest, str]],
        wake: Callable[[], None],
    ) -> None:
        self._context = context
        self._cells = cells
        self._about = about
        self._wake = wake

    def probe(self, wanted: frozenset[tuple[str, ProbeKind]]) -> None:
        """Begin the probes that should be running, and end the others."""
        for name, cell in self._cells.items():
            kinds: set[ProbeKind] = {kind for each, kind in wanted if each == name}
            for kind in cell.probers.keys() - kinds:
                cell.probers.pop(kind).cancel()
            for kind in kinds - cell.probers.keys():
                probe = cell.spec[f"{kind}Probe"]
                watching = probes.watch(self.target(cell), probe, self._hear(cell, kind))
                cell.probers[kind] = asyncio.create_task(watching)

    async def post_start(self, cell: Cell, handler: dict[str, Any]) -> None:
        try:
            await probes.perform(self.target(cell), handler)
            cell.hook = ""
        except probes.Failure as failure:
            cell.hook = "failed"
            self._warn("FailedPostStartHook", f"PostStartHook failed: {failure}")
        self._wake()

    def target(self, cell: Cell) -> probes.Target:
        """Where and how the container is to be asked."""
        context, (_, address) = self._context, self._about()
        return probes.Target(
            context.client, cell.identity, address, cell.spec, context.networking.open
        )

    def _hear(self, cell: Cell, kind: ProbeKind) -> Callable[[bool | None, str], None]:
        def told(verdict: bool | None, message: str) -> None:
            if message and verdict:
                self._warn("ProbeWarning", f"{kind.capitalize()} probe warning: {message}")
            elif message:
                self._warn("Unhealthy", f"{kind.capitalize()} probe failed: {message}")
            before = (cell.passed, cell.ready, cell.unhealthy)
            if kind == "readiness" and verdict is not None:
                cell.ready = verdict
            elif kind == "startup" and verdict:
                cell.passed = True
            elif verdict is False:
                cell.unhealthy = kind
            if before != (cell.passed, cell.ready, cell.unhealthy):
                self._wake()

        return told

    def _warn(self, reason: str, message: str) -> None:
        self._context.emit(self._about()[0], "Warning", reason, message)
