"""Who waits for which packages: each directory is filled once, however many pods want it.

Asking costs a look at the disk where it is there. Otherwise somebody fills it in the background,
and everybody who has asked is told when that is over. What has failed is not tried again for a
minute: those who ask meanwhile run their commands as they are, and see pip's own words.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from pathlib import Path
from typing import Any

from msgspec import Struct

from sampan.nodes.lightweight.layers import Layer, Layers, Recipe
from sampan.nodes.lightweight.sdk import Sdks
from sampan.nodes.wheels import Unavailable

log = logging.getLogger(__name__)

_AGAIN = 60.0  # seconds


class Abandoned(Exception):
    """Whoever was filling a directory went away; somebody else may."""


class Told(Struct, frozen=True):
    """How it ended: the text for an event, and whether it is good news."""

    good: bool
    text: str


Tell = Callable[[Told], None]


class Stock:
    def __init__(self, root: Path) -> None:
        """`root` is the directory `packages` of the home."""
        self.layers = Layers(root)
        self._sdks = Sdks(self.layers)
        self._jobs: dict[Hashable, tuple[asyncio.Task[None], list[Tell]]] = {}
        self._failed: dict[Hashable, float] = {}

    def sdk(self, pin: str, python: str, tell: Tell) -> Path | None:
        """The SDK for a component that pins this version, in interpreters of that one. None when it
        is not there yet: `tell` will be called. Unavailable when it cannot be had."""
        found = self._sdks.find(pin, python)
        if found is None:
            self._ask(("sdk", pin, python), tell, lambda: self._fetch(pin, python))
        return found

    def layer(
        self, recipe: Recipe, tell: Tell, install: Callable[[Path], Awaitable[None]]
    ) -> Path | None:
        """A layer, as `sdk`. `install` fills a directory, or raises Unavailable or Abandoned."""
        found = self.layers.find(recipe.key)
        if found is None:
            self._ask(recipe.key, tell, lambda: self._build(recipe, install))
        return found

    async def close(self) -> None:
        """Leave everything unfinished."""
        tasks = [task for task, _ in self._jobs.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ask(self, key: Hashable, tell: Tell, work: Callable[[], Coroutine[Any, Any, str]]) -> None:
        if self._failed.get(key, 0.0) > time.monotonic():
            raise Unavailable("it has failed a moment ago")
        job = self._jobs.get(key)
        if job is None:
            job = self._jobs[key] = (asyncio.create_task(self._carry_out(key, work())), [])
        job[1].append(tell)

    async def _carry_out(self, key: Hashable, work: Coroutine[Any, Any, str]) -> None:
        told = Told(False, "")
        try:
            told = Told(True, await work)
        except Abandoned:
            told = Told(False, "")
        except Unavailable as error:
            told = Told(False, str(error))
        except Exception as error:
            log.exception("packages cannot be had")
            told = Told(False, str(error))
        finally:
            _, waiting = self._jobs.pop(key)
        if not told.good and told.text:
            self._failed[key] = time.monotonic() + _AGAIN
        for tell in waiting:
            tell(told)

    async def _fetch(self, pin: str, python: str) -> str:
        begun = time.monotonic()
        place = await self._sdks.build(pin, python)
        return f"Installed kfp {place.name} in {time.monotonic() - begun:.1f} s"

    async def _build(self, recipe: Recipe, install: Callable[[Path], Awaitable[None]]) -> str:
        begun = time.monotonic()
        draft = self.layers.begin()
        try:
            await install(draft / "files")
            layer: Layer = await asyncio.to_thread(self.layers.finish, draft, recipe)
        except BaseException:
            with contextlib.suppress(OSError):
                await asyncio.to_thread(self.layers.drop, draft)
            raise
        megabytes = layer.size / 1e6
        seconds = time.monotonic() - begun
        return f"Installed packages: {recipe.said} ({megabytes:.1f} MB) in {seconds:.1f} s"
