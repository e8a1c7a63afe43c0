"""What is wrong with a manifest before it is written: the API server's word, then the validator's.

The API server stores what upstream's CRDs let through; upstream's Argo Server refuses more, and so
does this one, with the validator's messages. Templates are read as the caller.
Upstream: argo-workflows workflow/validate, called by each of its servers before it writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.kinds.workflows.resolve import references
from sampan.kinds.workflows.validate import manifests
from sampan.kube.errors import NotFound
from sampan.kube.keys import Manifest
from sampan.services.argo.call import CLUSTER_TEMPLATES, TEMPLATES, Call
from sampan.services.errors import invalid
from sampan.services.kube import Resource

DRY = {"dryRun": "All"}


async def check(
    call: Call, resource: Resource, manifest: Manifest, *, lint: bool = False
) -> Manifest:
    """What a create would store. Raises ApiStatus, and Refused for what is wrong with it."""
    asked = _nameless(manifest) if lint else manifest
    whole = await call.kube.create(resource, call.namespace, asked, DRY)
    name = (manifest.get("metadata") or {}).get("name") or ""
    await _judge(call, {**whole, "metadata": {**whole["metadata"], "name": name}}, lint=lint)
    return whole


async def check_update(call: Call, resource: Resource, manifest: Manifest) -> None:
    """The same for a PUT."""
    whole = await call.kube.replace(resource, call.namespace, manifest, DRY)
    await _judge(call, whole, lint=False)


async def _judge(call: Call, manifest: Manifest, *, lint: bool) -> None:
    spec = manifest.get("spec") or {}
    spec = spec.get("workflowSpec") or spec
    found = await _library(call, spec)
    if reference := spec.get("workflowTemplateRef"):
        home = references.home_of(reference)
        if home not in found:
            raise invalid(references.absent(home))
    if problems := manifests.problems(manifest, found, lint=lint):
        raise invalid(problems[0].message)  # upstream says one at a time


async def _library(call: Call, spec: Mapping[str, Any]) -> references.Library:
    """The WorkflowTemplates that the spec leads to, one after the other."""
    found: dict[str, Mapping[str, Any]] = {}
    seen, queue = set[str](), [spec]
    while queue:
        for home in references.homes(queue.pop()):
            if home not in seen:
                seen.add(home)
                if (template := await _template(call, home)) is not None:
                    found[home] = template["spec"]
                    queue.append(template["spec"])
    return found


async def _template(call: Call, home: str) -> Manifest | None:
    scope, _, name = home.partition("/")
    resource = CLUSTER_TEMPLATES if scope == "cluster" else TEMPLATES
    if not name:
        return None
    try:
        return await call.kube.get(resource, call.namespace, name)
    except NotFound:
        return None


def _nameless(manifest: Manifest) -> Manifest:
    """With a name to be made: what is linted may have none yet, or that of one that is there."""
    meta = {k: v for k, v in (manifest.get("metadata") or {}).items() if k != "name"}
    return {**manifest, "metadata": {**meta, "generateName": "lint-"}}
