"""What one container may use, from what its pod asks for. Pure.

A limit is handed to the supervisor, which keeps it as this machine allows. Requests are the
scheduler's; here they only weigh: who gets CPU when it is scarce, who dies first when memory is.
The order of dying is upstream's (kubernetes pkg/kubelet/qos/policy.go), moved up as a whole: on
somebody's own machine every pod goes before the programs of its owner.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampan.config import NodeSettings
from sampan.kube import quantities
from sampan.kube.keys import Manifest
from sampan.nodes.life.qos import qos_class
from sampan.nodes.sandbox.spec import Limits

GUARANTEED, BEST_EFFORT = 500, 1000
_BURSTABLE = (501, 999)


def limits_of(
    pod: Manifest, container: Mapping[str, Any], *, memory: int, settings: NodeSettings
) -> Limits:
    """`memory` is what the node has, in bytes."""
    resources = container.get("resources") or {}
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    whole = (pod["spec"].get("resources") or {}).get("limits") or {}
    bounds = {"memory": _bytes(whole), "cpu": _milli(whole), "pids": settings.pod_pids}
    return Limits(
        memory=_bytes(limits),
        cpu=_milli(limits),
        weight=_milli(requests) or _milli(limits),
        oom=_score(pod, _bytes(requests), memory),
        pod={name: bound for name, bound in bounds.items() if bound},
        log={"size": quantities.value(settings.log_size), "files": settings.log_files},
    )


def _score(pod: Manifest, requested: int, memory: int) -> int:
    """oom_score_adj: the less of the node's memory it has asked for, the sooner it dies."""
    kind = (pod.get("status") or {}).get("qosClass") or qos_class(pod)
    if kind == "Guaranteed":
        return GUARANTEED
    if kind == "BestEffort":
        return BEST_EFFORT
    least, most = _BURSTABLE
    share = requested / memory if memory else 0.0
    return max(least, min(most, round(most - share * (most - least))))


def _bytes(table: Mapping[str, quantities.Quantity]) -> int:
    return quantities.value(table["memory"]) if "memory" in table else 0


def _milli(table: Mapping[str, quantities.Quantity]) -> int:
    return quantities.milli(table["cpu"]) if "cpu" in table else 0
