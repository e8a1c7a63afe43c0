"""What `view`, `edit` and `admin` may do with experiments: parts of these ClusterRoles.

Upstream: kubeflow/katib manifests/v1beta1/installs/katib-with-kubeflow.
"""

from __future__ import annotations

from sampan.kube import custom, names
from sampan.kube.keys import Manifest

_RESOURCES = {
    names.KUBEFLOW_GROUP: ("experiments", "suggestions", "trials"),
    names.TRAINER_GROUP: ("optimizationjobs",),
}


def objects() -> tuple[Manifest, ...]:
    return custom.roles("kubeflow-katib", _RESOURCES)
