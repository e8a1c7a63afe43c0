"""The CRDs of the package. Pipeline, PipelineVersion and ScheduledWorkflow are upstream's kinds.

Experiment and Run are ours: upstream has them in its database alone. What a run's status and the
documents of a pipeline say is checked by `admit`, not by schemas: their shape is a protocol
buffer's, and a large one would be walked with each write.
Upstream: kubeflow/pipelines manifests/kustomize/base/crds.
"""

from __future__ import annotations

from typing import Any

from sampan.kube import custom, names, runs
from sampan.kube.keys import Manifest

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
    state, finished = (("State", ".status.state"), ("Finished", ".status.finishedAt"))
    return (
        custom.crd(names.EXPERIMENT, "v2beta1",
                   _kind(_object(**_DISPLAY, storageState=_STORAGE), _OPEN),
                   columns=[("State", ".spec.storageState")]),
        custom.crd(names.PIPELINE, "v2beta1", _kind(_object(**_DISPLAY, tags=_TEXTS)),
                   status=False),
        custom.crd(names.PIPELINE_VERSION, "v2beta1",
                   _kind(_VERSION, _object(conditions=conditions)),
                   columns=[("Pipeline", ".spec.pipelineName")]),
        custom.crd(names.RUN, "v2beta1", _kind(_RUN, _WHOLE), columns=[state, finished]),
        custom.crd(names.SCHEDULED_WORKFLOW, "v1beta1", _kind(_OPEN, _OPEN), status=False,
                   short="swf", columns=[("Enabled", ".spec.enabled")]),
    )  # fmt: skip


def _kind(spec: dict[str, Any], status: dict[str, Any] | None = None) -> dict[str, Any]:
    parts = {"spec": spec, **({"status": status} if status else {})}
    return _object(apiVersion=_TEXT, kind=_TEXT, metadata={"type": "object"}, **parts)
