"""The PersistentVolumeClaims of a workflow: made before its first pod, given up at its end.

They are owned by the workflow, so they never outlive it. Upstream: argo-workflows
workflow/controller/operator.go createPVCs, deletePVCs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampan.kinds.workflows.pods.build import claim_name
from sampan.kinds.workflows.types import Run
from sampan.kube import meta, names
from sampan.kube.keys import Key
from sampan.kube.plan import Action, Apply, Delete


def needed(run: Run) -> list[str]:
    return [claim_name(run, each["metadata"]["name"]) for each in run.spec.volumeClaimTemplates]


def missing(run: Run) -> Iterator[Action]:
    for template in run.spec.volumeClaimTemplates:
        about = template["metadata"]
        name = claim_name(run, about["name"])
        if name in run.claims:
            continue
        extra = {key: about[key] for key in ("labels", "annotations") if about.get(key)}
        yield Apply(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {
                    "name": name,
                    "namespace": run.namespace,
                    **extra,
                    "ownerReferences": [meta.controlled_by(run.manifest)],
                },
                "spec": template["spec"],
            }
        )


def listed(run: Run) -> list[dict[str, Any]]:
    """`status.persistentVolumeClaims`: the volumes that pods may mount."""
    return [
        {
            "name": each["metadata"]["name"],
            "persistentVolumeClaim": {"claimName": claim_name(run, each["metadata"]["name"])},
        }
        for each in run.spec.volumeClaimTemplates
    ]


def released(run: Run, phase: str) -> bool:
    """Whether the claims go with a workflow that ends in this phase."""
    return run.spec.volumeClaimGC.strategy == "OnWorkflowCompletion" or phase == "Succeeded"


def deletions(run: Run) -> Iterator[Action]:
    for name in needed(run):
        if name in run.claims:
            yield Delete(Key(names.PERSISTENT_VOLUME_CLAIM, run.namespace, name))
