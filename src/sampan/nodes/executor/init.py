"""`argoexec init`: what has to be there before a template's main container begins.

The source of a script and the input artifacts. Everything is written below directories that only
this pod has, before anything of the pod has run. Upstream: argo-workflows
workflow/executor/executor.go StageFiles, LoadArtifacts.
"""

from __future__ import annotations

import asyncio
import os

from sampan.kube import argoexec
from sampan.nodes.executor import artifacts
from sampan.nodes.executor.job import Job


async def run(job: Job) -> None:
    script = job.template.get("script")
    if script:
        await asyncio.to_thread(_stage, job, script.get("source") or "")
    await artifacts.load(job)


def _stage(job: Job, source: str) -> None:
    """Put a script where the main container's last argument says."""
    with job.view.pinned(argoexec.STAGING) as directory:
        path = f"{directory.path}/{argoexec.SCRIPT.rpartition('/')[2]}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(source)
        os.chmod(path, 0o755)
