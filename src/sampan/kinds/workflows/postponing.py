"""How many workflows run at once: `parallelism` and `namespaceParallelism` of the settings.

Workflows begin by priority, then by age; one for which there is no room is Pending and says so, and
counts as not begun. A namespace may have a limit of its own as a label. Every workflow that waits
looks at all that are not over, which is work only for those who set a limit.
Upstream: argo-workflows workflow/sync/multi_throttler.go, workflow/controller/controller.go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sampan.kinds.workflows import settings
from sampan.kinds.workflows.types import POSTPONED, begun
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Patch, View

_UNFINISHED = {
    "matchExpressions": [
        {"key": names.LABEL_WORKFLOW_COMPLETED, "operator": "NotIn", "values": ["true"]}
    ]
}


def see(cluster: View, manifest: Manifest) -> bool:
    """Whether a workflow has to wait for others to end."""
    if begun(manifest.get("status") or {}):
        return False
    try:
        given = settings.read(cluster)
    except settings.Mistake:
        return False
    if not given.get("parallelism") and not given.get("namespaceParallelism"):
        return False
    unfinished = cluster.select(names.WORKFLOW, "", _UNFINISHED)
    return not _has_room(cluster, given, unfinished, manifest)


def _has_room(
    cluster: View, given: Mapping[str, Any], unfinished: Sequence[Manifest], manifest: Manifest
) -> bool:
    """Whether it is among those that may begin, all in their order."""
    running = [each for each in unfinished if begun(each.get("status") or {})]
    count = Counter(meta.namespace_of(each) for each in running)
    left = (given.get("parallelism") or len(unfinished)) - len(running)
    for each in sorted((e for e in unfinished if not begun(e.get("status") or {})), key=_turn):
        namespace = meta.namespace_of(each)
        limit = _limit(cluster, given, namespace)
        if left <= 0:
            return False
        if limit and count[namespace] >= limit:
            if meta.uid_of(each) == meta.uid_of(manifest):
                return False
            continue
        if meta.uid_of(each) == meta.uid_of(manifest):
            return True
        count[namespace] += 1
        left -= 1
    return False


def _turn(manifest: Manifest) -> tuple[int, str, str]:
    about = manifest["metadata"]
    priority = manifest["spec"].get("priority") or 0
    return -priority, about.get("creationTimestamp") or "", about["name"]


def _limit(cluster: View, given: Mapping[str, Any], namespace: str) -> int:
    found = cluster.get(Key(names.NAMESPACE, "", namespace)) or {"metadata": {}}
    own = (found["metadata"].get("labels") or {}).get(names.LABEL_PARALLELISM_LIMIT) or ""
    return int(own) if own.isdecimal() else given.get("namespaceParallelism") or 0


def patch(manifest: Manifest) -> Patch | None:
    """What a workflow that waits says of itself; None when it says so already."""
    if (manifest.get("status") or {}).get("message") == POSTPONED:
        return None
    about = manifest["metadata"]
    key = Key(names.WORKFLOW, about.get("namespace") or "", about["name"])
    labels = {names.LABEL_WORKFLOW_PHASE: "Pending", names.LABEL_WORKFLOW_COMPLETED: "false"}
    status = {"phase": "Pending", "message": POSTPONED}
    return Patch(key, {"metadata": {"uid": about["uid"], "labels": labels}, "status": status})
