"""Trying: whether an Argo Workflow that is to be a pipeline or a run could ever begin.

The API server stores what upstream's CRDs let through; what its servers refuse beyond that is found
by the validator. What a template of the cluster says is left to the run.
Upstream: backend/src/apiserver/template/argo_template.go ValidateWorkflow.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sampan.kinds.pipelines import legacy
from sampan.kinds.workflows.validate import manifests
from sampan.kube.errors import Forbidden
from sampan.kube.keys import Manifest
from sampan.services.errors import invalid
from sampan.services.kube import workflows_resource
from sampan.services.pipelines.call import Call

WORKFLOW = workflows_resource("workflows", "Workflow")


async def check_pipeline(call: Call, document: Mapping[str, Any], namespace: str) -> None:
    """Values of parameters may come later. Raises ApiStatus, Refused."""
    run_id = str(uuid.uuid4())
    about = legacy.About(name=f"try-{run_id}", namespace=namespace, run_id=run_id, display_name="")
    await check(call, legacy.run(dict(document), about), namespace, lint=True)


async def check(call: Call, workflow: Manifest, namespace: str, *, lint: bool = False) -> None:
    """Who may not run it learns that when it is run. Raises ApiStatus, Refused."""
    try:
        whole = await call.kube.create(WORKFLOW, namespace, workflow, {"dryRun": "All"})
    except Forbidden:
        return
    if problems := manifests.problems(whole, None, lint=lint):
        raise invalid(problems[0].message)  # upstream says one at a time
