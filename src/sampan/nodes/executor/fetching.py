"""The container of a driver, seen from outside: its program serves, and what comes of it counts.

Upstream, the executor runs in that container and has the program as its child. Here the program is
the container's process, and the control plane does the executor's part: it asks a driver that runs
before the main container for the artifacts that are its, writes down how that went, and ends it.
That, and not how the program ended, is the container's end.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from sampan.kube import argoexec
from sampan.nodes.compose import Directories
from sampan.nodes.executor import artifacts
from sampan.nodes.executor.job import FAULT, Failed, Job
from sampan.nodes.life.seen import Run

log = logging.getLogger(__name__)

_GRACE = 30.0
_STARTED = ("", "Error", "Completed")


class Verdict(Struct, frozen=True):
    code: int
    message: str = ""


def driver_of(spec: Mapping[str, Any]) -> str:
    """The driver that a container runs to fetch artifacts; "" for any other one."""
    if argoexec.program(spec.get("command")) != argoexec.DRIVER_INIT:
        return ""
    return str(spec["name"]).removeprefix(argoexec.DRIVER_INITS)


async def fetch(job: Job) -> None:
    """Have the driver of a container that has begun fetch what is its, and end it."""
    try:
        await artifacts.load(job, driver_of(job.spec))
        verdict = Verdict(0)
    except Failed as failure:
        verdict = Verdict(FAULT, str(failure))
    except Exception as error:
        log.exception("%s: the executor failed", job.spec["name"])
        verdict = Verdict(FAULT, f"{type(error).__name__}: {error}")
    path = _path(job.place)
    draft = path.with_suffix(".new")
    draft.write_bytes(msgspec.json.encode(verdict))
    draft.replace(path)
    job.pod.stop(job.spec["name"], _GRACE)


def judged(spec: Mapping[str, Any], run: Run, place: Directories) -> Run:
    """What an attempt that has ended comes to. As upstream's sidecar of a driver, one beside the
    main container never fails, once it has started."""
    program = argoexec.program(spec.get("command"))
    if run.code is None or run.reason not in _STARTED:
        return run
    if program == argoexec.DRIVER_SIDECAR:
        return replace(run, code=0, reason="")
    if program != argoexec.DRIVER_INIT:
        return run
    try:
        verdict = msgspec.json.decode(_path(place).read_bytes(), type=Verdict)
    except FileNotFoundError:
        said = f"plugin {driver_of(spec)} ended before its artifacts were loaded"
        verdict = Verdict(FAULT, f"{said} (exit code {run.code})")
    return replace(run, code=verdict.code, reason="", message=verdict.message)


def _path(place: Directories) -> Path:
    return place.logs / "verdict"
