"""What the pods of a trial that has failed say of it: its job tells how often, not why.

Upstream repeats the job's words only, and none before the last attempt, which may take ten minutes.
The pods go with the job; what they said stays in the Trial.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sampan.kube import meta, names
from sampan.kube.keys import Manifest, key_of

_MOST = 600
"""Characters of what one container has to say."""


def may_be_retried(job: Manifest) -> bool:
    """Whether a pod of a Job has failed, or a container that is started again may have."""
    template = ((job.get("spec") or {}).get("template") or {}).get("spec") or {}
    failed = (job.get("status") or {}).get("failed")
    is_job = key_of(job).kind == names.JOB if job else False
    return is_job and (bool(failed) or template.get("restartPolicy") == "OnFailure")


def of(pods: Sequence[Manifest]) -> str:
    """Of the newest pod that has something to say; "" for none."""
    for pod in sorted(pods, key=_age, reverse=True):
        said = "; ".join(_said(pod.get("status") or {}))
        if said:
            return f"Pod {meta.name_of(pod)}: {said}"
    return ""


def _age(pod: Manifest) -> tuple[str, str]:
    return str(pod["metadata"].get("creationTimestamp") or ""), meta.name_of(pod)


def _said(status: dict[str, Any]) -> Iterator[str]:
    """Of the pod as a whole, as when it was evicted, and of those containers that failed."""
    if status.get("phase") == "Failed" and (why := status.get("message")):
        yield _short(f"{status.get('reason') or 'Failed'}: {why}")
    for each in (
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ):
        if text := _ended(each):
            yield text


def _ended(container: dict[str, Any]) -> str:
    """A container that restarts tells of its last end."""
    states = (container.get("state") or {}, container.get("lastState") or {})
    ended: dict[str, Any] = next(
        (each["terminated"] for each in states if each.get("terminated")), {}
    )
    if not (code := ended.get("exitCode")):
        return ""
    said = f"{container.get('name')} ended with code {code}"
    if (reason := ended.get("reason")) not in (None, "", "Error"):
        said += f" ({reason})"
    message = str(ended.get("message") or "").strip()
    return _short(f"{said}: {message}" if message else said)


def _short(text: str) -> str:
    return text if len(text) <= _MOST else f"{text[:_MOST]}…"
