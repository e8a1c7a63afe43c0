"""Artifacts that only a driver of the operator's can move: files for it, words to it.

The driver runs in a container of the pod (`init-artifact-…` before the main one,
`artifact-plugin-…` beside it) and listens on a socket in a volume. It is told the path of a file as
it sees it itself, in a directory that the executor knows by its own name. Archives are packed and
unpacked here. Upstream: argo-workflows workflow/executor/executor.go, workflow/artifacts/plugin.
"""

from __future__ import annotations

import asyncio
import os
import posixpath
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from sampan.artifacts import Fault, trees
from sampan.kube import argoexec, locations
from sampan.nodes.executor import service
from sampan.nodes.executor.job import Job

Artifact = Mapping[str, Any]

_PATIENCE = 120
"""Seconds in which the socket has to be there."""
_AGAIN = 0.02
_DRAFT = ".tmp"


async def load(job: Job, artifact: Artifact, inside: str, target: Path) -> None:
    """Have the driver fetch it; put it at `target`, which the driver knows as `inside`. Fault."""
    draft = target.with_name(target.name + _DRAFT)
    await asyncio.to_thread(_make_way, draft)
    try:
        async with _socket(job, artifact) as socket:
            await _asked(service.load(socket, artifact, inside + _DRAFT))
        await asyncio.to_thread(job.artifacts.place, artifact, draft, target)
    finally:
        await asyncio.to_thread(trees.remove, str(draft))


def _make_way(draft: Path) -> None:
    draft.parent.mkdir(parents=True, exist_ok=True)
    trees.remove(str(draft))


def stage(job: Job, artifact: Artifact, source: Path) -> None:
    """Put the file that the driver shall save where it can see it. Fault, OSError."""
    with job.view.pinned(argoexec.OUTPUTS) as found:
        target = Path(found.source, _staged(artifact))
        _make_way(target)
        job.artifacts.pack(artifact, source, target)
        for directory, _, names in os.walk(target):
            os.chmod(directory, 0o755)  # for drivers that are another user
            for name in names:
                with suppress(OSError):
                    path = os.path.join(directory, name)
                    os.chmod(path, os.lstat(path).st_mode | 0o444, follow_symlinks=False)
        if target.is_file():
            target.chmod(0o644)


async def save(job: Job, artifact: Artifact) -> None:
    """Have the driver save what was staged. Fault."""
    path = f"{argoexec.OUTPUTS}/{_staged(artifact)}"
    try:
        async with _socket(job, artifact) as socket:
            await _asked(service.save(socket, artifact, path))
    finally:
        with job.view.pinned(argoexec.OUTPUTS) as found:
            staged = f"{found.source}/{_staged(artifact)}"
            await asyncio.to_thread(trees.remove, staged)


async def delete(job: Job, artifact: Artifact) -> None:
    async with _socket(job, artifact) as socket:
        await _asked(service.delete(socket, artifact))


async def end(job: Job, grace: float) -> None:
    """Nobody needs the drivers beside the main container any more. One that has yet to begin would
    go on for ever."""
    for name in filter(None, job.env.get(argoexec.DRIVER_NAMES, "").split(",")):
        while job.pod.attempt(name) is None:
            with suppress(TimeoutError):
                await asyncio.wait_for(job.told.wait(), _AGAIN)
                return
        job.pod.stop(name, grace)


def _staged(artifact: Artifact) -> str:
    base = posixpath.basename(locations.key_of(artifact).rstrip("/")) or "artifact"
    return f"artifacts/{artifact['name']}/{base}"


async def _asked(call: Any) -> None:
    try:
        await call
    except (service.Refused, OSError) as error:
        raise Fault(str(error)) from error


@asynccontextmanager
async def _socket(job: Job, artifact: Artifact) -> AsyncIterator[str]:
    """The driver's socket by a name that is short enough, once it is there. Fault."""
    name = locations.driver_of(artifact)
    path = argoexec.socket_of(name)
    container = job.env.get(argoexec.CONTAINER_NAME, "")
    if not container.startswith(argoexec.DRIVER_INITS):
        container = f"{argoexec.DRIVER_SIDECARS}{name}"
    try:
        with job.view.pinned(posixpath.dirname(path)) as found:
            directory = os.open(found.source, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise Fault(f"plugin {name} cannot stat unix socket at {path!r}: {error}") from error
    try:
        short = _short(directory, found.source)
        await _there(job, name, container, short)
        yield short
    finally:
        os.close(directory)


def _short(directory: int, source: str) -> str:
    """The socket's name: a long one could not be connected to."""
    below = f"/proc/{os.getpid()}/fd/{directory}"
    return f"{below if os.path.exists(below) else source}/socket"


async def _there(job: Job, name: str, container: str, socket: str) -> None:
    """Wait until the driver listens. Fault."""
    expected = f'plugin {name} expected unix socket at "{argoexec.socket_of(name)}" but '
    try:
        async with asyncio.timeout(_PATIENCE):
            while not _is_there(socket):
                run = job.pod.attempt(container)
                if run is not None and run.code is not None:
                    raise Fault(f"{expected}{container} has ended")
                await asyncio.sleep(_AGAIN)
    except TimeoutError:
        said = f"{expected}it does not exist after waiting for {_PATIENCE} seconds"
        raise Fault(said) from None


def _is_there(path: str) -> bool:
    return os.path.lexists(path)
