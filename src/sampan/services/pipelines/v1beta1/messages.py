"""The messages of v1beta1. Upstream: backend/api/v1beta1/*.proto."""

from __future__ import annotations

import math
from typing import Any

from sampan.services.errors import invalid
from sampan.services.pipelines.messages import (
    Many,
    Map,
    Message,
    anything,
    enum,
    flag,
    long,
    moment,
    text,
)
from sampan.services.pipelines.recurring import TRIGGER


def number(value: Any, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise invalid(f"proto: {place}: a number is needed")
    return float(value)


RESOURCE_TYPE = enum(
    "UNKNOWN_RESOURCE_TYPE", "EXPERIMENT", "JOB", "PIPELINE", "PIPELINE_VERSION", "NAMESPACE"
)
_RELATIONSHIP = enum("UNKNOWN_RELATIONSHIP", "OWNER", "CREATOR")
_REFERENCES = Many(
    Message(
        {
            "key": Message({"type": RESOURCE_TYPE, "id": text}),
            "name": text,
            "relationship": _RELATIONSHIP,
        }
    )
)
_PARAMETERS = Many(Message({"name": text, "value": text}))
_URL = Message({"pipeline_url": text})
_PIPELINE_SPEC = Message({
    "pipeline_id": text, "pipeline_name": text, "workflow_manifest": text,
    "pipeline_manifest": text, "parameters": _PARAMETERS,
    "runtime_config": Message({"parameters": Map(anything), "pipeline_root": text}),
})  # fmt: skip
EXPERIMENT = Message({
    "id": text, "name": text, "description": text, "created_at": moment,
    "resource_references": _REFERENCES,
    "storage_state": enum(
        "STORAGESTATE_UNSPECIFIED", "STORAGESTATE_AVAILABLE", "STORAGESTATE_ARCHIVED"
    ),
})  # fmt: skip
VERSION = Message({
    "id": text, "name": text, "created_at": moment, "parameters": _PARAMETERS,
    "code_source_url": text, "package_url": _URL, "resource_references": _REFERENCES,
    "description": text,
})  # fmt: skip
PIPELINE = Message({
    "id": text, "created_at": moment, "name": text, "description": text,
    "parameters": _PARAMETERS, "url": _URL, "error": text, "default_version": VERSION,
    "resource_references": _REFERENCES,
})  # fmt: skip
_METRICS = Many(Message({
    "name": text, "node_id": text, "number_value": number,
    "format": enum("UNSPECIFIED", "RAW", "PERCENTAGE"),
}))  # fmt: skip
REPORT = Message({"run_id": text, "metrics": _METRICS})
RUN = Message({
    "id": text, "name": text, "description": text, "pipeline_spec": _PIPELINE_SPEC,
    "storage_state": enum("STORAGESTATE_AVAILABLE", "STORAGESTATE_ARCHIVED"),
    "resource_references": _REFERENCES, "service_account": text, "created_at": moment,
    "scheduled_at": moment, "finished_at": moment, "status": text, "error": text,
    "metrics": _METRICS,
})  # fmt: skip
JOB = Message({
    "id": text, "name": text, "description": text, "pipeline_spec": _PIPELINE_SPEC,
    "resource_references": _REFERENCES, "service_account": text, "max_concurrency": long,
    "trigger": TRIGGER, "mode": enum("UNKNOWN_MODE", "ENABLED", "DISABLED"),
    "created_at": moment, "updated_at": moment, "status": text, "error": text, "enabled": flag,
    "no_catchup": flag,
})  # fmt: skip
