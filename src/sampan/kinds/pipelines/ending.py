"""Ending a pod before its time: a run that is terminated, a deadline, a program that cannot start.

One that runs gets a deadline that is over, so that it stays and its log can be read; any other is
deleted.
"""

from __future__ import annotations

from sampan.kinds.pipelines.walk import Walk
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Delete, Patch


def end(walk: Walk, pod: Manifest) -> None:
    key, uid = Key(names.POD, walk.run.namespace, meta.name_of(pod)), meta.uid_of(pod)
    phase = (pod.get("status") or {}).get("phase") or "Pending"
    if meta.deleting(pod) or phase in ("Succeeded", "Failed"):
        return
    if phase == "Pending":
        walk.actions.append(Delete(key, uid))
    elif pod["spec"].get("activeDeadlineSeconds") != 1:
        patch = {"metadata": {"uid": uid}, "spec": {"activeDeadlineSeconds": 1}}
        walk.actions.append(Patch(key, patch))
