"""Logs: the lines of all pods of a workflow, or of one, in the order of their times.

What is there is merged: pods are opened in the order of their starts and only when their turn has
come, so that a workflow of many pods has few open at a time. With `follow` new pods are picked up
until the workflow has finished; lines that come together are sorted, what has been sent stays sent.
Upstream: argo-workflows util/logs/workflow-logger.go.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, aclosing
from itertools import count
from typing import Any

import orjson
from msgspec import Struct

from sampan.kube import names, times
from sampan.kube.errors import ApiStatus
from sampan.kube.keys import Manifest
from sampan.lib.regex.patterns import Pattern, PatternError
from sampan.services.argo.call import WORKFLOWS, Call, Stream
from sampan.services.argo.workflows import find
from sampan.services.errors import invalid
from sampan.services.kube import POD, lines

_OPTIONS = "logOptions."
_PASSED = ("previous", "sinceSeconds", "tailLines", "limitBytes")
_AHEAD = 256  # lines that the pods may be ahead of the client


class Line(Struct, frozen=True):
    """`time` is as the node wrote it: RFC 3339 with nanoseconds, which sorts as text."""

    time: str
    pod: str
    content: str

    def entry(self) -> bytes:
        return orjson.dumps({"content": self.content, "podName": self.pod})


class Wanted(Struct, frozen=True):
    """What the query asks for."""

    namespace: str
    workflow: str
    pods: Mapping[str, str]
    container: str
    options: Mapping[str, str]
    shown: Callable[[str], bool]
    timestamps: bool


async def logs(call: Call) -> Stream:
    """Raises what `find` raises, and Refused for a pattern that is none."""
    workflow = (await find(call, None))["metadata"]["name"]
    wanted = _wanted(call, workflow)
    follow = call.asks(f"{_OPTIONS}follow")
    found = _followed(call, wanted) if follow else _merged(call, wanted)
    return Stream(found)


def _wanted(call: Call, workflow: str) -> Wanted:
    labels = f"{names.LABEL_WORKFLOW}={workflow}"
    if more := call.query("selector"):
        labels += f",{more}"
    pods = {"labelSelector": labels}
    if pod := call.path.get("podName") or call.query("podName"):
        pods["fieldSelector"] = f"metadata.name={pod}"
    options = {name: call.query(_OPTIONS + name) for name in _PASSED}
    if seconds := call.number(f"{_OPTIONS}sinceTime.seconds"):
        options["sinceTime"] = _since(seconds)
    return Wanted(
        call.namespace,
        workflow,
        pods,
        call.query(f"{_OPTIONS}container"),
        {"timestamps": "true", **{name: value for name, value in options.items() if value}},
        _filter(call.query("grep")),
        call.asks(f"{_OPTIONS}timestamps"),
    )


def _since(seconds: int) -> str:
    try:
        return times.from_seconds(seconds)
    except (OverflowError, ValueError, OSError):
        raise invalid(f"{_OPTIONS}sinceTime.seconds is no time: {seconds}") from None


def _filter(pattern: str) -> Callable[[str], bool]:
    if not pattern:
        return lambda _: True
    try:
        compiled = Pattern(pattern)
    except PatternError as error:
        raise invalid(f'failed to compile "{pattern}": {error}') from None
    return lambda text: bool(compiled.search(text))


# -- what is there ----------------------------------------------------------------------------


async def _merged(call: Call, wanted: Wanted) -> AsyncGenerator[bytes, None]:
    pods = [each for each in await _pods(call, wanted) if _started(each)]
    pods.sort(key=_started, reverse=True)
    yield b""
    heads: list[Head] = []
    order = count()
    async with AsyncExitStack() as stack:
        while pods or heads:
            while pods and (not heads or _started(pods[-1]) <= heads[0][0]):
                opened = await stack.enter_async_context(aclosing(_lines(call, wanted, pods.pop())))
                await _push(heads, opened, next(order))
            if heads:
                _, number, line, source = heapq.heappop(heads)
                yield line.entry()
                await _push(heads, source, number)


async def _push(heads: list[Head], source: AsyncGenerator[Line, None], number: int) -> None:
    async for line in source:
        heapq.heappush(heads, (line.time, number, line, source))
        return


Head = tuple[str, int, Line, AsyncGenerator[Line, None]]
"""The next line of a pod. `number` tells pods apart whose lines have the same time."""


# -- what comes -------------------------------------------------------------------------------


async def _followed(call: Call, wanted: Wanted) -> AsyncGenerator[bytes, None]:
    """Ends when the workflow has finished and all its pods have said everything."""
    queue: asyncio.Queue[Line | None] = asyncio.Queue(_AHEAD)
    async with call.kube.watch(POD, wanted.namespace, wanted.pods) as events:
        yield b""
        work = asyncio.ensure_future(_gather(call, wanted, events, queue))
        try:
            over = False
            while not over:
                batch = [await queue.get()]
                while not queue.empty():
                    batch.append(queue.get_nowait())
                over = None in batch
                for line in sorted(filter(None, batch), key=lambda each: each.time):
                    yield line.entry()
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)


async def _gather(
    call: Call,
    wanted: Wanted,
    events: AsyncIterator[tuple[str, Manifest]],
    queue: asyncio.Queue[Line | None],
) -> None:
    """Read every pod once, from the moment it runs; None at the end."""
    readers: dict[str, asyncio.Task[None]] = {}

    async def pick_up() -> None:
        async for kind, pod in events:
            uid = pod["metadata"]["uid"]
            if kind != "DELETED" and uid not in readers and _started(pod):
                readers[uid] = asyncio.ensure_future(_read(call, wanted, pod, queue))

    picking = asyncio.ensure_future(pick_up())
    try:
        await _finished(call, wanted)
        for pod in await _pods(call, wanted):  # the watch may be behind
            uid = pod["metadata"]["uid"]
            if uid not in readers and _started(pod):
                readers[uid] = asyncio.ensure_future(_read(call, wanted, pod, queue))
        await asyncio.gather(*readers.values(), return_exceptions=True)
        await queue.put(None)
    finally:
        for task in (picking, *readers.values()):
            task.cancel()
        await asyncio.gather(picking, *readers.values(), return_exceptions=True)


async def _read(
    call: Call, wanted: Wanted, pod: Manifest, queue: asyncio.Queue[Line | None]
) -> None:
    async with aclosing(_lines(call, wanted, pod, follow=True)) as found:
        async for line in found:
            await queue.put(line)


async def _finished(call: Call, wanted: Wanted) -> None:
    """Return when the workflow has completed or is gone."""
    query = {"fieldSelector": f"metadata.name={wanted.workflow}"}
    while True:
        found = await call.kube.list(WORKFLOWS, wanted.namespace, query)
        if not found["items"] or _is_over(found["items"][0]):
            return
        version = found["metadata"]["resourceVersion"]
        asked = {**query, "resourceVersion": version}
        async with call.kube.watch(WORKFLOWS, wanted.namespace, asked) as events:
            async for kind, workflow in events:
                if kind == "DELETED" or _is_over(workflow):
                    return


# -- one pod ----------------------------------------------------------------------------------


async def _lines(
    call: Call, wanted: Wanted, pod: Manifest, *, follow: bool = False
) -> AsyncGenerator[Line, None]:
    """The lines of one pod that are wanted; none when it has no logs (any more)."""
    name = pod["metadata"]["name"]
    query = {**wanted.options, "container": wanted.container or _container(pod)}
    if follow:
        query["follow"] = "true"
    try:
        async with call.kube.stream(POD.path(wanted.namespace, name, "log"), query) as pieces:
            async for raw in lines(pieces):
                time, _, rest = raw.decode(errors="replace").partition(" ")
                if wanted.shown(rest):
                    yield Line(time, name, f"{time} {rest}" if wanted.timestamps else rest)
    except ApiStatus:
        return


def _container(pod: Manifest) -> str:
    found = [each["name"] for each in pod["spec"]["containers"]]
    return "main" if "main" in found else str(found[0])


async def _pods(call: Call, wanted: Wanted) -> list[Manifest]:
    found: list[Manifest] = (await call.kube.list(POD, wanted.namespace, wanted.pods))["items"]
    return found


def _started(pod: Manifest) -> str:
    """When the pod began, "" while it is pending."""
    status: Any = pod.get("status") or {}
    if status.get("phase") in (None, "", "Pending"):
        return ""
    return str(status.get("startTime") or pod["metadata"]["creationTimestamp"])


def _is_over(workflow: Manifest) -> bool:
    phase = (workflow.get("status") or {}).get("phase")
    return phase in ("Succeeded", "Failed", "Error")
