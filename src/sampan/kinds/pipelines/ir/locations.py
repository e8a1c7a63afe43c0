"""Where artifacts of a task lie. What a program sees of a URI: `kube.launcher.local_path`."""

from __future__ import annotations

import posixpath
import re

from sampan.kinds.pipelines.ir.faults import Invalid
from sampan.kinds.pipelines.ir.resolve import Artifact
from sampan.kube.launcher import IN_WORKSPACE, WORKSPACE, local_path

_ROOT = re.compile(r"(minio|s3|gs)://[^/?\0][^?\0]*(\?[^\0]*)?", re.DOTALL)
_LONGEST_ROOT = 1000


def check_root(root: str) -> None:
    """Whether artifacts can lie below it. Raises Invalid."""
    fault = ""
    if not _ROOT.fullmatch(root):
        fault = "is no place of artifacts: minio://, s3:// and gs:// with a bucket are"
    elif any(part in (".", "..") for part in root.partition("?")[0].split("/")):
        fault = "leads out of its bucket"
    elif len(root) > _LONGEST_ROOT:
        fault = f"has more than {_LONGEST_ROOT} characters"
    if fault:
        raise Invalid(f'pipeline root "{root[:200]}" {fault}')


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
