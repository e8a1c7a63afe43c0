"""`argoexec wait`: what becomes of a template's outputs once its main container has ended.

    main ends -> sidecars are told to end -> result, parameters, artifacts, logs -> one report

A fault in any of them is the container's, not the main one's, and does not keep the others from
being reported. Upstream: argo-workflows workflow/executor/{postmain,executor}.go.
"""

from __future__ import annotations

import asyncio
from typing import Any

from sampan.kube import argoexec
from sampan.kube.keys import Manifest
from sampan.kube.times import parse
from sampan.nodes.executor import artifacts, drivers, outputs, progress, results
from sampan.nodes.executor.job import Failed, Job, mains_of

_GRACE = 30.0
_AGAIN = 0.2
LATE = "Step exceeded its deadline"


async def run(job: Job) -> None:
    try:
        await _run(job)
    finally:
        await drivers.end(job, _grace(job))


async def _run(job: Job) -> None:
    template = job.template
    await _main_ended(job, mains_of(template))
    for sidecar in template.get("sidecars") or ():
        job.pod.stop(sidecar["name"], _grace(job))
    faults: list[str] = []
    # A resource template tells of its outputs itself: only its log is left to us.
    said = {} if template.get("resource") else await _values(job, faults)
    if saved := await artifacts.save(job, faults):
        said["artifacts"] = saved
    body: Manifest = {"outputs": said} if said else {}
    await results.report(job, body, complete=True)
    if faults:
        raise Failed(faults[0])


async def _values(job: Job, faults: list[str]) -> dict[str, Any]:
    """The result and the parameters, as far as they can be had."""
    said: dict[str, Any] = dict(job.template.get("outputs") or {})
    said.pop("artifacts", None)
    if job.env.get(argoexec.WITH_RESULT) == "true" and _has_main(job.template):
        try:
            said["result"] = await asyncio.to_thread(outputs.result, job)
        except (Failed, OSError) as fault:
            faults.append(str(fault))
    if declared := said.get("parameters"):
        fault_of_one = await asyncio.to_thread(outputs.parameters, job, declared)
        faults += [fault_of_one] if fault_of_one else []
    return said


async def _main_ended(job: Job, mains: list[str]) -> None:
    """Returns when the template's own containers have ended. When they may run no longer, they are
    told to; when we are, so have they been, and there is little time."""
    ended = asyncio.ensure_future(job.ended(mains))
    told = asyncio.ensure_future(job.told.wait())
    watching = asyncio.ensure_future(progress.watch(job))
    try:
        left = _left(job)
        await asyncio.wait({ended, told}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done() and not told.done():
            job.message = LATE
            await _stop(job, mains, {ended, told})
        if not ended.done():
            await asyncio.wait({ended}, timeout=_grace(job) * 0.8)
    finally:
        for task in (ended, told, watching):
            task.cancel()


async def _stop(job: Job, mains: list[str], over: set[asyncio.Future[Any]]) -> None:
    """Tell them to end, also those that begin only now."""
    while not any(each.done() for each in over):
        for name in mains:
            job.pod.stop(name, _grace(job))
        await asyncio.wait(over, timeout=_AGAIN, return_when=asyncio.FIRST_COMPLETED)


def _left(job: Job) -> float | None:
    text = job.env.get(argoexec.DEADLINE) or argoexec.NEVER
    if text == argoexec.NEVER:
        return None
    return max(0.0, (parse(text) - job.clock.now()).total_seconds())


def _grace(job: Job) -> float:
    return float(job.manifest["spec"].get("terminationGracePeriodSeconds", _GRACE))


def _has_main(template: Manifest) -> bool:
    """Whether somebody's standard output can be the result; a data template reports its own."""
    return argoexec.MAIN in mains_of(template) and template.get("data") is None
