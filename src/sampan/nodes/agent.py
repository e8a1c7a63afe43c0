"""Logs, commands and ports of this node's pods, for whoever asks: `kube.streams.NodeAgent`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from sampan.kube.errors import BadRequest, NotFound
from sampan.kube.keys import Manifest
from sampan.kube.streams import LogOptions
from sampan.nodes import dial, execute, logs
from sampan.nodes.cell import identity
from sampan.nodes.context import Context
from sampan.nodes.inside import is_inside
from sampan.nodes.meter import Meter
from sampan.nodes.supervisor.client import Gone

_STATUSES = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
_SECTIONS = ("containers", "initContainers", "ephemeralContainers")


class Agent:
    def __init__(self, context: Context) -> None:
        self._context = context
        self.meter = Meter(context.name, context.client.list, context.now)

    async def logs(self, pod: Manifest, options: LogOptions) -> AsyncIterator[bytes]:
        """The container's log; BadRequest while there is none."""
        container = _container(pod, options.container)
        attempt = self._attempt(pod, options.container)
        if attempt is None and is_inside(container) and _has_begun(pod, options):
            return _silence()
        if options.previous:
            attempt = attempt - 1 if attempt is not None else None
        directory = self._directory(pod, options.container, attempt)
        if attempt is None or attempt < 0 or not directory.is_dir():
            raise BadRequest(_nothing(pod, options))
        started = identity(pod["metadata"]["uid"], options.container, attempt)
        ours = is_inside(container)
        grows = logs.Looks() if ours else self._context.client
        return logs.stream(grows, directory, started, options)

    async def execute(
        self, pod: Manifest, container: str, command: Sequence[str], *, stdin: bool, tty: bool
    ) -> execute.Running:
        running = self._running(pod, container)
        cwd = _container(pod, container).get("workingDir") or "/"
        return await execute.run(
            self._context.client, running, command, stdin=stdin, tty=tty, cwd=cwd
        )

    async def attach(self, pod: Manifest, container: str, *, stdin: bool, tty: bool) -> Attached:
        """The container's own streams from now on."""
        running = self._running(pod, container)
        attempt = self._attempt(pod, container) or 0
        try:
            fd, size = await self._context.client.attach(running)
        except Gone as error:
            raise BadRequest(f"cannot attach to {container}: {error}") from error
        if fd >= 0 and not stdin and not tty:
            os.close(fd)
            fd = -1
        once = bool(_container(pod, container).get("stdinOnce"))
        directory = self._directory(pod, container, attempt)
        return Attached(self._context, running, directory, (fd, size, tty, once))

    async def dial(self, pod: Manifest, port: int) -> dial.Connected:
        return await dial.connect(pod, port, self._context.networking)

    def _running(self, pod: Manifest, container: str) -> str:
        _container(pod, container)
        attempt = self._attempt(pod, container)
        directory = self._directory(pod, container, attempt)
        if attempt is None or not directory.is_dir() or (directory / "exit").exists():
            name = pod["metadata"]["name"]
            raise BadRequest(f'container "{container}" in pod "{name}" is not running')
        return identity(pod["metadata"]["uid"], container, attempt)

    def _directory(self, pod: Manifest, container: str, attempt: int | None) -> Path:
        base = self._context.pod_directory(pod["metadata"]["uid"]) / "containers"
        return base / f"{container}.{attempt}"

    def _attempt(self, pod: Manifest, container: str) -> int | None:
        """The newest attempt of which there is anything on disk."""
        base = self._context.pod_directory(pod["metadata"]["uid"]) / "containers"
        try:
            entries = os.listdir(base)
        except OSError:
            return None
        found = [name.rpartition(".") for name in entries]
        return max((int(number) for name, _, number in found if name == container), default=None)


class Attached:
    """A `Process` that is the container itself: what it says from now on, and its stdin."""

    def __init__(
        self, context: Context, running: str, directory: Path, state: tuple[int, int, bool, bool]
    ) -> None:
        """`state` is (descriptor of stdin or -1, size of the log so far, tty, stdinOnce)."""
        self._context = context
        self._identity = running
        self._directory = directory
        self._fd, self._offset, self._tty, self._once = state
        if self._fd >= 0:
            os.set_blocking(self._fd, False)

    async def write(self, data: bytes) -> None:
        if self._fd >= 0:
            await execute.write_all(self._fd, data)

    async def close_stdin(self) -> None:
        if self._fd < 0 or self._tty:
            return
        self._close()
        if self._once:
            await self._context.client.close_stdin(self._identity)

    async def resize(self, width: int, height: int) -> None:
        if self._fd >= 0 and self._tty:
            execute.set_size(self._fd, width, height)

    async def output(self) -> AsyncIterator[tuple[int, bytes]]:
        async for stream, data in logs.follow(
            self._context.client, self._directory, self._identity, self._offset
        ):
            yield stream, data
        self._close()

    async def wait(self) -> int:
        """The container's own exit code."""
        size = -1
        while not (self._directory / "exit").exists():
            try:
                await self._context.client.grown(self._identity, size)
            except Gone:
                return 137
            size = logs.size_of(self._directory)
            await asyncio.sleep(0)
        return logs.exit_code(self._directory)

    async def kill(self) -> None:
        """Who leaves an attachment leaves the container running."""
        self._close()

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _container(pod: Manifest, name: str) -> dict[str, Any]:
    for section in _SECTIONS:
        for container in pod["spec"].get(section) or ():
            if container["name"] == name:
                return dict(container)
    raise NotFound(f"container {name} is not valid for pod {pod['metadata']['name']}")


def _has_begun(pod: Manifest, options: LogOptions) -> bool:
    return any(
        status["name"] == options.container and "waiting" not in (status.get("state") or {})
        for statuses in _STATUSES
        for status in (pod.get("status") or {}).get(statuses) or ()
    )


async def _silence() -> AsyncIterator[bytes]:
    """The log of a container that has said nothing."""
    yield b""


def _nothing(pod: Manifest, options: LogOptions) -> str:
    name, container = pod["metadata"]["name"], options.container
    if options.previous:
        return f'previous terminated container "{container}" in pod "{name}" not found'
    reason = "ContainerCreating"
    for statuses in _STATUSES:
        for status in (pod.get("status") or {}).get(statuses) or ():
            if status["name"] == container:
                waiting = (status.get("state") or {}).get("waiting") or {}
                reason = waiting.get("reason", reason)
    return f'container "{container}" in pod "{name}" is waiting to start: {reason}'
