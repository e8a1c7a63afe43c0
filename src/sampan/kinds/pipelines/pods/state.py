"""What became of a task, read off its pod.

    pod waits: its image cannot be had                     FAILED, and the pod has to go
    pod waits for something that may come                  PENDING, with what it waits for
    main exits with 0, the launcher has told the result    SUCCEEDED
    anything else that ended                               FAILED, with what a person has to know

An image that cannot be pulled fails its task at the first back-off; upstream's pod waits for ever.
What waits for a node, a Secret or a claim goes on when that comes. Upstream: argo-workflows
workflow/controller/operator.go inferFailedReason, which upstream's runs are ended by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct

from sampan.kube import launcher, meta
from sampan.kube.keys import Manifest

State = Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED"]

_HOPELESS = ("ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName")
_LONGEST = 500
"""Characters of a last line."""
_TRACEBACK = "Traceback (most recent call last):"
_ADVICE = {
    "OOMKilled": "the program used more memory than its limit",
    "DeadlineExceeded": "the task took longer than its timeout",
}


class Outcome(Struct, frozen=True, kw_only=True):
    """message: why it failed, or what it waits for. abandoned: the pod has not ended and never
    will; who reads this deletes it. started: of the program, RFC 3339; only while it runs."""

    state: State
    message: str = ""
    result: launcher.Result | None = None
    abandoned: bool = False
    started: str = ""


def judge(pod: Manifest) -> Outcome:
    status = pod.get("status") or {}
    match status.get("phase") or "Pending":
        case "Succeeded":
            return _succeeded(pod)
        case "Failed":
            return Outcome(state="FAILED", message=_fault(pod))
        case phase:
            return _alive(pod, phase)


def _succeeded(pod: Manifest) -> Outcome:
    try:
        result = launcher.result_of(pod)
    except launcher.Unreadable as error:
        return Outcome(state="FAILED", message=f"the result of the task is unreadable: {error}")
    if result is None:
        text = "the pod has ended and does not say what came of it: its node has no launcher"
        return Outcome(state="FAILED", message=text)
    return Outcome(state="SUCCEEDED", result=result)


def _alive(pod: Manifest, phase: str) -> Outcome:
    status = pod.get("status") or {}
    if meta.deleting(pod):
        return Outcome(state="FAILED", message="the pod was deleted while the task was running")
    for name, state in _states(status):
        waiting = state.get("waiting") or {}
        if waiting.get("reason") in _HOPELESS:
            text = _joined(waiting["reason"], waiting.get("message"))
            return Outcome(state="FAILED", message=_of(name, text), abandoned=True)
    if phase == "Running":
        return Outcome(state="RUNNING", started=_started(status))
    return Outcome(state="PENDING", message=_waits_for(status))


def _waits_for(status: Mapping[str, Any]) -> str:
    for condition in status.get("conditions") or ():
        if condition.get("reason") == "Unschedulable":
            return _joined("Unschedulable", condition.get("message"))
    for name, state in _states(status):
        waiting = state.get("waiting") or {}
        if waiting.get("message"):
            return _of(name, _joined(waiting.get("reason"), waiting["message"]))
    return ""


def _fault(pod: Manifest) -> str:
    """The reasons of the pod itself (eviction, deadline), then those of its containers."""
    status = pod["status"]
    reason = status.get("reason") or ""
    if reason or status.get("message"):
        return _joined(reason, _ADVICE.get(reason) or status.get("message"))
    for name, state in _states(status):
        ended = state.get("terminated") or {}
        if ended.get("exitCode"):
            return _of(name, _ended(ended))
        if waiting := state.get("waiting"):
            text = _joined(waiting.get("reason"), waiting.get("message"))
            return _of(name, f"never started: {text}")
    return "the pod failed without a reason"


def _ended(ended: Mapping[str, Any]) -> str:
    code, reason = ended["exitCode"], ended.get("reason") or "Error"
    said = _last_line(ended.get("message") or "")
    head = f"{reason} (exit code {code})" if reason != "Error" else f"exit code {code}"
    return _joined(head, said or _ADVICE.get(reason))


def _last_line(text: str) -> str:
    """The end of what a program printed, as far as it has words, or all that the launcher says.
    What Python raised comes before what it had still to print: output into a file is buffered."""
    lines = text.splitlines()
    if _TRACEBACK in lines:
        behind = lines[len(lines) - lines[::-1].index(_TRACEBACK) :]
        lines = [line for line in behind if line and not line[0].isspace()][:1] or lines
    for line in reversed(lines):
        if any(map(str.isalpha, line)):
            return line.strip()[-_LONGEST:]
    return ""


def _of(name: str, text: str) -> str:
    """Whose fault it is, where it is not the program's."""
    return text if name == launcher.MAIN else f"container {name}: {text}"


def _joined(*parts: str | None) -> str:
    return ": ".join(part for part in parts if part)


def _started(status: Mapping[str, Any]) -> str:
    """When the main container began, "" before."""
    for each in status.get("containerStatuses") or ():
        if each["name"] == launcher.MAIN:
            return ((each.get("state") or {}).get("running") or {}).get("startedAt") or ""
    return ""


def _states(status: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for field in ("initContainerStatuses", "containerStatuses"):
        for each in status.get(field) or ():
            yield each["name"], each.get("state") or {}
