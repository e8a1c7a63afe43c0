"""Containers that the node runs in a pod for itself: no spec names them, no status shows them.

They are the supervisor's like all others, with the pod's sandbox, network and limits. One ends with
the pod, and is not taken up again after a crash: whoever wanted it asks again.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Coroutine
from typing import Any

from sampan.nodes.cell import split
from sampan.nodes.supervisor.client import Client, Gone, Report

_PREFIX = "_"
"""No container of a pod has such a name."""


def name() -> str:
    return f"{_PREFIX}{uuid.uuid4().hex[:12]}"


def is_errand(report: Report) -> bool:
    return split(report.id)[1].startswith(_PREFIX)


class Errands:
    def __init__(self, client: Client) -> None:
        self._client = client
        self._waiting: dict[str, asyncio.Future[Report]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    async def run(self, request: dict[str, Any]) -> Report:
        """Its end. Refused when it cannot be started, Gone when the supervisor goes."""
        own: str = request["id"]
        future = self._waiting[own] = asyncio.get_running_loop().create_future()
        try:
            report = await self._client.start(request)
            return await future if report.code is None else report
        finally:
            del self._waiting[own]
            self._client.forget([own])

    def heard(self, report: Report) -> bool:
        """Whether a report is about one of them."""
        future = self._waiting.get(report.id)
        if future is not None and not future.done():
            future.set_result(report)
        return future is not None or is_errand(report)

    def lost(self) -> None:
        """The supervisor has gone."""
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(Gone("the supervisor has gone"))

    def end(self, uid: str) -> None:
        """Those of a pod that is over."""
        for own in self._waiting:
            if split(own)[0] == uid:
                self._begin(self._client.stop(own, 0))

    def end_strays(self, reports: list[Report]) -> None:
        """Those that an earlier control plane has left running."""
        for report in reports:
            if is_errand(report) and report.code is None:
                self._begin(self._client.stop(report.id, 0))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
