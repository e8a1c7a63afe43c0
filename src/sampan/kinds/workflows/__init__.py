"""Workflows: argoproj.io Workflow, run by pure decisions.

Read `workflow` first (one look at a workflow), then `walk` (what the kinds of templates share) and
`nodes` (all that can change a phase). The packages, lowest first: `language` (parameters, tags),
`locks` (who holds them), `pods`, `templates` (a file per kind), `validate` (what admission finds).
What is not supported yet is refused by name.
Upstream: argoproj/argo-workflows.
"""

from __future__ import annotations

from sampan.kinds.workflows import admit, crds, figures, roles
from sampan.kinds.workflows.artifacts.collection import ARTIFACT_GC
from sampan.kinds.workflows.cron.controller import CRON_WORKFLOW
from sampan.kinds.workflows.locks.arbiter import ARBITER
from sampan.kinds.workflows.retention import RETENTION
from sampan.kinds.workflows.workflow import WORKFLOW
from sampan.kube import names
from sampan.kube.component import Component

COMPONENT = Component(
    name="workflows",
    controllers=(WORKFLOW, CRON_WORKFLOW, ARBITER, ARTIFACT_GC, RETENTION),
    crds=crds.load(),
    objects=roles.objects(),
    rules={
        names.WORKFLOW: admit.WORKFLOW,
        names.WORKFLOW_TEMPLATE: admit.WORKFLOW,
        names.CLUSTER_WORKFLOW_TEMPLATE: admit.WORKFLOW,
        names.CRON_WORKFLOW: admit.CRON,
    },
    figures=figures.now,
)
