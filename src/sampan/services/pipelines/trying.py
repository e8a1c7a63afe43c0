"""Trying: whether the cluster would take an Argo Workflow that is to be a pipeline."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sampan.kinds.pipelines import legacy
from sampan.kube.errors import Forbidden
from sampan.services.kube import workflows_resource
from sampan.services.pipelines.call import Call

WORKFLOW = workflows_resource("workflows", "Workflow")


async def check(call: Call, document: Mapping[str, Any], namespace: str) -> None:
    """Raises ApiStatus: what its admission finds. Who may not run it learns that later."""
    about = legacy.About(
        name=f"try-{uuid.uuid4().hex}",
        namespace=namespace,
        run_id=str(uuid.uuid4()),
        display_name="",
    )
    manifest = legacy.run(dict(document), about)
    try:
        await call.kube.create(WORKFLOW, namespace, manifest, {"dryRun": "All"})
    except Forbidden:
        return
