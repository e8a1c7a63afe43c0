"""What `view`, `edit` and `admin` may do with pipelines: parts of these ClusterRoles.

Upstream: kubeflow/pipelines manifests/kustomize/base/installs/multi-user.
"""

from __future__ import annotations

from sampan.kube import names
from sampan.kube.keys import Manifest

_READ = ("get", "list", "watch")
_WRITE = ("create", "delete", "deletecollection", *_READ, "patch", "update")
_RESOURCES = {
    names.PIPELINES_GROUP: (
        "experiments", "pipelines", "pipelineversions", "pipelineversions/status", "runs",
        "runs/status",
    ),
    names.SCHEDULES_GROUP: ("scheduledworkflows",),
}  # fmt: skip


def objects() -> tuple[Manifest, ...]:
    return (_role("view", _READ), _role("edit", _WRITE), _role("admin", _WRITE))


def _role(into: str, verbs: tuple[str, ...]) -> Manifest:
    return {
        "apiVersion": f"{names.GROUP_RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {
            "name": f"kubeflow-pipelines-{into}",
            "labels": {names.LABEL_AGGREGATE_TO + into: "true"},
        },
        "rules": [
            {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}
            for group, resources in _RESOURCES.items()
        ],
    }
