"""When an artifact is to be deleted: what the workflow and the artifact itself say.

`OnWorkflowCompletion`, `OnWorkflowDeletion` or `Never`; the artifact's word counts before the
workflow's. Upstream: argo-workflows workflow/controller/artifact_gc.go, pkg/apis ArtifactGC.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from sampan.kinds.workflows.artifacts import lookup
from sampan.kube import names
from sampan.kube.keys import Manifest
from sampan.kube.meta import fnv32a

FINALIZER = names.WORKFLOWS_PREFIX + "artifact-gc"
COMPLETION, DELETION, NEVER = "OnWorkflowCompletion", "OnWorkflowDeletion", "Never"
_SHORT = {COMPLETION: "wfcomp", DELETION: "wfdel"}

Spec = Mapping[str, Any]
Artifact = Mapping[str, Any]


class Found(Struct, frozen=True):
    """An artifact that somebody has saved."""

    node: str
    template: str
    artifact: Artifact


class Rights(Struct, frozen=True, omit_defaults=True):
    """What the pod needs that deletes an artifact; artifacts with the same share one."""

    account: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()

    def pod_name(self, workflow: str, strategy: str) -> str:
        words = [
            self.account,
            *(word for pair in (*self.labels, *self.annotations) for word in pair),
        ]
        return f"{workflow}-artgc-{_SHORT[strategy]}-{fnv32a(''.join(words).encode())}"


def strategy(spec: Spec, artifact: Artifact) -> str:
    own = (artifact.get("artifactGC") or {}).get("strategy")
    return str(own or (spec.get("artifactGC") or {}).get("strategy") or NEVER)


def is_wanted(workflow: Manifest, library: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether any artifact is ever to be deleted. `workflow` with its whole spec."""
    return any(
        strategy(workflow["spec"], artifact) != NEVER
        for template in lookup.templates(workflow, library)
        for artifact in (template.get("outputs") or {}).get("artifacts") or ()
    )


def left(spec: Spec, nodes: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Found]]:
    """(strategy, artifact) of all that are to be deleted one day and have not been."""
    for id, node in nodes.items():
        if node.get("type") != "Pod":
            continue
        for artifact in (node.get("outputs") or {}).get("artifacts") or ():
            when = strategy(spec, artifact)
            if when != NEVER and not artifact.get("deleted"):
                template = node.get("templateName") or (node.get("templateRef") or {}).get(
                    "template"
                )
                yield when, Found(id, template or "", artifact)


def rights(spec: Spec, artifact: Artifact) -> Rights:
    """The artifact's own come before the workflow's, and labels of both together."""
    both = (spec.get("artifactGC") or {}, artifact.get("artifactGC") or {})
    return Rights(
        next(
            (one["serviceAccountName"] for one in both[::-1] if one.get("serviceAccountName")), ""
        ),
        _pairs(both, "labels"),
        _pairs(both, "annotations"),
    )


def _pairs(both: tuple[Mapping[str, Any], ...], field: str) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for one in both:
        found |= (one.get("podMetadata") or {}).get(field) or {}
    return tuple(sorted(found.items()))
