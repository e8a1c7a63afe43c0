"""Workflows: create, lint, get, delete. Changes of running ones are in `changes`.

Upstream: argo-workflows server/workflow/workflow_server.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from sampan.kube.errors import ApiStatus, NotFound
from sampan.kube.keys import Manifest
from sampan.services.argo import creator, fields
from sampan.services.argo.call import WORKFLOWS, Call
from sampan.services.argo.checking import check
from sampan.services.argo.listing import Archive, whole
from sampan.services.errors import not_found

LATEST = "@latest"
FIRST_LOOK = 2.0
"""Seconds that a create waits for the controller. Clients read `status.phase` right after a create
(hera stops when there is none), so the answer is given when the controller has written it; one that
is busy for longer is not waited for."""


async def create(call: Call) -> Manifest:
    given = call.given("workflow", "workflow body not specified")
    workflow = creator.created(given, call.caller)
    options = call.body.get("createOptions")
    stored = await check(call, WORKFLOWS, workflow)
    if call.flag("serverDryRun"):
        return stored
    if isinstance(options, dict) and options.get("dryRun"):
        return workflow
    made = await call.kube.create(WORKFLOWS, call.namespace, workflow)
    return await looked_at(call, made)


async def lint(call: Call) -> Manifest:
    """The workflow, if it could be created; its arguments may come later."""
    given = call.given("workflow", "unable to get a workflow")
    workflow = creator.created(given, call.caller)
    await check(call, WORKFLOWS, workflow, lint=True)
    return workflow


async def get(call: Call, archive: Archive | None) -> Mapping[str, Any]:
    found = await find(call, archive, call.query("uid"))
    wanted = fields.parse(call.query("fields"))
    return whole(wanted.of(found)) if wanted.paths else found


async def delete(call: Call) -> Mapping[str, Any]:
    name = (await find(call, None))["metadata"]["name"]
    if call.asks("force"):
        without = {"metadata": {"finalizers": None}}
        await call.kube.patch(WORKFLOWS, call.namespace, name, without)
    options = {"propagationPolicy": call.query("deleteOptions.propagationPolicy") or "Background"}
    try:
        await call.kube.delete(WORKFLOWS, call.namespace, name, options)
    except NotFound:
        if not call.asks("force"):  # it was being deleted, and had only waited for a finalizer
            raise
    return {}


async def find(call: Call, archive: Archive | None, uid: str = "") -> Manifest:
    """The workflow of the path, or the archived one of that name. Raises ApiStatus, Refused."""
    if call.name == LATEST:
        return await _latest(call)
    try:
        found = await call.kube.get(WORKFLOWS, call.namespace, call.name)
        if not uid or found["metadata"]["uid"] == uid:
            return found
        refusal: Exception = not_found()
    except ApiStatus as error:
        refusal = error
    if archive is not None and await call.kube.may_i("get", WORKFLOWS, call.namespace, call.name):
        kept = await archive.get(uid=uid, namespace=call.namespace, name=call.name)
        if kept is not None and _is_meant(call, kept):
            return kept
    raise refusal


def _is_meant(call: Call, kept: Manifest) -> bool:
    """A uid alone must not lead out of the namespace that the caller was checked for."""
    meta = kept["metadata"]
    return bool(meta.get("namespace") == call.namespace and meta["name"] == call.name)


async def _latest(call: Call) -> Manifest:
    items = (await call.kube.list(WORKFLOWS, call.namespace))["items"]
    if not items:
        raise not_found("no workflows found")
    latest: Manifest = max(items, key=lambda each: each["metadata"]["creationTimestamp"])
    return latest


async def looked_at(call: Call, made: Manifest) -> Manifest:
    """The workflow as it is once the controller has seen it; as it was made when that takes long
    or the caller may not watch."""
    if (made.get("status") or {}).get("phase"):
        return made
    meta = made["metadata"]
    query = {
        "fieldSelector": f"metadata.name={meta['name']}",
        "resourceVersion": meta["resourceVersion"],
    }
    try:
        async with asyncio.timeout(FIRST_LOOK):
            async with call.kube.watch(WORKFLOWS, call.namespace, query) as events:
                async for kind, workflow in events:
                    if kind == "DELETED" or (workflow.get("status") or {}).get("phase"):
                        return workflow
    except (TimeoutError, ApiStatus):
        pass
    return made
