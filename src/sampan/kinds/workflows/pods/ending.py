"""Ending a pod before its time: a shutdown, a deadline, the end of a daemon's boundary."""

from __future__ import annotations

from collections.abc import Iterator

from sampan.kinds.workflows.types import Run
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Action, Delete, Patch


def end(run: Run, pod: Manifest) -> Iterator[Action]:
    """End a pod. One that runs gets a deadline that is over, so that its log can still be read."""
    key, uid = Key(names.POD, run.namespace, meta.name_of(pod)), meta.uid_of(pod)
    phase = (pod.get("status") or {}).get("phase") or "Pending"
    if meta.deleting(pod) or phase in ("Succeeded", "Failed"):
        return
    if phase == "Pending":
        yield Delete(key, uid)
    elif pod["spec"].get("activeDeadlineSeconds") != 1:
        yield Patch(key, {"metadata": {"uid": uid}, "spec": {"activeDeadlineSeconds": 1}})
