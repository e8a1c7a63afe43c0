"""Where artifacts of a task lie. What a program sees of a URI: `kube.launcher.local_path`."""

from __future__ import annotations

import posixpath

from sampan.kinds.pipelines.ir.resolve import Artifact
from sampan.kube.launcher import IN_WORKSPACE, WORKSPACE, local_path


def task_root(pipeline_root: str, pipeline: str, run_id: str, task: str, salt: str) -> str:
    """The URI under which the outputs of one attempt of a task lie. A query of the root is no part
    of it. Upstream: GenerateOutputURI."""
    root = pipeline_root.partition("?")[0].rstrip("/")
    return f"{root}/{'/'.join(part for part in (pipeline, run_id, task, salt) if part)}"


def path_of(artifact: Artifact) -> str:
    """Where the program finds it; "" for one that it finds nowhere."""
    try:
        path = local_path(str(artifact.get("uri") or ""))
    except ValueError:
        return ""
    if (artifact.get("metadata") or {}).get(IN_WORKSPACE) is True:
        return posixpath.join(WORKSPACE, ".artifacts", path.lstrip("/"))
    return path
