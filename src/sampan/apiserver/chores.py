"""Chores: objects that the server itself looks after, one at a time, in the background.

A key that comes twice before its turn is looked at once. Whoever looks reads the newest state, so
that a repeated look is harmless; one that fails is told to the log and does not stop the others.
Controllers with decisions of their own are the engine's; here is only what needs the server's keys
or its ledger.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from sampan.kube.errors import ApiStatus, Conflict, NotFound
from sampan.kube.keys import Key

_log = logging.getLogger(__name__)

_AGAIN = 0.05
"""Seconds until a look that met somebody else's write is repeated."""


class Chores:
    """`look(key)` is called in the event loop; `pause` are seconds between two rounds, in which
    keys gather."""

    def __init__(self, look: Callable[[Key], Awaitable[None]], *, pause: float = 0.0) -> None:
        self._look = look
        self._pause = pause
        self._due: set[Key] = set()
        self._task: asyncio.Task[None] | None = None

    def later(self, key: Key) -> None:
        """Look at this object soon."""
        self._due.add(key)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self) -> None:
        while self._due:
            due, self._due = sorted(self._due), set()
            for key in due:
                await self._one(key)
            await asyncio.sleep(self._pause)

    async def _one(self, key: Key) -> None:
        try:
            await self._look(key)
        except NotFound:
            return
        except Conflict:
            asyncio.get_running_loop().call_later(_AGAIN, self.later, key)
        except ApiStatus as error:
            _log.warning("%s: %s", key, error)
        except Exception:
            _log.exception("%s could not be looked after", key)
