"""The status of a pod: phase, conditions, containers, addresses.

What the node does not own (readiness gates of others, nominatedNodeName) is kept as it is.
Upstream: kubernetes pkg/kubelet/kubelet_pods.go getPhase, pkg/kubelet/status/generate.go.
"""

from __future__ import annotations

from typing import Any

from sampan.kube import times
from sampan.kube.keys import Manifest
from sampan.nodes.life import containers
from sampan.nodes.life.plan import Part
from sampan.nodes.life.qos import qos_class
from sampan.nodes.life.seen import Snapshot

TERMINAL = ("Succeeded", "Failed")
_LISTS = {"init": "initContainerStatuses", "sidecar": "initContainerStatuses",
          "main": "containerStatuses", "ephemeral": "ephemeralContainerStatuses"}  # fmt: skip


def phase(all_parts: list[Part], *, initialized: bool, failed: bool) -> str:
    """The phase of a pod that is meant to run."""
    if failed:
        return "Pending" if _still_running(all_parts) else "Failed"
    mains = [part for part in all_parts if part.role == "main"]
    if not initialized:
        return "Pending"
    if any(part.seen.last is None for part in mains):
        return "Pending"
    if not all(part.over for part in mains) or _still_running(all_parts):
        return "Running"
    return last_phase(all_parts)


def last_phase(all_parts: list[Part]) -> str:
    """The phase of a pod of which nothing runs any more."""
    counted = [part for part in all_parts if part.role in ("main", "init")]
    return "Succeeded" if all(part.seen.succeeded for part in counted) else "Failed"


def _still_running(all_parts: list[Part]) -> bool:
    return any(part.seen.running for part in all_parts)


def build(
    snapshot: Snapshot,
    all_parts: list[Part],
    *,
    phase: str,
    initialized: bool,
    why: tuple[str, str] | None,
) -> Manifest:
    """The whole status. `why` is (reason, message) of a pod that the node has ended."""
    old = snapshot.pod.get("status") or {}
    status: Manifest = {**old, "phase": phase, **_observed(snapshot)}
    now = times.from_seconds(snapshot.now)
    status.setdefault("qosClass", qos_class(snapshot.pod))
    status.setdefault("startTime", now)
    if why is not None:
        status["reason"], status["message"] = why
    status["hostIP"] = snapshot.host_ip
    status["hostIPs"] = [{"ip": snapshot.host_ip}]
    if snapshot.pod_ip:
        status["podIP"] = snapshot.pod_ip
        status["podIPs"] = [{"ip": snapshot.pod_ip}]
    status |= _container_statuses(snapshot, all_parts, initialized=initialized)
    status["conditions"] = _conditions(snapshot, all_parts, phase, initialized=initialized)
    return status


def _observed(snapshot: Snapshot) -> dict[str, int]:
    generation = snapshot.pod["metadata"].get("generation")
    return {"observedGeneration": generation} if generation is not None else {}


def _container_statuses(
    snapshot: Snapshot, all_parts: list[Part], *, initialized: bool
) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    meta = snapshot.pod["metadata"]
    has_init = any(part.role in ("init", "sidecar") for part in all_parts)
    for part in all_parts:
        blocked = part.role == "main" and has_init and not initialized
        idle = "PodInitializing" if blocked or part.role in ("init", "sidecar") else ""
        if part.role in ("init", "sidecar") and part is all_parts[0]:
            idle = ""
        entry = containers.status(
            part,
            meta["uid"],
            snapshot.now,
            pod_name=f"{meta['name']}_{meta['namespace']}",
            idle=idle or "ContainerCreating",
        )
        found.setdefault(_LISTS[part.role], []).append(entry)
    return found


def _conditions(
    snapshot: Snapshot, all_parts: list[Part], phase: str, *, initialized: bool
) -> list[dict[str, Any]]:
    old = {each["type"]: each for each in (snapshot.pod.get("status") or {}).get("conditions", ())}
    wanted = _verdicts(snapshot, all_parts, phase, initialized=initialized)
    now, observed = times.from_seconds(snapshot.now), _observed(snapshot)
    found = []
    for kind, (value, reason, message) in wanted.items():
        before = old.get(kind)
        since = before["lastTransitionTime"] if before and before["status"] == value else now
        entry = {"type": kind, "status": value, "lastTransitionTime": since, **observed}
        if reason:
            entry["reason"] = reason
        if message:
            entry["message"] = message
        found.append(entry)
    return [*found, *(each for kind, each in old.items() if kind not in wanted)]


Verdict = tuple[str, str, str]  # status, reason, message


def _verdicts(
    snapshot: Snapshot, all_parts: list[Part], phase: str, *, initialized: bool
) -> dict[str, Verdict]:
    over = phase in TERMINAL
    completed = {"Succeeded": "PodCompleted", "Failed": "PodFailed"}.get(phase, "")
    serving = [part for part in all_parts if part.role in ("main", "sidecar")]
    unready = [part.name for part in serving if not part.ready]
    containers_ready: Verdict = ("True", "", "")
    if completed:
        containers_ready = ("False", completed, "")
    elif unready:
        message = f"containers with unready status: [{' '.join(unready)}]"
        containers_ready = ("False", "ContainersNotReady", message)
    undone = [part.name for part in all_parts if _incomplete(part)]
    is_initialized: Verdict = ("True", "PodCompleted" if phase == "Succeeded" else "", "")
    if not initialized:
        message = f"containers with incomplete status: [{' '.join(undone)}]"
        is_initialized = ("False", "ContainersNotInitialized", message)
    sandbox = bool(snapshot.pod_ip) and not over
    found: dict[str, Verdict] = {
        "PodReadyToStartContainers": ("True" if sandbox else "False", "", ""),
        "Initialized": is_initialized,
        "Ready": _gated(snapshot.pod, containers_ready),
        "ContainersReady": containers_ready,
        "PodScheduled": ("True", "", ""),
    }
    if snapshot.evicted:
        found["DisruptionTarget"] = ("True", "TerminationByKubelet", snapshot.evicted[1])
    return found


def _incomplete(part: Part) -> bool:
    """Whether the pod's start waits for it: an init container's end, a sidecar's beginning."""
    return (part.role == "init" and not part.seen.succeeded) or (
        part.role == "sidecar" and not part.started
    )


def _gated(pod: Manifest, containers_ready: Verdict) -> Verdict:
    """Ready also needs every readiness gate."""
    if containers_ready[0] != "True":
        return containers_ready
    known = {c["type"]: c["status"] for c in (pod.get("status") or {}).get("conditions", ())}
    closed = []
    for gate in pod["spec"].get("readinessGates") or ():
        kind = gate["conditionType"]
        if kind not in known:
            closed.append(f'corresponding condition of pod readiness gate "{kind}" does not exist.')
        elif known[kind] != "True":
            text = f'the status of pod readiness gate "{kind}" is not "True", but {known[kind]}'
            closed.append(text)
    return ("False", "ReadinessGatesNotReady", ", ".join(closed)) if closed else containers_ready
