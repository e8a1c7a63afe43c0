"""Pipelines: Pipeline, PipelineVersion, Experiment and Run (pipelines.kubeflow.org), and schedules.

A Run is a Pipelines v2 intermediate representation with arguments, walked by pure decisions with
one pod for each task; there are no driver pods and no workflow beneath. Read `run` first (one look
at a run), then `walk` (what the kinds of tasks share) and `tasks` (all that can change a state).
Upstream: kubeflow/pipelines.
"""

from __future__ import annotations

from sampan.kinds.pipelines import crds, roles
from sampan.kinds.pipelines.admit import RULES
from sampan.kinds.pipelines.run import RUN
from sampan.kinds.pipelines.schedules.controller import SCHEDULED_WORKFLOW
from sampan.kube.component import Component

COMPONENT = Component(
    name="pipelines",
    controllers=(RUN, SCHEDULED_WORKFLOW),
    crds=crds.load(),
    objects=roles.objects(),
    rules=RULES,
)
