"""The Workflow of an activation. Upstream: argo-workflows workflow/common/convert.go."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sampan.kinds.workflows.cron.types import Spec
from sampan.kube import labels, meta, names
from sampan.kube.keys import Manifest
from sampan.kube.times import rfc3339

_PASSED_ON = tuple(
    names.WORKFLOWS_PREFIX + word
    for word in ("creator", "creator-email", "creator-preferred-username", "controller-instanceid")
)


def name_for(manifest: Manifest, due: datetime) -> str:
    """The same activation always has the same Workflow."""
    return f"{meta.name_of(manifest)}-{int(due.timestamp())}"


def build(manifest: Manifest, spec: Spec, due: datetime) -> Manifest:
    own, given = labels.of(manifest), spec.workflowMetadata
    about: dict[str, Any] = {
        "name": name_for(manifest, due),
        "namespace": meta.namespace_of(manifest),
        "labels": {
            **{label: own[label] for label in _PASSED_ON if label in own},
            names.LABEL_CRON_WORKFLOW: meta.name_of(manifest),
            **given.labels,
        },
        "annotations": {names.ANNOTATION_SCHEDULED_TIME: rfc3339(due), **given.annotations},
        "ownerReferences": [meta.controlled_by(manifest)],
    }
    if given.finalizers:
        about["finalizers"] = list(given.finalizers)
    return {
        "apiVersion": manifest["apiVersion"],
        "kind": "Workflow",
        "metadata": about,
        "spec": spec.workflowSpec,
    }
