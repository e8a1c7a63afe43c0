"""What `view`, `edit` and `admin` may do with this group's objects: parts of these ClusterRoles.

Upstream: argoproj/argo-workflows manifests/cluster-install/workflow-controller-rbac.
"""

from __future__ import annotations

from sampan.kube import names
from sampan.kube.keys import Manifest

RESOURCES = (
    "clusterworkflowtemplates", "clusterworkflowtemplates/finalizers", "cronworkflows",
    "cronworkflows/finalizers", "workflowartifactgctasks", "workfloweventbindings",
    "workfloweventbindings/finalizers", "workflows", "workflows/finalizers", "workflowtaskresults",
    "workflowtaskresults/finalizers", "workflowtasksets", "workflowtasksets/finalizers",
    "workflowtemplates", "workflowtemplates/finalizers",
)  # fmt: skip
_READ = ("get", "list", "watch")
_WRITE = ("create", "delete", "deletecollection", *_READ, "patch", "update")


def objects() -> tuple[Manifest, ...]:
    return (_role("view", _READ), _role("edit", _WRITE), _role("admin", _WRITE))


def _role(into: str, verbs: tuple[str, ...]) -> Manifest:
    rule = {"apiGroups": [names.ARGO_GROUP], "resources": list(RESOURCES), "verbs": list(verbs)}
    return {
        "apiVersion": f"{names.GROUP_RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {
            "name": f"argo-aggregate-to-{into}",
            "labels": {names.LABEL_AGGREGATE_TO + into: "true"},
        },
        "rules": [rule],
    }
