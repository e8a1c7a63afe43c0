"""What the data path has to know of a service. Pure.

    ip          its address; "" for one without (headless)
    external    the name that an ExternalName stands for
    affinity    seconds that a client stays with its endpoint; 0 is none
    outside     the endpoints lie in this machine's own network
    word        with it and the client's address begins what they are sent, if there is one
    ports       [{name, port, protocol, node, to: [[address, port], …]}]
    addresses   [[address, host name or ""], …] of the endpoints that may be used

Upstream: kubernetes pkg/proxy, of which the rules for endpoints that terminate.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sampan.kube import labels, names
from sampan.kube.keys import Manifest

Entry = dict[str, Any]
_FAMILIES = ("IPv4", None)
"""Of slices that are looked at: the network has nothing else, and a name is no address."""
_HOURS = 10_800  # seconds of affinity when the service does not say, as upstream


def entry(service: Manifest, slices: Iterable[Manifest]) -> Entry | None:
    """None when there is nothing to know."""
    spec = service["spec"]
    if spec.get("type") == "ExternalName":
        return {"external": spec["externalName"].rstrip("."), "ports": [], "addresses": []}
    ip = spec.get("clusterIP") or ""
    if not ip:
        return None
    found = [each for each in slices if each.get("addressType") in _FAMILIES]
    config = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
    sticky = spec.get("sessionAffinity") == "ClientIP"
    return {
        "ip": "" if ip == "None" else ip,
        "affinity": config.get("timeoutSeconds", _HOURS) if sticky else 0,
        "ports": [_port(port, found) for port in spec.get("ports") or ()],
        "addresses": _addresses(found),
    }


def service_of(part: Manifest) -> str:
    """The name of the service that a slice belongs to; "" for none."""
    return str(labels.of(part).get(names.LABEL_SERVICE_NAME, ""))


def _port(port: dict[str, Any], slices: Iterable[Manifest]) -> dict[str, Any]:
    name, protocol = port.get("name", ""), port.get("protocol", "TCP")
    serving: list[tuple[bool, list[Any]]] = []
    for each in slices:
        for there in each.get("ports") or ():
            if (there.get("name") or "", there.get("protocol", "TCP")) == (name, protocol):
                number = there.get("port") or 0
                serving += [
                    (ready, [ip, number]) for ready, ip, _ in _usable(each) if 0 < number < 65536
                ]
    return {
        "name": name,
        "port": port["port"],
        "protocol": protocol,
        "node": port.get("nodePort", 0),
        "to": _best(serving),
    }


def _addresses(slices: Iterable[Manifest]) -> list[list[str]]:
    return [[ip, host] for each in slices for ready, ip, host in _usable(each) if ready]


def _usable(part: Manifest) -> Iterable[tuple[bool, str, str]]:
    """(ready, address, host name) of endpoints that are ready, or serve until they end."""
    for endpoint in part.get("endpoints") or ():
        state = endpoint.get("conditions") or {}
        ready = state.get("ready") is not False
        if ready or (state.get("serving") and state.get("terminating")):
            for ip in endpoint.get("addresses") or ():
                yield ready, ip, endpoint.get("hostname") or ""


def _best(serving: list[tuple[bool, list[Any]]]) -> list[list[Any]]:
    """Those that terminate take connections only while nobody else does."""
    ready = [place for is_ready, place in serving if is_ready]
    return sorted(ready or [place for _, place in serving])
