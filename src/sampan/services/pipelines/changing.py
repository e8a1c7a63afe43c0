"""What is done with a run, be it a Run or an Argo Workflow: put away, brought back, ended, tried
again, deleted. Both versions of the API ask for it in the same way.

Upstream: server/run_server.go, resource_manager.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sampan.kube import labels, names
from sampan.kube.runs import ARCHIVED, AVAILABLE
from sampan.services.pipelines import runs, workflows
from sampan.services.pipelines.call import Call, Row


async def archive(call: Call) -> Mapping[str, Any]:
    found = await workflows.find(call, "patch")
    if not workflows.is_workflow(found):
        return await runs.archive(call)
    await workflows.store(call, found, ARCHIVED)
    return {}


async def unarchive(call: Call) -> Mapping[str, Any]:
    found = await workflows.find(call, "patch")
    if not workflows.is_workflow(found):
        return await runs.unarchive(call)
    await runs.check_experiment(call, labels.of(found.run).get(names.LABEL_EXPERIMENT_ID, ""))
    await workflows.store(call, found, AVAILABLE)
    return {}


async def terminate(call: Call) -> Mapping[str, Any]:
    found = await workflows.find(call, "patch")
    if not workflows.is_workflow(found):
        return await runs.terminate(call)
    await workflows.terminate(call, found)
    return {}


async def retry(call: Call) -> Mapping[str, Any]:
    found = await workflows.find(call, "update")
    if not workflows.is_workflow(found):
        return await runs.retry(call)
    await workflows.retry(call, found)
    return {}


async def delete(call: Call) -> Mapping[str, Any]:
    found = await workflows.find(call, "delete")
    if not workflows.is_workflow(found):
        return await runs.delete(call)
    await workflows.delete(call, found)
    return {}


_ONE = "apis/v2beta1/runs/{run_id}"
ROWS: Sequence[Row] = (
    ("DELETE", _ONE, delete),
    ("POST", f"{_ONE}:archive", archive),
    ("POST", f"{_ONE}:unarchive", unarchive),
    ("POST", f"{_ONE}:terminate", terminate),
    ("POST", f"{_ONE}:retry", retry),
)
