"""`argoexec artifact delete`: delete the artifacts that this pod's tasks name, and say of each how
it went.

An artifact that cannot be deleted is a result, not a fault of the pod.
Upstream: argo-workflows cmd/argoexec/commands/artifact/delete.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from sampan.artifacts import Fault, Secrets
from sampan.kube import argoexec, locations, names, selectors
from sampan.kube.errors import ApiStatus
from sampan.kube.keys import Manifest, key_of
from sampan.nodes.executor import drivers
from sampan.nodes.executor.artifacts import secrets_of
from sampan.nodes.executor.job import Failed, Job

AGAIN = (0.5, 2.0)
"""Seconds before another attempt, for servers that are slow to answer."""
_GRACE = 30.0  # seconds for a driver to end


async def run(job: Job) -> None:
    command = job.spec.get("command") or []
    if command[2:3] != ["delete"]:
        raise Failed(f'unknown command "{" ".join(command[2:3])}" for "argoexec artifact"')
    try:
        await _carry_out_all(job)
    finally:
        await drivers.end(job, _GRACE)
    job.log("level=info msg='artifacts deleted'")


async def _carry_out_all(job: Job) -> None:
    label = {argoexec.LABEL_GC_POD: job.env.get(argoexec.GC_POD, "")}
    namespace = job.manifest["metadata"]["namespace"]
    await job.cluster.mirror(names.WORKFLOW_ARTIFACT_GC_TASK)
    for task in job.cluster.list(
        names.WORKFLOW_ARTIFACT_GC_TASK, namespace, selectors.from_selector({"matchLabels": label})
    ):
        await _carry_out(job, task)


async def _carry_out(job: Job, task: Manifest) -> None:
    secrets = secrets_of(job)
    results: dict[str, Any] = {}
    for node, wanted in task["spec"]["artifactsByNode"].items():
        said = {
            name: await _delete(job, artifact, wanted.get("archiveLocation"), secrets)
            for name, artifact in (wanted.get("artifacts") or {}).items()
        }
        results[node] = {"artifactResults": said}
    status = {"status": {"artifactResultsByNode": results}}
    try:
        await job.cluster.patch(key_of(task), status, subresource="status")
    except ApiStatus as error:
        raise Failed(f"failed to report what was deleted: {error.message}") from error


async def _delete(
    job: Job, artifact: Manifest, place: Mapping[str, Any] | None, secrets: Secrets
) -> dict[str, Any]:
    name, namespace = artifact["name"], job.manifest["metadata"]["namespace"]
    fault = ""
    for pause in (*AGAIN, None):
        try:
            whole = locations.relocated(artifact, place)
            if locations.driver_of(whole):
                await drivers.delete(job, whole)
            else:
                await asyncio.to_thread(job.artifacts.delete, whole, secrets, namespace=namespace)
            return {"name": name, "success": True}
        except (Fault, ValueError) as error:
            fault = str(error)
        job.log(f"level=warning msg={f'artifact {name}: {fault}'!r}")
        if pause is not None:
            await asyncio.sleep(pause)
    return {"name": name, "success": False, "error": fault}
