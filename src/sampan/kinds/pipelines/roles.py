"""What `view`, `edit` and `admin` may do with pipelines: parts of these ClusterRoles.

Upstream: kubeflow/pipelines manifests/kustomize/base/installs/multi-user.
"""

from __future__ import annotations

from sampan.kube import custom, names
from sampan.kube.keys import Manifest

_RESOURCES = {
    names.PIPELINES_GROUP: (
        "experiments", "pipelines", "pipelineversions", "pipelineversions/status", "runs",
        "runs/status",
    ),
    names.SCHEDULES_GROUP: ("scheduledworkflows",),
}  # fmt: skip


def objects() -> tuple[Manifest, ...]:
    return custom.roles("kubeflow-pipelines", _RESOURCES)
