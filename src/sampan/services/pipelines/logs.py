"""Logs: what the pod of a task says or said.

From the pod while there is one, as the caller; else what was kept of it, for who may see the run.
Upstream: server/run_log_server.go.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from sampan.kube import names
from sampan.kube.errors import NotFound
from sampan.kube.launcher import BUCKET, log_key
from sampan.services import files
from sampan.services.errors import not_found
from sampan.services.kube import POD
from sampan.services.pipelines import nodes, runs
from sampan.services.pipelines.call import Call, Row, Streamed
from sampan.services.pipelines.runs import Found

_MAIN = "main"


async def read(call: Call) -> Streamed:
    found = await runs.find(call)
    pod = _pod(call, found)
    return Streamed(_lines(call, found, pod), "text/plain; charset=utf-8", files.SANDBOX)


def _pod(call: Call, found: Found) -> str:
    """The pod that is meant; one of an earlier attempt only by its own name. Raises Refused."""
    run_id, node = call.path["run_id"], call.path["node_id"]
    entry = nodes.find(found.run, node)
    if entry is None:
        if not node.startswith(f"{found.name}-") or "/" in node:
            raise not_found(f"run {run_id} has no node {node}")
        return node
    if pod := entry.get("pod"):
        return str(pod)
    origin = ((entry.get("cache") or {}).get("from") or {}).get("runId")
    why = f"it was taken from the cache, of run {origin}" if origin else "it has no pod"
    raise not_found(f"node {node} of run {run_id} has no log: {why}")


async def _lines(call: Call, found: Found, pod: str) -> AsyncGenerator[bytes, None]:
    try:
        there = await call.kube.get(POD, found.namespace, pod)
        if (there["metadata"].get("labels") or {}).get(names.LABEL_RUN_ID) != call.path["run_id"]:
            raise not_found(f"run {call.path['run_id']} has no pod {pod}")
        query = {"container": _MAIN} | ({"follow": "true"} if call.asks("follow") else {})
        log = POD.path(found.namespace, pod, "log")
        async with call.kube.stream(log, query) as pieces:
            async for piece in pieces:
                yield piece
        return
    except NotFound:
        pass
    uri = f"minio://{BUCKET}/{log_key(call.path['run_id'], pod)}"
    reader = call.parts.artifacts()
    opened = await files.tried(lambda: reader.open(uri, namespace=found.namespace))
    async for piece in files.pieces(opened):
        yield piece


_ONE = "apis/v1alpha1/runs/{run_id}/nodes/{node_id}/log"
ROWS: Sequence[Row] = (("GET", _ONE, read),)
