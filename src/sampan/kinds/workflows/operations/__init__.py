"""What people do with a workflow that is there: suspend, resume, stop, set, retry, resubmit.

Every operation is a pure function of the Workflow as it is stored. It answers with the JSON merge
patch to be written (`None`: there is nothing to do), or raises `Refused` with upstream's words.
Whoever calls it writes the patch with the resourceVersion that was read, and asks again when that
is no longer the present one. Upstream: argo-workflows workflow/util/util.go.
"""

from sampan.kinds.workflows.operations.pauses import (
    resume,
    set_outputs,
    stop,
    suspend,
    terminate,
)
from sampan.kinds.workflows.operations.refusals import Refused
from sampan.kinds.workflows.operations.resubmit import resubmit
from sampan.kinds.workflows.operations.retry import Retry, retry

__all__ = [
    "Refused",
    "Retry",
    "resubmit",
    "resume",
    "retry",
    "set_outputs",
    "stop",
    "suspend",
    "terminate",
]
