"""The asking side of the process that searches (`lib.search.process`).

One process for all experiments, started with the first question and ended when nobody has asked
for a while: its libraries weigh more than all of this program. Questions are answered one after
another, and most within milliseconds. What takes seconds (architectures are searched by training
networks) is asked of a second process, so that others need not wait for it: an experiment whose
question the first one did not answer in time is sent there from then on. A process that dies, or
takes too long, is replaced, and its question failed.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

import msgspec

from sampan.lib.search.process import Reply, Request

LONGEST = 300.0
"""Seconds for one answer."""
QUICK = 10.0
"""Seconds for one answer of the first process."""
IDLE = 600.0
"""Seconds after which a process that nobody asks is ended."""
_MOST_SLOW = 1000  # experiments that are remembered as such
_LINE = 64 << 20  # bytes of an answer


class Searcher:
    """Both processes."""

    def __init__(
        self, *, longest: float = LONGEST, quick: float = QUICK, idle: float = IDLE
    ) -> None:
        self._first = _Process(longest=quick, idle=idle)
        self._second = _Process(longest=longest, idle=idle)
        self._slow: set[tuple[str, int]] = set()

    async def ask(self, request: Request) -> Reply:
        """Never raises: what goes wrong is in `failed`."""
        who = request.problem.name, request.problem.seed
        if request.problem.architecture is None and who not in self._slow:
            with suppress(TimeoutError):
                return await self._first.ask(request)
            if len(self._slow) >= _MOST_SLOW:
                self._slow.clear()
            self._slow.add(who)
        try:
            return await self._second.ask(request)
        except TimeoutError as late:
            return Reply(failed=str(late))

    async def stop(self) -> None:
        await self._first.stop()
        await self._second.stop()


class _Process:
    def __init__(self, *, longest: float, idle: float) -> None:
        self._longest = longest
        self._idle = idle
        self._process: Process | None = None
        self._asking = asyncio.Lock()
        self._end: asyncio.TimerHandle | None = None

    async def ask(self, request: Request) -> Reply:
        """TimeoutError says that it took too long; what else goes wrong is in `failed`."""
        async with self._asking:
            if self._end is not None:
                self._end.cancel()
            try:
                async with asyncio.timeout(self._longest):
                    return await self._ask(msgspec.json.encode(request) + b"\n")
            except TimeoutError:
                self._kill()
                text = f"{request.algorithm} took longer than {self._longest:g} s"
                raise TimeoutError(text) from None
            except (OSError, EOFError, ValueError) as fault:
                self._kill()
                return Reply(failed=f"{request.algorithm}: {fault}")
            except asyncio.CancelledError:  # its answer would be the next question's
                self._kill()
                raise
            finally:
                loop = asyncio.get_running_loop()
                self._end = loop.call_later(self._idle, self._kill)

    async def stop(self) -> None:
        if self._end is not None:
            self._end.cancel()
        process = self._process
        self._kill()
        if process is not None:
            await process.wait()

    async def _ask(self, line: bytes) -> Reply:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "sampan.lib.search.process",
                stdin=PIPE, stdout=PIPE, limit=_LINE,
            )  # fmt: skip
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(line)
        await process.stdin.drain()
        said = await process.stdout.readline()
        if not said:
            raise EOFError("the process that searches has ended")
        return msgspec.json.decode(said, type=Reply)

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
