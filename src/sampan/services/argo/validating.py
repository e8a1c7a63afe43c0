"""Validation before anything is stored: the Argo Server refuses what could never run.

The API server itself takes such objects, as it would without Argo's server before it. The
WorkflowTemplates that an object leads to are read as the caller. A body of the wrong shape is left
to the API server, which names the field. Upstream: argo-workflows server/workflow
workflow_server.go, workflow/validate.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from sampan.kinds.workflows import spelling
from sampan.kinds.workflows.resolve import references
from sampan.kinds.workflows.validate import manifests
from sampan.kube.errors import ApiStatus
from sampan.kube.keys import Manifest
from sampan.services.argo.call import CLUSTER_TEMPLATES, CRON_WORKFLOWS, TEMPLATES, Call
from sampan.services.argo.errors import invalid
from sampan.services.kube import Resource


async def refuse(call: Call, resource: Resource, manifest: Manifest, *, lint: bool = False) -> None:
    """Raises Refused with the first fault. lint: values of arguments may come later."""
    copy = {**deepcopy(dict(manifest)), "kind": resource.kind}
    copy["metadata"] = copy.get("metadata") or {}
    try:
        (spelling.cron if resource is CRON_WORKFLOWS else spelling.workflow)(copy)
        library = await _library(call, copy)
        found = manifests.problems(copy, library, lint=lint)
    except (AttributeError, KeyError, TypeError):
        return
    if found:
        raise invalid(found[0].message)


async def _library(call: Call, manifest: Manifest) -> references.Library:
    """The specs of all WorkflowTemplates that can be reached, by home."""
    found: dict[str, Mapping[str, Any]] = {}
    seen, queue = set[str](), [_spec(manifest)]
    while queue:
        for home in references.homes(queue.pop()):
            if home not in seen:
                seen.add(home)
                if (spec := await _fetched(call, home)) is not None:
                    found[home] = spec
                    queue.append(spec)
    return found


def _spec(manifest: Manifest) -> Mapping[str, Any]:
    spec = manifest.get("spec") or {}
    inner: Mapping[str, Any] = spec.get("workflowSpec") or spec
    return inner


async def _fetched(call: Call, home: str) -> Mapping[str, Any] | None:
    scope, _, name = home.partition("/")
    resource = CLUSTER_TEMPLATES if scope == "cluster" else TEMPLATES
    try:
        found = await call.kube.get(resource, call.namespace, name)
    except ApiStatus:
        return None
    spec: Mapping[str, Any] = found["spec"]
    return spec
