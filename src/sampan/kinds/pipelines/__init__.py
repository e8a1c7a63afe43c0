"""Pipelines: Pipeline, PipelineVersion, Experiment and Run (pipelines.kubeflow.org), and schedules.

A Run is a Pipelines v2 intermediate representation with arguments, walked by pure decisions with
one pod for each task; there are no driver pods and no workflow beneath.
Upstream: kubeflow/pipelines.
"""

from __future__ import annotations

from sampan.kinds.pipelines import crds, roles
from sampan.kinds.pipelines.schedules.controller import SCHEDULED_WORKFLOW
from sampan.kube.component import Component

COMPONENT = Component(
    name="pipelines",
    crds=crds.load(),
    objects=roles.objects(),
    controllers=(SCHEDULED_WORKFLOW,),
)
