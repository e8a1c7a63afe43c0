"""Where a pod may run: taints and tolerations, node selectors, required affinity, host ports. Pure.

The scheduler chooses by these rules, a DaemonSet and a kubelet by the same. Amounts are not looked
at here.
Upstream: k8s.io/component-helpers scheduling/corev1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

_EVERYWHERE = ("0.0.0.0", "::")


class HostPort(Struct, frozen=True):
    """A port of the machine that a container wants for itself. `ip` "" is every address."""

    ip: str
    protocol: str
    port: int

    def clashes(self, other: HostPort) -> bool:
        if (self.protocol, self.port) != (other.protocol, other.port):
            return False
        return self.ip == other.ip or not self.ip or not other.ip


def host_ports(spec: Mapping[str, Any]) -> list[HostPort]:
    """Those of the main containers and of the sidecars, which run as long."""
    found = []
    for container in spec.get("containers") or ():
        found += _ports(container)
    for container in spec.get("initContainers") or ():
        if container.get("restartPolicy") == "Always":
            found += _ports(container)
    return found


def _ports(container: Mapping[str, Any]) -> list[HostPort]:
    return [
        HostPort(
            "" if (ip := port.get("hostIP") or "") in _EVERYWHERE else ip,
            port.get("protocol") or "TCP",
            port["hostPort"],
        )
        for port in container.get("ports") or ()
        if port.get("hostPort")
    ]


def tolerated(taint: Mapping[str, str], tolerations: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one of a pod's tolerations means the taint."""
    return any(_tolerates(each, taint) for each in tolerations)


def _tolerates(toleration: Mapping[str, Any], taint: Mapping[str, str]) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    if toleration.get("operator") == "Exists":
        return True
    return bool(toleration.get("key")) and toleration.get("value", "") == taint.get("value", "")


def selected(spec: Mapping[str, Any], name: str, labels: Mapping[str, str]) -> bool:
    """Whether a PodSpec's nodeSelector and its required node affinity mean the node."""
    selector = spec.get("nodeSelector") or {}
    if any(labels.get(key) != value for key, value in selector.items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    return any(_term(term, name, labels) for term in required.get("nodeSelectorTerms") or ())


def _term(term: Mapping[str, Any], name: str, labels: Mapping[str, str]) -> bool:
    """All of a term's requirements; an empty term selects nothing."""
    said, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not said and not fields:
        return False
    return all(_holds(each, labels) for each in said) and all(
        _holds(each, {"metadata.name": name}) for each in fields
    )


def _holds(requirement: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value = labels.get(requirement["key"])
    values = requirement.get("values") or ()
    match requirement["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt" as operator:
            return _compares(value, operator, values)
    return False


def _compares(value: str | None, operator: str, values: Sequence[str]) -> bool:
    try:
        number, bound = int(value or ""), int(values[0])
    except (ValueError, IndexError):
        return False
    return number > bound if operator == "Gt" else number < bound
