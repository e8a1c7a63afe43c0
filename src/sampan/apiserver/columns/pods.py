"""Pods: the STATUS cell, which sums up every container, and the count of restarts.

Upstream: kubernetes pkg/printers/internalversion printPod.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from sampan.apiserver.columns.printer import (
    AGE,
    NAME,
    NONE,
    Printer,
    age,
    condition,
    name_of,
    since,
    text,
    wide,
)
from sampan.kube.keys import Manifest

Status = Mapping[str, Any]


class Summary(Struct):
    """What is gathered over the containers. `finished` is the time of the latest restart."""

    reason: str
    ready: int = 0
    restarts: int = 0
    finished: str = ""

    def note_restarts(self, status: Status) -> None:
        self.restarts += status.get("restartCount") or 0
        last = ((status.get("lastState") or {}).get("terminated") or {}).get("finishedAt") or ""
        self.finished = max(self.finished, last)


def cells(pod: Manifest, now: datetime) -> list[Any]:
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    summary = summarise(pod)
    total = len(spec.get("containers") or ()) + len(_sidecars(spec))
    restarts = str(summary.restarts)
    if summary.restarts and summary.finished:
        restarts += f" ({since(summary.finished, now)} ago)"
    addresses = status.get("podIPs") or [{"ip": status.get("podIP")}]
    return [
        name_of(pod),
        f"{summary.ready}/{total}",
        summary.reason,
        restarts,
        age(pod, now),
        addresses[0].get("ip") or NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        _gates(pod, spec),
    ]


def summarise(pod: Manifest) -> Summary:
    """The pod in one word, with its counts."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    summary = Summary(status.get("reason") or status.get("phase") or "")
    if condition(pod, "PodScheduled").get("reason") == "SchedulingGated":
        summary.reason = "SchedulingGated"
    initializing = _note_init(spec, status, summary)
    if not initializing or condition(pod, "Initialized").get("status") == "True":
        _note_main(pod, spec, status, summary)
    if pod["metadata"].get("deletionTimestamp"):
        if status.get("reason") == "NodeLost":
            summary.reason = "Unknown"
        elif status.get("phase") not in ("Succeeded", "Failed"):
            summary.reason = "Terminating"
    return summary


def _sidecars(spec: Mapping[str, Any]) -> set[str]:
    found = spec.get("initContainers") or ()
    return {item.get("name", "") for item in found if item.get("restartPolicy") == "Always"}


def _note_init(spec: Mapping[str, Any], status: Status, summary: Summary) -> bool:
    """Look at init containers up to the first that is not done; whether there is one."""
    sidecars = _sidecars(spec)
    for index, item in enumerate(status.get("initContainerStatuses") or ()):
        summary.note_restarts(item)
        state = item.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting") or {}
        if ended is not None and not ended.get("exitCode"):
            continue
        if item.get("name") in sidecars and item.get("started"):
            summary.ready += bool(item.get("ready"))
            continue
        if ended is not None:
            summary.reason = "Init:" + _ended(ended)
        elif waiting.get("reason") and waiting["reason"] != "PodInitializing":
            summary.reason = "Init:" + waiting["reason"]
        else:
            summary.reason = f"Init:{index}/{len(spec.get('initContainers') or ())}"
        return True
    return False


def _note_main(pod: Manifest, spec: Mapping[str, Any], status: Status, summary: Summary) -> None:
    """Look at the main containers, the last one first, so that the first one has the last word."""
    _forget_init(spec, status, summary)
    running = False
    for item in reversed(status.get("containerStatuses") or ()):
        summary.note_restarts(item)
        state = item.get("state") or {}
        if reason := (state.get("waiting") or {}).get("reason"):
            summary.reason = reason
        elif (ended := state.get("terminated")) is not None:
            summary.reason = _ended(ended)
        elif item.get("ready") and state.get("running") is not None:
            running = True
            summary.ready += 1
    if summary.reason == "Completed" and running:
        ready = condition(pod, "Ready").get("status") == "True"
        summary.reason = "Running" if ready else "NotReady"


def _forget_init(spec: Mapping[str, Any], status: Status, summary: Summary) -> None:
    """Once a pod runs, of its init containers only the sidecars' restarts count."""
    sidecars = _sidecars(spec)
    summary.restarts, summary.finished = 0, ""
    for item in status.get("initContainerStatuses") or ():
        if item.get("name") in sidecars:
            summary.note_restarts(item)


def _ended(ended: Status) -> str:
    if ended.get("reason"):
        return str(ended["reason"])
    if ended.get("signal"):
        return f"Signal:{ended['signal']}"
    return f"ExitCode:{ended.get('exitCode', 0)}"


def _gates(pod: Manifest, spec: Mapping[str, Any]) -> str:
    gates = spec.get("readinessGates") or ()
    if not gates:
        return NONE
    kinds = (gate.get("conditionType", "") for gate in gates)
    open_ = sum(condition(pod, kind).get("status") == "True" for kind in kinds)
    return f"{open_}/{len(gates)}"


PRINTERS = {
    ("", "Pod"): Printer(
        (
            NAME,
            text("Ready", "Containers that are ready, of all."),
            text("Status", "What the pod does, in one word."),
            text("Restarts", "How often containers were started again, and when last."),
            AGE,
            *wide("IP", "Node", "Nominated Node", "Readiness Gates"),
        ),
        cells,
    )
}
