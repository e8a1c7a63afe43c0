"""Service: defaults, ports, and the addresses that it is given; and what leads nowhere.

A cluster IP comes from 10.96.0.0/16, a node port from 30000-32767; both start at a number that
follows from the service's name and take the next free one, so the same service tends to get the
same address again. Upstream: kubernetes pkg/apis/core/v1/defaults.go, pkg/registry/core/service.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from sampan.kube import formats, meta, names, nets
from sampan.kube.component import Rules
from sampan.kube.errors import (
    InternalError,
    Invalid,
    Problem,
    duplicate,
    forbidden,
    invalid,
    required,
    unsupported,
)
from sampan.kube.keys import Key, Manifest, key_of
from sampan.kube.plan import View

NETWORK = IPv4Network(nets.SERVICES)
FIRST = IPv4Address(nets.API)
"""The address of default/kubernetes, in every cluster."""
RESERVED = 16
"""Addresses at the start of the network that are only given when they are asked for."""
NODE_PORTS = range(30000, 32768)
TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
PROTOCOLS = ("SCTP", "TCP", "UDP")
AFFINITIES = ("ClientIP", "None")
HEADLESS = "None"
STICKY_SECONDS = 10_800
"""How long a client stays with its endpoint when the service does not say."""
MOST_STICKY_SECONDS = 86_400


def default_service(manifest: Manifest) -> None:
    spec = manifest.setdefault("spec", {})
    spec.setdefault("type", "ClusterIP")
    _default_affinity(spec)
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        if port.get("targetPort") in (None, 0, "") and port.get("port"):
            port["targetPort"] = port["port"]
    if spec["type"] == "ExternalName":
        return
    spec.setdefault("internalTrafficPolicy", "Cluster")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if spec["type"] == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")


def _default_affinity(spec: dict[str, Any]) -> None:
    if spec.setdefault("sessionAffinity", "None") == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP" and _sticky_seconds(spec) is None:
        spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": STICKY_SECONDS}}


def _sticky_seconds(spec: Mapping[str, Any]) -> int | None:
    client = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
    seconds: int | None = client.get("timeoutSeconds")
    return seconds


def prepare_service(manifest: Manifest, old: Manifest | None) -> None:
    """What was given stays given when an update does not mention it, but for what another type
    than before has no use for."""
    spec = manifest["spec"]
    if old is None:
        manifest["status"] = {"loadBalancer": {}}
        return
    before = old["spec"]
    _drop_unused(spec, before)
    if spec["type"] == "ExternalName":
        for field in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            spec.pop(field, None)
        return
    if not spec.get("clusterIP") and before.get("clusterIP"):
        spec["clusterIP"] = before["clusterIP"]
    if spec.get("clusterIP") == before.get("clusterIP") and before.get("clusterIPs"):
        spec.setdefault("clusterIPs", before["clusterIPs"])
    given = {_port_id(port): port.get("nodePort") for port in before.get("ports") or ()}
    if spec["type"] in ("NodePort", "LoadBalancer"):
        for port in spec.get("ports") or ():
            if not port.get("nodePort") and given.get(_port_id(port)):
                port["nodePort"] = given[_port_id(port)]


def _drop_unused(spec: dict[str, Any], before: Mapping[str, Any]) -> None:
    """Fields that only the earlier type needed, unless the update changes them: then it says so,
    and validation has its word."""
    kind, was = str(spec["type"]), str(before.get("type"))
    outside = ("NodePort", "LoadBalancer")
    if was in outside and kind not in outside:
        if _same("externalTrafficPolicy", spec, before):
            spec.pop("externalTrafficPolicy", None)
        given = {_port_id(port): port.get("nodePort") for port in before.get("ports") or ()}
        for port in spec.get("ports") or ():
            if port.get("nodePort") == given.get(_port_id(port)):
                port.pop("nodePort", None)
    if was == "LoadBalancer" and kind != was:
        for field in ("allocateLoadBalancerNodePorts", "loadBalancerClass"):
            if _same(field, spec, before):
                spec.pop(field, None)


def _same(field: str, spec: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    return bool(spec.get(field) == before.get(field))


def validate_service(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    spec = manifest["spec"]
    found = []
    if spec["type"] not in TYPES:
        found.append(unsupported("spec.type", spec["type"], TYPES))
    if spec["sessionAffinity"] not in AFFINITIES:
        found.append(unsupported("spec.sessionAffinity", spec["sessionAffinity"], AFFINITIES))
    found += _stickiness(spec)
    found += _families(spec)
    found += _ports(spec)
    found += _node_ports(spec)
    for key, value in (spec.get("selector") or {}).items():
        if fault := formats.label_key(key) or formats.label_value(value):
            found.append(invalid("spec.selector", f"{key}={value}", fault))
    if spec["type"] == "ExternalName":
        found += _external(spec)
    address = spec.get("clusterIP") or ""
    if address not in ("", HEADLESS) and not _is_address(address):
        fault = "must be empty, 'None', or a valid IP address"
        found.append(invalid("spec.clusterIPs[0]", address, fault))
    if old is not None:
        found += _address_update(spec, old["spec"])
    return found


def admit_service(view: View, manifest: Manifest, old: Manifest | None) -> None:
    """Give the addresses that are still missing."""
    spec = manifest["spec"]
    if spec["type"] == "ExternalName":
        return
    wanted = spec.get("clusterIP") or next(iter(spec.get("clusterIPs") or ()), "")
    if wanted != HEADLESS and (old is None or old["spec"].get("clusterIP") != wanted or not wanted):
        wanted = _cluster_ip(view, manifest, wanted)
    spec["clusterIP"] = wanted
    spec["clusterIPs"] = [wanted]
    if spec["type"] == "NodePort" or (
        spec["type"] == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts", True)
    ):
        _give_node_ports(view, manifest)


def _cluster_ip(view: View, manifest: Manifest, wanted: str) -> str:
    taken = {
        each["spec"].get("clusterIP")
        for each in view.select(names.SERVICE)
        if _key(each) != _key(manifest)
    }
    if wanted:
        _check_wanted(manifest, wanted, taken)
        return wanted
    if (meta.namespace_of(manifest), manifest["metadata"].get("name")) == ("default", "kubernetes"):
        return str(FIRST)
    size = NETWORK.num_addresses - 1 - RESERVED
    start = _seed(manifest) % size
    for step in range(size):
        address = str(NETWORK[RESERVED + (start + step) % size])
        if address not in taken:
            return address
    raise InternalError("failed to allocate a serviceIP: range is full")


def _check_wanted(manifest: Manifest, wanted: str, taken: Collection[str | None]) -> None:
    fault = None
    if not _is_address(wanted) or IPv4Address(wanted) not in NETWORK:
        fault = f"failed to allocate IP {wanted}: the provided IP is not in {NETWORK}"
    elif wanted in taken:
        fault = "failed to allocate IP: provided IP is already allocated"
    if fault:
        name = manifest["metadata"].get("name", "")
        problem = invalid("spec.clusterIPs", [wanted], fault)
        raise Invalid.of("Service", "", name, [problem])


def _give_node_ports(view: View, manifest: Manifest) -> None:
    taken = {
        port.get("nodePort")
        for each in view.select(names.SERVICE)
        if _key(each) != _key(manifest)
        for port in each["spec"].get("ports") or ()
    }
    for index, port in enumerate(manifest["spec"].get("ports") or ()):
        wanted = port.get("nodePort")
        if wanted and wanted in taken:
            problem = invalid(f"spec.ports[{index}].nodePort", wanted, "provided port is taken")
            raise Invalid.of("Service", "", manifest["metadata"].get("name", ""), [problem])
        if not wanted:
            start = (_seed(manifest) + index) % len(NODE_PORTS)
            free = (NODE_PORTS[(start + step) % len(NODE_PORTS)] for step in range(len(NODE_PORTS)))
            wanted = next((each for each in free if each not in taken), None)
            if wanted is None:
                raise InternalError("failed to allocate a nodePort: range is full")
            port["nodePort"] = wanted
        taken.add(wanted)


def _stickiness(spec: Mapping[str, Any]) -> Iterator[Problem]:
    seconds = _sticky_seconds(spec)
    if seconds is not None and not 0 < seconds <= MOST_STICKY_SECONDS:
        fault = f"must be greater than 0 and less than {MOST_STICKY_SECONDS}"
        yield invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", seconds, fault)


def _families(spec: Mapping[str, Any]) -> Iterator[Problem]:
    for index, family in enumerate(spec.get("ipFamilies") or ()):
        if family != "IPv4":
            fault = "this cluster has only IPv4"
            yield invalid(f"spec.ipFamilies[{index}]", family, fault)
    policy = spec.get("ipFamilyPolicy", "SingleStack")
    if policy not in ("SingleStack", "PreferDualStack"):
        fault = "this cluster is not configured for dual-stack services"
        yield invalid("spec.ipFamilyPolicy", policy, fault)


def _ports(spec: Mapping[str, Any]) -> Iterator[Problem]:
    ports = spec.get("ports") or ()
    if not ports and spec.get("clusterIP") != HEADLESS and spec["type"] != "ExternalName":
        yield required("spec.ports")
    seen_names: set[str] = set()
    seen: set[tuple[str, int]] = set()
    for index, port in enumerate(ports):
        path = f"spec.ports[{index}]"
        yield from _port(port, path, several=len(ports) > 1)
        name = port.get("name") or ""
        if name and name in seen_names:
            yield duplicate(f"{path}.name", name)
        seen_names.add(name)
        pair = (port.get("protocol", "TCP"), port.get("port", 0))
        if pair in seen:
            yield duplicate(path, f"{pair[1]}/{pair[0]}")
        seen.add(pair)


def _port(port: Mapping[str, Any], path: str, *, several: bool) -> Iterator[Problem]:
    name = port.get("name") or ""
    if several and not name:
        yield required(f"{path}.name")
    elif name and (fault := formats.dns_label(name)):
        yield invalid(f"{path}.name", name, fault)
    number = port.get("port", 0)
    if not 1 <= number <= 65535:
        yield invalid(f"{path}.port", number, "must be between 1 and 65535, inclusive")
    if port.get("protocol", "TCP") not in PROTOCOLS:
        yield unsupported(f"{path}.protocol", port["protocol"], PROTOCOLS)
    target = port.get("targetPort")
    if isinstance(target, int) and not 1 <= target <= 65535:
        yield invalid(f"{path}.targetPort", target, "must be between 1 and 65535, inclusive")
    elif isinstance(target, str) and (fault := formats.port_name(target)):
        yield invalid(f"{path}.targetPort", target, fault)
    node_port = port.get("nodePort")
    if node_port and node_port not in NODE_PORTS:
        fault = f"provided port is not in the valid range {NODE_PORTS[0]}-{NODE_PORTS[-1]}"
        yield invalid(f"{path}.nodePort", node_port, fault)


def _node_ports(spec: Mapping[str, Any]) -> Iterator[Problem]:
    if spec["type"] in ("ClusterIP", "ExternalName"):
        for index, port in enumerate(spec.get("ports") or ()):
            if port.get("nodePort"):
                fault = f"may not be used when `type` is '{spec['type']}'"
                yield forbidden(f"spec.ports[{index}].nodePort", fault)


def _external(spec: Mapping[str, Any]) -> Iterator[Problem]:
    name = (spec.get("externalName") or "").rstrip(".")
    if not name:
        yield required("spec.externalName")
    elif fault := formats.dns_subdomain(name):
        yield invalid("spec.externalName", name, fault)
    if spec.get("clusterIP"):
        yield forbidden("spec.clusterIPs", "may not be set when `type` is 'ExternalName'")


def _address_update(new: Mapping[str, Any], old: Mapping[str, Any]) -> Iterator[Problem]:
    if "ExternalName" in (new["type"], old.get("type")) or not old.get("clusterIP"):
        return
    if new.get("clusterIP") != old["clusterIP"]:
        yield invalid("spec.clusterIPs[0]", new.get("clusterIP"), "may not change once set")


def _is_address(text: str) -> bool:
    try:
        IPv4Address(text)
    except ValueError:
        return False
    return True


def _key(manifest: Manifest) -> Key | None:
    """None before a name is generated."""
    return key_of(manifest) if manifest["metadata"].get("name") else None


def _seed(manifest: Manifest) -> int:
    where = manifest["metadata"]
    name = where.get("name") or where.get("generateName", "")
    return meta.fnv32a(f"{meta.namespace_of(manifest)}/{name}".encode())


def _port_id(port: Mapping[str, Any]) -> tuple[str, int]:
    return (port.get("protocol", "TCP"), int(port.get("port") or 0))


def warn_service(manifest: Manifest) -> list[str]:
    """What of it leads nowhere here."""
    spec, where = manifest["spec"], "has no effect here"
    found = []
    if spec.get("externalIPs"):
        found.append(f"spec.externalIPs: {where}: use a node port, which 127.0.0.1 has")
    for index, port in enumerate(spec.get("ports") or ()):
        if port.get("protocol") == "SCTP":
            found.append(f"spec.ports[{index}].protocol: {where}: TCP and UDP are carried")
    return found


SERVICE_RULES: Mapping[str, Rules] = {
    names.SERVICE: Rules(
        default=default_service,
        prepare=prepare_service,
        validate=validate_service,
        admit=admit_service,
        warn=warn_service,
    ),
}
