"""The CRDs of the package. Pipeline, PipelineVersion and ScheduledWorkflow are upstream's kinds.

Experiment and Run are ours: upstream has them in its database alone. What a run's status and the
documents of a pipeline say is checked by `admit`, not by schemas: their shape is a protocol
buffer's, and a large one would be walked with each write.
Upstream: kubeflow/pipelines manifests/kustomize/base/crds.
"""

from __future__ import annotations

from typing import Any

from sampan.kube import names, runs
from sampan.kube.keys import Manifest, split_kind

_ANYTHING = {"x-kubernetes-preserve-unknown-fields": True}
_OPEN = {"type": "object", **_ANYTHING}
_WHOLE = {**_OPEN, "x-kubernetes-map-type": "atomic"}
"""Has one manager: what it manages in thousands of tasks need not be told of each."""
_TEXT = {"type": "string"}
_BOOL = {"type": "boolean"}
_TIME = {"type": "string", "format": "date-time"}
_TEXTS = {"type": "object", "additionalProperties": _TEXT}
_STORAGE = {"type": "string", "enum": [runs.AVAILABLE, runs.ARCHIVED]}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


_DISPLAY = {"displayName": _TEXT, "description": _TEXT}
_CONDITION = {
    **_object(
        type=_TEXT, status={"type": "string", "enum": ["True", "False", "Unknown"]},
        reason=_TEXT, message=_TEXT, lastTransitionTime=_TIME,
    ),
    "required": ["type", "status", "reason", "message"],
}  # fmt: skip
_VERSION = {
    **_object(
        **_DISPLAY, codeSourceURL=_TEXT, pipelineName=_TEXT, pipelineSpecURI=_TEXT, tags=_TEXTS,
        pipelineSpec=_ANYTHING, platformSpec=_ANYTHING,
        versionName={
            "type": "string", "maxLength": 253, "pattern": "^[a-z0-9]([a-z0-9\\.\\-]*[a-z0-9])?$",
        },
    ),
    "required": ["pipelineSpec"],
}  # fmt: skip
_RUN = _object(
    **_DISPLAY, experimentId=_TEXT, recurringRunId=_TEXT, scheduledAt=_TIME, serviceAccount=_TEXT,
    pipelineVersionReference=_object(pipelineId=_TEXT, pipelineVersionId=_TEXT),
    pipelineRef=_object(pipeline=_TEXT, version=_TEXT),
    pipelineSpec=_ANYTHING, platformSpec=_ANYTHING,
    runtimeConfig=_object(parameters=_OPEN, pipelineRoot=_TEXT),
    storageState=_STORAGE, terminate=_BOOL, retries={"type": "integer", "minimum": 0},
)  # fmt: skip


def load() -> tuple[Manifest, ...]:
    """Experiment, Pipeline, PipelineVersion, Run, ScheduledWorkflow."""
    conditions = {"type": "array", "items": _CONDITION}
    return (
        _crd(names.EXPERIMENT, "v2beta1", _object(**_DISPLAY, storageState=_STORAGE), _OPEN,
             columns=(("State", ".spec.storageState"),)),
        _crd(names.PIPELINE, "v2beta1", _object(**_DISPLAY, tags=_TEXTS)),
        _crd(names.PIPELINE_VERSION, "v2beta1", _VERSION, _object(conditions=conditions),
             columns=(("Pipeline", ".spec.pipelineName"),)),
        _crd(names.RUN, "v2beta1", _RUN, _WHOLE,
             columns=(("State", ".status.state"), ("Finished", ".status.finishedAt"))),
        _crd(names.SCHEDULED_WORKFLOW, "v1beta1", _OPEN, _OPEN, subresource=False, short="swf",
             columns=(("Enabled", ".spec.enabled"),)),
    )  # fmt: skip


def _crd(
    kind: str,
    version: str,
    spec: dict[str, Any],
    status: dict[str, Any] | None = None,
    *,
    subresource: bool = True,
    short: str = "",
    columns: tuple[tuple[str, str], ...] = (),
) -> Manifest:
    name, group = split_kind(kind)
    parts = {"spec": spec, **({"status": status} if status else {})}
    schema = _object(apiVersion=_TEXT, kind=_TEXT, metadata={"type": "object"}, **parts)
    shown = [{"name": title, "type": "string", "jsonPath": path} for title, path in columns]
    age = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
    served: dict[str, Any] = {
        "name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema},
        "additionalPrinterColumns": [*shown, age],
    }  # fmt: skip
    if status and subresource:
        served["subresources"] = {"status": {}}
    called = {"kind": name, "listKind": f"{name}List", "plural": f"{name.lower()}s",
              "singular": name.lower()}  # fmt: skip
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{called['plural']}.{group}"},
        "spec": {
            "group": group,
            "names": {**called, **({"shortNames": [short]} if short else {})},
            "scope": "Namespaced",
            "versions": [served],
        },
    }
