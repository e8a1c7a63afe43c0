"""Runs and jobs as v1beta1 shows them. Upstream: server/api_converter.go toApiRunV1, toApiJobV1."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sampan.kinds.pipelines import legacy
from sampan.kube import labels, meta, names
from sampan.kube.keys import Manifest
from sampan.kube.times import from_seconds
from sampan.records.pipelines import reading
from sampan.services.pipelines import naming, recurring, versions
from sampan.services.pipelines.messages import EPOCH, compact
from sampan.services.pipelines.trying import WORKFLOW
from sampan.services.pipelines.v1beta1 import references

_API = {"apiVersion": WORKFLOW.api_version, "kind": WORKFLOW.kind}


def run(manifest: Manifest, metrics: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Of a Run or a Workflow."""
    columns = reading.columns_of(manifest)
    marked = labels.of(manifest)
    spec, status = manifest.get("spec") or {}, manifest.get("status") or {}
    created = manifest["metadata"]["creationTimestamp"]
    found = compact(
        id=columns["run_id"],
        name=columns["display_name"],
        description=columns["description"],
        storage_state=f"STORAGESTATE_{columns['storage_state']}",
        pipeline_spec=_pipeline_spec(manifest),
        resource_references=references.shown(
            NAMESPACE=columns["namespace"],
            EXPERIMENT=columns["experiment_id"],
            JOB=columns["recurring_run_id"],
            PIPELINE_VERSION=marked.get(names.LABEL_PIPELINE_VERSION_ID, ""),
            PIPELINE=marked.get(names.LABEL_PIPELINE_ID, ""),
        ),
        service_account=spec.get("serviceAccountName") or spec.get("serviceAccount"),
        created_at=created,
        scheduled_at=_scheduled(manifest) or created,
        finished_at=status.get("finishedAt") or EPOCH,
        status=columns["status"],
        error=_error(status),
        metrics=[compact(name=name, node_id=name, number_value=value, format="RAW")
                 for name, value in (metrics or {}).items()],
    )  # fmt: skip
    if found["storage_state"] == "STORAGESTATE_AVAILABLE":
        del found["storage_state"]  # as the first of its kind it is not told
    return found


def detail(manifest: Manifest, metrics: Mapping[str, float] | None = None) -> dict[str, Any]:
    """With the manifest of what runs."""
    kind = "workflow_manifest" if manifest["kind"] == "Workflow" else "pipeline_manifest"
    about = {key: each for key, each in manifest["metadata"].items() if key != "managedFields"}
    runtime = {kind: json.dumps({**manifest, "metadata": about})}
    return {"run": run(manifest, metrics), "pipeline_runtime": runtime}


def _pipeline_spec(manifest: Manifest) -> dict[str, Any]:
    spec, marked = manifest.get("spec") or {}, labels.of(manifest)
    origin = {"pipeline_id": marked.get(names.LABEL_PIPELINE_ID)}
    if manifest["kind"] == "Workflow":
        whole = {**_API, "metadata": {"generateName": _stem(manifest)}, "spec": spec}
        given = legacy.parameters(manifest)
        return compact(
            **origin,
            workflow_manifest=json.dumps(whole),
            parameters=[compact(name=name, value=value) for name, value in given.items()],
        )
    config = spec.get("runtimeConfig") or {}
    return compact(
        **origin,
        pipeline_manifest=json.dumps(versions.documents_of(spec)),
        runtime_config=compact(
            parameters=config.get("parameters"), pipeline_root=config.get("pipelineRoot")
        ),
    )


def _stem(manifest: Manifest) -> str:
    return f"{meta.name_of(manifest).rpartition('-')[0] or meta.name_of(manifest)}-"


def _scheduled(manifest: Manifest) -> str:
    epoch = labels.of(manifest).get(names.LABEL_SCHEDULED_EPOCH, "")
    if epoch.isdecimal() and len(epoch) < 12:
        return from_seconds(int(epoch))
    return str((manifest.get("spec") or {}).get("scheduledAt") or "")


def _error(status: Mapping[str, Any]) -> str:
    error = status.get("error")
    if isinstance(error, Mapping):
        return str(error.get("message") or "")
    return str(status.get("message") or "")


def job(schedule: Manifest) -> dict[str, Any]:
    spec = schedule.get("spec") or {}
    enabled = bool(spec.get("enabled"))
    return compact(
        id=meta.uid_of(schedule),
        name=naming.display_name_of(schedule),
        description=spec.get("description"),
        pipeline_spec=_job_spec(spec),
        resource_references=references.shown(
            NAMESPACE=meta.namespace_of(schedule),
            EXPERIMENT=spec.get("experimentId") or "",
            PIPELINE_VERSION=spec.get("pipelineVersionId") or "",
            PIPELINE=spec.get("pipelineId") or "",
        ),
        service_account=spec.get("serviceAccount"),
        max_concurrency=str(spec.get("maxConcurrency") or 1),
        trigger=recurring.shown_trigger(spec),
        created_at=recurring.created_at(schedule),
        updated_at=recurring.updated_at(schedule),
        status="ENABLED" if enabled else "DISABLED",
        enabled=enabled,
        no_catchup=spec.get("noCatchup"),
    )


def _job_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    resource, origin = spec.get("workflow") or {}, {"pipeline_id": spec.get("pipelineId")}
    if body := resource.get("spec"):
        whole = {**_API, "metadata": {"generateName": "run-"}, "spec": body}
        return compact(
            **origin, workflow_manifest=json.dumps(whole), parameters=resource.get("parameters")
        )
    shown = recurring.runtime_config(resource)
    document = versions.documents_of(spec)
    manifest = json.dumps(document) if document else None
    return compact(**origin, pipeline_manifest=manifest, runtime_config=shown)
