"""The log of a task that is over, kept as an object of its namespace, so that it outlives the pod.

    minio://mlpipeline/logs/<run id>/<pod>.log     both streams as they came, without time stamps

The same text becomes the artifact `executor-logs` of a pipeline that asks for it (`PUBLISH_LOGS`),
one for each attempt.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sampan.artifacts import uris
from sampan.kube import launcher, names
from sampan.kube.keys import Manifest
from sampan.kube.launcher import Artifact, Task
from sampan.kube.locations import Location


def place_of(pod: Manifest) -> Location | None:
    """Where the log goes; None for a pod of no run."""
    meta = pod["metadata"]
    run_id = (meta.get("labels") or {}).get(names.LABEL_RUN_ID)
    if not run_id:
        return None
    key = launcher.log_key(run_id, meta["name"])
    return uris.local(uris.Address("minio", launcher.BUCKET, key))


def published(task: Task) -> Artifact | None:
    """The artifact that the log is to become, if any. Upstream: qualifyExecutorLogsURI."""
    outputs: Mapping[str, Any] = task.executorInput.get("outputs") or {}
    provisioned = (outputs.get("artifacts") or {}).get(launcher.LOGS) or {}
    asked: list[Any] = provisioned.get("artifacts") or []
    if not task.publishLogs or len(asked) != 1 or not asked[0].get("uri"):
        return None
    uri, suffix = str(asked[0]["uri"]), f"-{task.retryIndex}"
    name, metadata = asked[0].get("name") or launcher.LOGS, asked[0].get("metadata") or {}
    whole = uri if uri.endswith(suffix) else uri + suffix
    return Artifact(name=name, uri=whole, type=launcher.ARTIFACT, metadata=metadata)


def is_empty(path: Path) -> bool:
    return path.stat().st_size == 0
