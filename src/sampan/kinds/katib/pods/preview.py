"""Whether the pods of a trial can be made at all, before they are tried again and again.

A Job whose pods are refused says nothing of it but in events, and its Trial would run for ever, as
it does with upstream. What other kinds make of their templates is not known here.
"""

from __future__ import annotations

import copy

from sampan.kinds.katib.pods import webhook
from sampan.kube import meta, names
from sampan.kube.keys import Manifest, key_of
from sampan.kube.plan import View

_STARTED = ("active", "succeeded", "failed", "conditions")
"""Fields of a Job's status: one of them is there as soon as there was a pod."""


def fault(view: View, trial: Manifest, job: Manifest) -> str:
    """What keeps the pods of a Job that has none yet from being made; "" for nothing."""
    status = job.get("status") or {}
    if key_of(job).kind != names.JOB or any(status.get(field) for field in _STARTED):
        return ""
    namespace = meta.namespace_of(trial)
    if not webhook.takes_part(view, namespace):
        return ""
    template = copy.deepcopy((job.get("spec") or {}).get("template") or {})
    primary = (trial.get("spec") or {}).get("primaryPodLabels") or {}
    labels = {**((template.get("metadata") or {}).get("labels") or {}), **primary}
    about = {"name": meta.name_of(job), "namespace": namespace, "labels": labels}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": template.get("spec") or {}}
    try:
        webhook.mutate(view, pod, trial)
    except ValueError as wrong:
        return str(wrong)
    return ""
