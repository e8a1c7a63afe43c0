"""What `view`, `edit` and `admin` may do with this group's objects: parts of these ClusterRoles.

Upstream: argoproj/argo-workflows manifests/cluster-install/workflow-controller-rbac.
"""

from __future__ import annotations

from sampan.kube import custom, names
from sampan.kube.keys import Manifest

RESOURCES = (
    "clusterworkflowtemplates", "clusterworkflowtemplates/finalizers", "cronworkflows",
    "cronworkflows/finalizers", "workflowartifactgctasks", "workfloweventbindings",
    "workfloweventbindings/finalizers", "workflows", "workflows/finalizers", "workflowtaskresults",
    "workflowtaskresults/finalizers", "workflowtasksets", "workflowtasksets/finalizers",
    "workflowtemplates", "workflowtemplates/finalizers",
)  # fmt: skip


def objects() -> tuple[Manifest, ...]:
    return custom.roles("argo-aggregate-to", {names.ARGO_GROUP: RESOURCES})
