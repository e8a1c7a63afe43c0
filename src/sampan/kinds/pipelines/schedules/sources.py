"""Which pipeline a schedule runs now.

A Workflow's spec, a pipeline of its own, or a version: the one it names, else the newest of its
pipeline. Versions are looked for only when a run is due, so that nobody is called for each of them.
Upstream: backend/src/apiserver/resource/resource_manager.go fetchTemplateFromPipelineSpec.
"""

from __future__ import annotations

import json
from typing import Any

from msgspec import Struct

from sampan.kinds.pipelines import versions
from sampan.kinds.pipelines.schedules.types import Spec
from sampan.kube import meta, names
from sampan.kube.keys import Manifest
from sampan.kube.plan import View


class Source(Struct, frozen=True, kw_only=True):
    """pipeline: IR, or a Workflow manifest. version: the id of the one it is from."""

    pipeline: Manifest
    platform: Manifest | None = None
    pipeline_id: str = ""
    version_id: str = ""


def find(cluster: View, namespace: str, spec: Spec) -> Source:
    """ValueError says what is not there."""
    own = spec.workflow and spec.workflow.spec
    pipeline_id, version_id = spec.pipelineId or "", spec.pipelineVersionId or ""
    if own or spec.pipelineSpec is not None:
        return Source(
            pipeline=_workflow(own) if own else spec.pipelineSpec or {},
            platform=None if own else spec.platformSpec,
            pipeline_id=pipeline_id,
            version_id=version_id,
        )
    version = _version(cluster, namespace, spec)
    body = version.get("spec") or {}
    return Source(
        pipeline=body.get("pipelineSpec") or {},
        platform=body.get("platformSpec"),
        pipeline_id=pipeline_id,
        version_id=meta.uid_of(version),
    )


def _workflow(spec: Any) -> Manifest:
    if isinstance(spec, str):
        try:
            spec = json.loads(spec)
        except (ValueError, RecursionError) as wrong:
            raise ValueError(f"spec.workflow.spec: {wrong}") from wrong
    if not isinstance(spec, dict):
        raise ValueError("spec.workflow.spec: not the spec of a Workflow")
    return {"apiVersion": f"{names.ARGO_GROUP}/v1alpha1", "kind": "Workflow", "spec": spec}


def _version(cluster: View, namespace: str, spec: Spec) -> Manifest:
    if not spec.pipelineId and not spec.pipelineVersionId:
        raise ValueError("neither a pipeline nor a workflow to run is given")
    if wanted := spec.pipelineVersionId:
        every = cluster.select(names.PIPELINE_VERSION, namespace)
        found = next((each for each in every if meta.uid_of(each) == wanted), None)
        if found is None:
            raise ValueError(f"there is no pipeline version {wanted}")
        return found
    pipelines = cluster.select(names.PIPELINE, namespace)
    pipeline = next((each for each in pipelines if meta.uid_of(each) == spec.pipelineId), None)
    if pipeline is None:
        raise ValueError(f"there is no pipeline {spec.pipelineId}")
    latest = versions.latest_of(cluster, namespace, meta.name_of(pipeline))
    if latest is None:
        raise ValueError(f"pipeline {spec.pipelineId} has no version")
    return latest
