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
    """Like a template: values of parameters come later. Raises ApiStatus, Refused."""
    run_id = str(uuid.uuid4())
    about = legacy.About(name=f"try-{run_id}", namespace=namespace, run_id=run_id, display_name="")
    whole = await _stored(call, legacy.run(dict(document), about), namespace)
    spec = {field: value for field, value in whole["spec"].items() if field != "entrypoint"}
    _judge({**whole, "kind": "WorkflowTemplate", "spec": spec}, lint=True)


async def check(call: Call, workflow: Manifest, namespace: str) -> None:
    """Raises ApiStatus, Refused."""
    _judge(await _stored(call, workflow, namespace), lint=False)


async def _stored(call: Call, workflow: Manifest, namespace: str) -> Manifest:
    """As the API server would take it. Who may not run it learns that when it is run."""
    try:
        return await call.kube.create(WORKFLOW, namespace, workflow, {"dryRun": "All"})
    except Forbidden:
        return workflow


def _judge(manifest: Manifest, *, lint: bool) -> None:
    if problems := manifests.problems(manifest, None, lint=lint):
        raise invalid(problems[0].message)  # upstream says one at a time
