"""Endpoints and EndpointSlices of services that have a selector: the addresses of their pods.

Ready pods are addresses that may be used; the others are listed apart, or together with them when
the service publishes addresses that are not ready. Pods that name a port differently make a group
of their own. One slice per group: slices are split no further. Nothing here moves packets: until
there is a service network, a port is reachable at the pod's own address only.
Upstream: kubernetes pkg/controller/{endpoint,endpointslice}.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address
from typing import Any

from sampan.kinds.core import manifests
from sampan.kinds.core.types import Routed
from sampan.kube import conditions, meta, names
from sampan.kube.keys import Key, Manifest, key_of
from sampan.kube.plan import Action, Apply, Controller, Delete, Plan, View

Port = tuple[str, int, str, str]
"""Name, number, protocol and appProtocol, as a pod resolves a service's port."""
Group = tuple[Port, ...]


def see(view: View, key: Key) -> Routed | None:
    service = view.get(key)
    if service is None or meta.deleting(service) or not service["spec"].get("selector"):
        return None
    if service["spec"].get("type") == "ExternalName":
        return None
    selector = {"matchLabels": service["spec"]["selector"]}
    pods = tuple(pod for pod in view.select(names.POD, key.namespace, selector) if _listed(pod))
    return Routed(service, pods, tuple(view.owned(service, names.ENDPOINT_SLICE)))


def decide(routed: Routed) -> Plan:
    service = routed.service
    groups: dict[Group, list[Manifest]] = {}
    for pod in routed.pods:
        groups.setdefault(_ports(service, pod), []).append(pod)
    subsets = [
        subset
        for ports, pods in sorted(groups.items())
        if (subset := _subset(service, ports, pods))
    ]
    slices = [_slice(service, ports, pods) for ports, pods in sorted(groups.items())]
    wanted = slices or [_slice(service, (), [])]
    actions: list[Action] = [Apply(manifests.endpoints(service, subsets))]
    actions += [Apply(each) for each in wanted]
    kept = {meta.name_of(each) for each in wanted}
    actions += [Delete(key_of(each)) for each in routed.slices if meta.name_of(each) not in kept]
    return Plan(actions=tuple(actions))


def _listed(pod: Manifest) -> bool:
    status = pod.get("status") or {}
    if status.get("phase") in ("Succeeded", "Failed"):
        return False
    return _is_address(status.get("podIP") or "")


def _is_address(text: str) -> bool:
    """One pod with a status that is nonsense would have the whole slice refused."""
    try:
        address = IPv4Address(text)
    except ValueError:
        return False
    return not (address.is_unspecified or address.is_link_local)


def _ready(pod: Manifest) -> bool:
    return conditions.is_true((pod.get("status") or {}).get("conditions"), "Ready")


def _ports(service: Manifest, pod: Manifest) -> Group:
    found = (_port(port, pod) for port in service["spec"].get("ports") or ())
    return tuple(port for port in found if port is not None)


def _port(port: dict[str, Any], pod: Manifest) -> Port | None:
    """None when the pod has no port of the name that the service targets."""
    protocol = port.get("protocol", "TCP")
    target = port.get("targetPort", port["port"])
    number = target if isinstance(target, int) else _named(pod, target, protocol)
    if number is None:
        return None
    return (port.get("name", ""), number, protocol, port.get("appProtocol", ""))


def _named(pod: Manifest, name: str, protocol: str) -> int | None:
    spec = pod["spec"]
    sidecars = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    for container in (*spec["containers"], *sidecars):
        for port in container.get("ports") or ():
            if port.get("name") == name and port.get("protocol", "TCP") == protocol:
                return int(port["containerPort"])
    return None


def _subset(service: Manifest, ports: Group, pods: Iterable[Manifest]) -> dict[str, Any]:
    """{} when all its pods are about to go."""
    anyway = bool(service["spec"].get("publishNotReadyAddresses"))
    ready, waiting = [], []
    for pod in pods:
        address = {"ip": pod["status"]["podIP"], **_place(service, pod)}
        if anyway or (_ready(pod) and not meta.deleting(pod)):
            ready.append(address)
        elif not meta.deleting(pod):
            waiting.append(address)
    subset: dict[str, Any] = {}
    if ready:
        subset["addresses"] = ready
    if waiting:
        subset["notReadyAddresses"] = waiting
    if ports and subset:
        subset["ports"] = [_port_entry(port) for port in ports]
    return subset


def _slice(service: Manifest, ports: Group, pods: Iterable[Manifest]) -> Manifest:
    """Named after its ports, so that a group keeps its slice while pods come and go."""
    digest = f"{meta.fnv32a(repr(ports).encode()):08x}"
    name = f"{meta.name_of(service)[:240]}-{digest}"
    addresses = [_endpoint(service, pod) for pod in pods]
    return manifests.endpoint_slice(service, name, addresses, [_port_entry(p) for p in ports])


def _endpoint(service: Manifest, pod: Manifest) -> dict[str, Any]:
    serving, terminating = _ready(pod), meta.deleting(pod)
    anyway = bool(service["spec"].get("publishNotReadyAddresses"))
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {
            "ready": anyway or (serving and not terminating),
            "serving": anyway or serving,
            "terminating": terminating,
        },
        **_place(service, pod),
    }


def _place(service: Manifest, pod: Manifest) -> dict[str, Any]:
    """Host name, node and the pod itself, for an address or an endpoint."""
    spec = pod["spec"]
    place: dict[str, Any] = {}
    if spec.get("hostname") and spec.get("subdomain") == meta.name_of(service):
        place["hostname"] = spec["hostname"]
    if spec.get("nodeName"):
        place["nodeName"] = spec["nodeName"]
    place["targetRef"] = {
        "kind": "Pod",
        "namespace": meta.namespace_of(pod),
        "name": meta.name_of(pod),
        "uid": meta.uid_of(pod),
    }
    return place


def _port_entry(port: Port) -> dict[str, Any]:
    name, number, protocol, application = port
    entry: dict[str, Any] = {"port": number, "protocol": protocol}
    if name:
        entry["name"] = name
    if application:
        entry["appProtocol"] = application
    return entry


ENDPOINTS = Controller(name="endpoints", of=names.SERVICE, see=see, decide=decide)
