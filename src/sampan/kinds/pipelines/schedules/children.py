"""The Run of a time of a schedule; a Workflow where the pipeline is one.

Its name and its run_id are functions of the schedule and the run's index, so that an index has one
run at most, whatever is repeated or crashes in between.
Upstream: backend/src/crd/controller/scheduledworkflow/{controller.go,util/scheduled_workflow.go}.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from msgspec import Struct

from sampan.kinds.pipelines import legacy
from sampan.kinds.pipelines.ir import macros
from sampan.kinds.pipelines.schedules.sources import Source
from sampan.kinds.pipelines.schedules.types import Spec
from sampan.kube import meta, names, runs, uids
from sampan.kube.keys import Key, Manifest
from sampan.kube.times import rfc3339


class Occasion(Struct, frozen=True, kw_only=True):
    """runner: whether the namespace has the account of that name (`legacy.About`)."""

    index: int
    scheduled: datetime
    now: datetime
    runner: bool = False


def name_for(manifest: Manifest, index: int) -> str:
    text = f"{meta.name_of(manifest)}-{index}"
    return f"{text}-{meta.fnv32a(text.encode())}"


def keys_for(manifest: Manifest, index: int) -> tuple[Key, Key]:
    """Where the run of this index is: as a Run or as a Workflow."""
    run = Key(names.RUN, meta.namespace_of(manifest), name_for(manifest, index))
    return run, run.as_kind(names.WORKFLOW)


def build(manifest: Manifest, spec: Spec, source: Source, on: Occasion) -> Manifest:
    """ValueError says which parameter cannot be read."""
    name = name_for(manifest, on.index)
    run_id = uids.of_scheduled_run(meta.uid_of(manifest), name)
    moments = macros.Moments(run_id=run_id, now=on.now, scheduled=on.scheduled, index=on.index)
    known = {
        names.LABEL_EXPERIMENT_ID: spec.experimentId,
        names.LABEL_RECURRING_RUN_ID: meta.uid_of(manifest),
        names.LABEL_PIPELINE_ID: source.pipeline_id,
        names.LABEL_PIPELINE_VERSION_ID: source.version_id,
    }
    labels = {
        names.LABEL_RUN_ID: run_id,
        names.LABEL_SCHEDULE: meta.name_of(manifest),
        names.LABEL_SCHEDULED: "true",
        names.LABEL_SCHEDULED_EPOCH: str(int(on.scheduled.timestamp())),
        names.LABEL_SCHEDULED_INDEX: str(on.index),
        **{label: value for label, value in known.items() if value},
    }
    if legacy.is_workflow(source.pipeline):
        about = legacy.About(
            name=name,
            namespace=meta.namespace_of(manifest),
            run_id=run_id,
            display_name=name,
            parameters=macros.expanded(_arguments(spec), moments),
            labels=labels,
            service_account=spec.serviceAccount or "",
            runner=on.runner,
            owner=meta.controlled_by(manifest),
        )
        return legacy.run(source.pipeline, about)
    return {
        "apiVersion": f"{names.PIPELINES_GROUP}/v2beta1",
        "kind": "Run",
        "metadata": {
            "name": name,
            "namespace": meta.namespace_of(manifest),
            "labels": labels,
            "ownerReferences": [meta.controlled_by(manifest)],
        },
        "spec": _run(manifest, spec, source, name, on, macros.expanded(_values(spec), moments)),
    }


def _run(
    manifest: Manifest,
    spec: Spec,
    source: Source,
    name: str,
    on: Occasion,
    parameters: dict[str, Any],
) -> dict[str, Any]:
    origin = {"pipelineId": source.pipeline_id, "pipelineVersionId": source.version_id}
    origin = {field: value for field, value in origin.items() if value}
    config = {
        "parameters": parameters,
        "pipelineRoot": spec.workflow and spec.workflow.pipelineRoot,
    }
    said = {
        "displayName": name,
        "experimentId": spec.experimentId,
        "recurringRunId": meta.uid_of(manifest),
        "scheduledAt": rfc3339(on.scheduled),
        "pipelineVersionReference": origin,
        "pipelineSpec": source.pipeline,
        "platformSpec": source.platform,
        "runtimeConfig": {field: value for field, value in config.items() if value},
        "serviceAccount": spec.serviceAccount,
        "storageState": runs.AVAILABLE,
    }
    return {field: value for field, value in said.items() if value}


def _texts(spec: Spec) -> dict[str, str]:
    given = (spec.workflow and spec.workflow.parameters) or ()
    return {each.name: each.value or "" for each in given}


def _arguments(spec: Spec) -> dict[str, str]:
    """Of a Workflow: texts as they are, or, where the pipeline is a version, JSON as of any."""
    if spec.workflow and spec.workflow.spec:
        return _texts(spec)
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in _values(spec).items()
    }


def _values(spec: Spec) -> dict[str, Any]:
    found = {}
    for name, text in _texts(spec).items():
        try:
            found[name] = json.loads(text)
        except (ValueError, RecursionError) as wrong:
            raise ValueError(f"spec.workflow.parameters: {name} is no JSON: {wrong}") from wrong
    return found
