"""What a pod's status means for its node: the rules of failed and error.

    main exits non-zero, sidecar too (137 and 143 apart)   Failed
    the pod says why it ended (deadline, eviction)          Failed
    init or helper container non-zero, or never started     Error
    all that count exited with 0                            Succeeded

Upstream: argo-workflows workflow/controller/operator.go assessNodeStatus, inferFailedReason.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampan.kinds.workflows import nodes
from sampan.kinds.workflows.nodes import Node, Phase
from sampan.kube import argoexec
from sampan.kube.argoexec import MAIN, WAIT
from sampan.kube.keys import Manifest

_HELPERS = (WAIT, "supervisor")
_KILLED = (137, 143)
"""A sidecar that was told to end is not to blame."""


def goes_on(node: Node, pod: Manifest) -> bool:
    """Whether a pod that ran at the last look runs still, and has nothing to add. Asked of every
    pod at every look."""
    if node["phase"] != "Running" or "message" in node or "hostNodeName" not in node:
        return False
    about = pod["metadata"]
    return bool(
        pod["status"]["phase"] == "Running"
        and "deletionTimestamp" not in about
        and "daemoned" not in node
        and not node.get("children")
    )


def observe(node: Node, pod: Manifest, now: str) -> Node:
    """The node as its pod is now. A node that is over stays as it is."""
    if nodes.over(node):
        return node
    phase, message = assess(pod)
    host = (pod.get("spec") or {}).get("nodeName") or ""
    if host and phase != "Pending" and node.get("hostNodeName") != host:
        node = {**node, "hostNodeName": host}
    if phase in nodes.OVER:
        node = {**node, "finishedAt": _finished(pod) or now}
        code = exit_code(pod)
        if code is not None:
            node["outputs"] = {**(node.get("outputs") or {}), "exitCode": str(code)}
    return nodes.turned(node, phase, now, message)


def assess(pod: Manifest) -> tuple[Phase, str]:
    """The phase and the message that a pod gives its node."""
    status = pod.get("status") or {}
    match status.get("phase") or "Pending":
        case "Pending":
            if pod["metadata"].get("deletionTimestamp"):
                return "Error", "pod deleted during operation"
            return "Pending", _pending(status)
        case "Succeeded":
            return "Succeeded", ""
        case "Failed":
            return _failed(pod)
        case "Running":
            return "Running", ""
        case other:
            return "Error", f"Unexpected pod phase: {other}"


def _pending(status: dict[str, Any]) -> str:
    for _, state in _states(status, "containerStatuses"):
        if waiting := state.get("waiting"):
            return _joined(waiting.get("reason"), waiting.get("message"))
    for condition in status.get("conditions") or ():
        if condition.get("reason") == "Unschedulable":
            return _joined("Unschedulable", condition.get("message"))
    return ""


def _joined(*parts: str | None) -> str:
    return ": ".join(part for part in parts if part)


def _failed(pod: Manifest) -> tuple[Phase, str]:
    status = pod.get("status") or {}
    if status.get("message"):
        return "Failed", status["message"]
    for name, state in _states(status, "initContainerStatuses"):
        if fault := _fault(name, state):
            return "Error", fault
    main_first = sorted(
        _states(status, "containerStatuses"), key=lambda each: (each[0] != MAIN, each[0])
    )
    beside = _sidecars(pod, [name for name, _ in main_first])
    for name, state in main_first:
        fault = _fault(name, state)
        if not fault:
            continue
        if name in _HELPERS or "waiting" in state:
            return "Error", fault
        if name not in beside or state["terminated"].get("exitCode") not in _KILLED:
            return "Failed", fault
    if not main_first:
        return "Failed", _joined(status.get("reason")) or "pod failed without a reason"
    return "Succeeded", ""


def _sidecars(pod: Manifest, listed: list[str]) -> frozenset[str]:
    """The containers that end because the main one has. Of a container set, all are main ones."""
    others = frozenset(listed) - {MAIN, *_HELPERS}
    if not others or MAIN not in listed:
        return frozenset()
    template = argoexec.parsed(argoexec.template_text(pod.get("spec") or {}))
    group = (template.get("containerSet") or {}).get("containers") or ()
    return others - {each["name"] for each in group}


def _fault(name: str, state: dict[str, Any]) -> str:
    """What is wrong with a container of a failed pod; "" for one that exited with 0."""
    if waiting := state.get("waiting"):
        why = _joined(waiting.get("reason"), waiting.get("message"))
        return f"Pod failed before {name} container starts due to {why}"
    ended = state.get("terminated") or {}
    code = ended.get("exitCode") or 0
    if code == 0:
        return ""
    said = f"{ended.get('reason') or 'Error'} (exit code {code})"
    return f"{name}: {_joined(said, ended.get('message'))}"


def exit_code(pod: Manifest) -> int | None:
    """The exit code of the main container, if it ended."""
    for name, state in _states(pod.get("status") or {}, "containerStatuses"):
        if name == MAIN and (ended := state.get("terminated")):
            return int(ended.get("exitCode") or 0)
    return None


def _finished(pod: Manifest) -> str | None:
    ends = [
        state["terminated"]["finishedAt"]
        for section in ("initContainerStatuses", "containerStatuses")
        for _, state in _states(pod.get("status") or {}, section)
        if (state.get("terminated") or {}).get("finishedAt")
    ]
    return max(ends, default=None)


def _states(status: dict[str, Any], field: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in status.get(field) or ():
        yield each["name"], each.get("state") or {}
