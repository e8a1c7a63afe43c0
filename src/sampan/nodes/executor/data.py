"""`argoexec data`: the keys of artifacts, transformed by expressions, as the node's result.

Upstream: argo-workflows workflow/executor/data.go, workflow/data/data.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from sampan.artifacts import Fault
from sampan.kube import locations
from sampan.lib import expr
from sampan.nodes.executor import artifacts, results
from sampan.nodes.executor.job import Failed, Job


async def run(job: Job) -> None:
    said: dict[str, Any] = {}
    try:
        result = await _result(job)
        said = {"outputs": {**(job.template.get("outputs") or {}), "result": result}}
    except Failed as fault:
        raise Failed(f"unable to process data template: {fault}") from fault
    finally:
        await results.report(job, said, complete=True)


async def _result(job: Job) -> str:
    body = job.template.get("data") or {}
    paths = (body.get("source") or {}).get("artifactPaths")
    if paths is None:
        raise Failed("unable to process data source: no valid source is used for data template")
    try:
        found: Any = await artifacts.keys(job, place_of(paths, job.template.get("archiveLocation")))
    except (Fault, OSError, ValueError) as fault:
        why = f"unable to source artifact paths: {fault}"
        raise Failed(f"unable to process data source: {why}") from fault
    return await asyncio.to_thread(transformed, found, body.get("transformation") or ())


def place_of(paths: Mapping[str, Any], archive: Mapping[str, Any] | None) -> dict[str, Any]:
    """Where to look: what the source does not say, the archive location does, but for its key.
    ValueError when nobody does."""
    kind = locations.kind_of(paths)
    said = paths.get(kind) or {}
    given = {key: value for key, value in said.items() if value not in ("", None)}
    whole = locations.relocated(paths, archive)
    kind = locations.kind_of(whole)
    return {**whole, kind: {**whole[kind], **given}}


def transformed(data: Any, steps: Any) -> str:
    """The data after all steps, as JSON. Raises Failed."""
    for number, step in enumerate(steps):
        if not (source := step.get("expression")):
            continue
        try:
            data = expr.compile(source).run({"data": data})
        except expr.Mistake as mistake:
            why = f"error processing data step {number}: {mistake}"
            raise Failed(f"unable to process data transformation: {why}") from mistake
    return expr.marshal(data)
