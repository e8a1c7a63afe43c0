"""Watches: events of workflows, and of Kubernetes, as they happen.

Upstream: argo-workflows server/workflow/workflow_server.go WatchWorkflows, WatchEvents.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

import orjson

from sampan.services.argo import fields
from sampan.services.argo.call import WORKFLOWS, Call, Stream
from sampan.services.argo.listing import whole
from sampan.services.argo.workflows import LATEST, find
from sampan.services.kube import EVENT

_PREFIX = "result.object."
_NAMED = "metadata.name="


async def workflows(call: Call) -> Stream:
    """`{"type": "ADDED", "object": {…}}`, for the workflows that there are and each change."""
    query = dict(call.list_options)
    selector = query.get("fieldSelector", "")
    if selector == _NAMED + LATEST:
        call.path = {**call.path, "name": LATEST}
        latest = await find(call, None)
        query["fieldSelector"] = _NAMED + latest["metadata"]["name"]
    return Stream(_workflows(call, query))


async def _workflows(call: Call, query: dict[str, str]) -> AsyncGenerator[bytes, None]:
    wanted = fields.parse(call.query("fields"), _PREFIX)
    async with call.kube.watch(WORKFLOWS, call.namespace, query) as events:
        yield b""
        async for kind, found in events:
            workflow = whole(wanted.of(found)) if wanted.paths else found
            yield orjson.dumps({"type": kind, "object": workflow})


async def events(call: Call) -> Stream:
    """Events of Kubernetes, without saying what became of them."""
    return Stream(_events(call))


async def _events(call: Call) -> AsyncGenerator[bytes, None]:
    async with call.kube.watch(EVENT, call.namespace, call.list_options) as changes:
        yield b""
        async for _, event in changes:
            yield orjson.dumps(event)
