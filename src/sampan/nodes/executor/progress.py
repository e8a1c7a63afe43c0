"""What a main container says of its progress in a file, told while it runs.

Upstream: argo-workflows workflow/executor/executor.go monitorProgress.
"""

from __future__ import annotations

import asyncio
import re

from sampan.kube import argoexec
from sampan.nodes.executor import results
from sampan.nodes.executor.job import Job

_PERIOD = 1.0  # seconds; upstream looks at once and tells once a minute
_LONGEST = 1 << 16
_FORM = re.compile(r"(\d{1,18})/(\d{1,18})")


async def watch(job: Job) -> None:
    """Until cancelled."""
    told = ""
    while True:
        await asyncio.sleep(_PERIOD)
        found = await asyncio.to_thread(read, job)
        if found and found != told:
            await results.report(job, {"progress": found}, complete=False)
            told = found


def read(job: Job) -> str:
    """The last line of the file, if that is `N/M`."""
    try:
        text = job.view.read(argoexec.PROGRESS, _LONGEST).decode(errors="replace")
    except OSError:
        return ""
    found = _FORM.fullmatch(text.strip().rpartition("\n")[2].strip())
    if found is None or int(found[1]) > int(found[2]) or int(found[2]) == 0:
        return ""
    return found[0]
