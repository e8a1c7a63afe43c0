"""The WorkflowTaskResult of a node: what its executor has to say to the controller.

Written once at the end, and before that only for progress. Named like the node, owned by the pod.
Upstream: argo-workflows workflow/executor/taskresult.go.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

from sampan.kube import argoexec, names
from sampan.kube.errors import AlreadyExists, ApiStatus, Forbidden, Invalid, NotFound, TooLarge
from sampan.kube.keys import Key, Manifest
from sampan.nodes.executor.job import Failed, Job

_FINAL = (Forbidden, Invalid, NotFound, TooLarge)
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0


async def report(job: Job, body: Manifest, *, complete: bool) -> None:
    """Say this of the node; what was said before and is not mentioned stays. Failed when the
    cluster will never take it."""
    pause = _FIRST_PAUSE
    while True:
        try:
            await _write(job, body, complete=complete)
            return
        except _FINAL as error:
            raise Failed(f"failed to report outputs: {error.message}") from error
        except ApiStatus as error:
            job.log(f"level=warning msg={('failed to patch task result: ' + error.message)!r}")
        await asyncio.sleep(pause * random.uniform(1.0, 1.2))
        pause = min(pause * 2, _LONGEST_PAUSE)


async def _write(job: Job, body: Manifest, *, complete: bool) -> None:
    pod = job.manifest["metadata"]
    labels = {
        names.LABEL_WORKFLOW: job.env.get(argoexec.WORKFLOW_NAME, ""),
        names.LABEL_OUTPUTS_REPORTED: str(complete).lower(),
    }
    owner: dict[str, Any] = {
        "apiVersion": "v1", "kind": "Pod", "name": pod["name"], "uid": pod["uid"],
    }  # fmt: skip
    node, namespace = job.env.get(argoexec.NODE_ID, ""), pod["namespace"]
    metadata = {
        "name": node,
        "namespace": namespace,
        "labels": labels,
        "ownerReferences": [owner],
    }
    kind, _, group = names.WORKFLOW_TASK_RESULT.partition(".")
    head = {"apiVersion": f"{group}/v1alpha1", "kind": kind}
    try:
        await job.cluster.create({**head, "metadata": metadata, **body})
    except AlreadyExists:
        key = Key(names.WORKFLOW_TASK_RESULT, namespace, node)
        # The owner as well: it may be left from an earlier pod, and would be collected with that.
        about = {"labels": labels, "ownerReferences": [owner]}
        await job.cluster.patch(key, {"metadata": about, **body})
