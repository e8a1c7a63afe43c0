"""Services and what leads to them: endpoints, ingresses, policies, disruption budgets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sampan.apiserver.columns.printer import (
    AGE,
    NAME,
    NONE,
    UNSET,
    Printer,
    age,
    joined,
    labels,
    name_of,
    number,
    selector,
    text,
    wide,
)
from sampan.kube.keys import Manifest


def _service(manifest: Manifest, now: datetime) -> list[Any]:
    spec = manifest.get("spec") or {}
    return [
        name_of(manifest),
        spec.get("type") or "ClusterIP",
        spec.get("clusterIP") or NONE,
        _external(spec, manifest.get("status") or {}),
        _ports(spec.get("ports") or ()),
        age(manifest, now),
        labels(spec.get("selector")),
    ]


def _external(spec: dict[str, Any], status: dict[str, Any]) -> str:
    own = spec.get("externalIPs") or []
    match spec.get("type"):
        case "ExternalName":
            return str(spec.get("externalName", ""))
        case "LoadBalancer":
            found = (status.get("loadBalancer") or {}).get("ingress") or ()
            given = [item.get("ip") or item.get("hostname") for item in found]
            return joined([*given, *own]) if given or own else "<pending>"
    return joined(own)


def _ports(ports: Any) -> str:
    shown = []
    for item in ports:
        node = f":{item['nodePort']}" if item.get("nodePort") else ""
        shown.append(f"{item.get('port', '')}{node}/{item.get('protocol') or 'TCP'}")
    return joined(shown)


def _endpoints(manifest: Manifest, now: datetime) -> list[Any]:
    places = [
        f"{address.get('ip', '')}:{port.get('port', '')}"
        for subset in manifest.get("subsets") or ()
        for port in subset.get("ports") or ()
        for address in subset.get("addresses") or ()
    ]
    return [name_of(manifest), joined(places, most=3), age(manifest, now)]


def _slice(manifest: Manifest, now: datetime) -> list[Any]:
    ports = (item.get("port") or "*" for item in manifest.get("ports") or ())
    places = (place for item in manifest.get("endpoints") or () for place in item["addresses"])
    return [
        name_of(manifest),
        manifest.get("addressType", ""),
        joined(ports, most=3).replace(NONE, UNSET),
        joined(places, most=3).replace(NONE, UNSET),
        age(manifest, now),
    ]


def _ingress(manifest: Manifest, now: datetime) -> list[Any]:
    spec, status = manifest.get("spec") or {}, manifest.get("status") or {}
    hosts = [rule.get("host") for rule in spec.get("rules") or ()]
    given = (status.get("loadBalancer") or {}).get("ingress") or ()
    shown = joined(hosts, most=3)
    return [
        name_of(manifest),
        spec.get("ingressClassName") or NONE,
        "*" if shown == NONE else shown,
        ",".join(str(item.get("ip") or item.get("hostname") or "") for item in given),
        "80, 443" if spec.get("tls") else "80",
        age(manifest, now),
    ]


def _ingress_class(manifest: Manifest, now: datetime) -> list[Any]:
    spec = manifest.get("spec") or {}
    given = spec.get("parameters") or {}
    kind = f"{given['kind']}.{given['apiGroup']}" if given.get("apiGroup") else given.get("kind")
    shown = f"{kind}/{given.get('name', '')}" if given else NONE
    return [name_of(manifest), spec.get("controller", ""), shown, age(manifest, now)]


def _policy(manifest: Manifest, now: datetime) -> list[Any]:
    spec = manifest.get("spec") or {}
    return [name_of(manifest), selector(spec.get("podSelector")), age(manifest, now)]


def _budget(manifest: Manifest, now: datetime) -> list[Any]:
    spec, status = manifest.get("spec") or {}, manifest.get("status") or {}
    bounds = (spec.get(key) for key in ("minAvailable", "maxUnavailable"))
    return [
        name_of(manifest),
        *("N/A" if bound is None else str(bound) for bound in bounds),
        status.get("disruptionsAllowed") or 0,
        age(manifest, now),
    ]


_NET = "networking.k8s.io"
PRINTERS = {
    ("", "Service"): Printer(
        (
            NAME,
            text("Type"),
            text("Cluster-IP"),
            text("External-IP"),
            text("Port(s)"),
            AGE,
            *wide("Selector"),
        ),
        _service,
    ),
    ("", "Endpoints"): Printer((NAME, text("Endpoints"), AGE), _endpoints),
    ("discovery.k8s.io", "EndpointSlice"): Printer(
        (NAME, text("AddressType"), text("Ports"), text("Endpoints"), AGE), _slice
    ),
    (_NET, "Ingress"): Printer(
        (NAME, text("Class"), text("Hosts"), text("Address"), text("Ports"), AGE), _ingress
    ),
    (_NET, "IngressClass"): Printer(
        (NAME, text("Controller"), text("Parameters"), AGE), _ingress_class
    ),
    (_NET, "NetworkPolicy"): Printer((NAME, text("Pod-Selector"), AGE), _policy),
    ("policy", "PodDisruptionBudget"): Printer(
        (
            NAME,
            text("Min Available"),
            text("Max Unavailable"),
            number("Allowed Disruptions"),
            AGE,
        ),
        _budget,
    ),
}
