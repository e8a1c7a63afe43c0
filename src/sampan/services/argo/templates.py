"""WorkflowTemplates, ClusterWorkflowTemplates and CronWorkflows: create, get, list, update, delete,
lint. They differ in what their bodies are called.

Upstream: argo-workflows server/{workflowtemplate,clusterworkflowtemplate,cronworkflow}.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sampan.kube.keys import Manifest
from sampan.services.argo import creator
from sampan.services.argo.call import CLUSTER_TEMPLATES, CRON_WORKFLOWS, TEMPLATES, Call
from sampan.services.argo.checking import check, check_update
from sampan.services.errors import invalid
from sampan.services.kube import Resource


class Stored(Struct, frozen=True):
    """One kind. `field` holds the object in bodies; `missing` is what a body without it is told."""

    resource: Resource
    field: str
    missing: str

    async def create(self, call: Call) -> Manifest:
        manifest = creator.created(call.given(self.field, self.missing), call.caller)
        options = call.body.get("createOptions")
        stored = await check(call, self.resource, manifest)
        if isinstance(options, dict) and options.get("dryRun"):
            return stored
        return await call.kube.create(self.resource, call.namespace, manifest)

    async def get(self, call: Call) -> Manifest:
        return await call.kube.get(self.resource, call.namespace, call.name)

    async def list(self, call: Call) -> Mapping[str, Any]:
        query = dict(call.list_options)
        limit, after = call.number("listOptions.limit"), call.query("listOptions.continue")
        pattern = call.query("namePattern")
        if not pattern:
            query |= {"limit": str(limit)} if limit > 0 else {}
            query |= {"continue": after} if after else {}
            found = await call.kube.list(self.resource, call.namespace, query)
            return {"metadata": found["metadata"], "items": sorted(found["items"], key=_place)}
        found = await call.kube.list(self.resource, call.namespace, query)
        items = [each for each in found["items"] if pattern in each["metadata"]["name"]]
        return _page(found["metadata"], items, limit, after)

    async def update(self, call: Call) -> Manifest:
        manifest = creator.acted(call.given(self.field, self.missing), call.caller, "Update")
        meta = manifest["metadata"]
        if call.path.get("name") and not meta.get("name"):
            manifest = {**manifest, "metadata": {**meta, "name": call.name}}
        elif meta.get("name") != call.name:
            raise invalid(f'the name in the path is "{call.name}", that in the body is another')
        await check_update(call, self.resource, manifest)
        return await call.kube.replace(self.resource, call.namespace, manifest)

    async def delete(self, call: Call) -> Mapping[str, Any]:
        await call.kube.delete(self.resource, call.namespace, call.name, _options(call))
        return {}

    async def lint(self, call: Call) -> Manifest:
        manifest = creator.created(call.given(self.field, self.missing), call.caller)
        await check(call, self.resource, manifest, lint=True)
        return manifest


WORKFLOW_TEMPLATES = Stored(
    TEMPLATES, "template", "workflow template was not found in the request body"
)
CLUSTER = Stored(
    CLUSTER_TEMPLATES, "template", "cluster workflow template was not found in the request body"
)
CRON = Stored(CRON_WORKFLOWS, "cronWorkflow", "cron workflow was not found in the request body")


async def suspend_cron(call: Call) -> Manifest:
    return await _set_suspend(call, True)


async def resume_cron(call: Call) -> Manifest:
    return await _set_suspend(call, False)


async def _set_suspend(call: Call, suspend: bool) -> Manifest:
    patch = {"spec": {"suspend": suspend}}
    return await call.kube.patch(CRON_WORKFLOWS, call.namespace, call.name, patch)


def _options(call: Call) -> dict[str, Any]:
    policy = call.query("deleteOptions.propagationPolicy")
    return {"propagationPolicy": policy} if policy else {}


def _page(meta: Any, items: list[Manifest], limit: int, after: str) -> Mapping[str, Any]:
    """With a name pattern upstream pages by resourceVersions, the newest first."""
    items.sort(key=_version, reverse=True)
    if after.isdecimal():
        items = [each for each in items if _version(each) < int(after)]
    if limit > 0:
        items = items[:limit]
    meta = {key: value for key, value in meta.items() if key != "continue"}
    if limit > 0 and len(items) == limit:
        meta["continue"] = items[-1]["metadata"]["resourceVersion"]
    return {"metadata": meta, "items": sorted(items, key=_place)}


def _version(manifest: Manifest) -> int:
    return int(manifest["metadata"]["resourceVersion"])


def _place(manifest: Manifest) -> tuple[str, str]:
    meta = manifest["metadata"]
    return meta.get("namespace") or "", meta["name"]
