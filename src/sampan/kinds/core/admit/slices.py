"""EndpointSlice and Endpoints: defaults, ports, and what is an address of an endpoint.

A slice may have more than upstream's 1,000 endpoints, as those of this cluster are not split.
Upstream: kubernetes pkg/apis/discovery/validation, pkg/apis/core/validation (Endpoints).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from sampan.kube import formats, names
from sampan.kube.component import Rules
from sampan.kube.errors import Problem, duplicate, invalid, required, too_many, unsupported
from sampan.kube.keys import Manifest

FAMILIES = ("FQDN", "IPv4", "IPv6")
PROTOCOLS = ("SCTP", "TCP", "UDP")
MOST_ADDRESSES = 100
_VERSIONS = {"IPv4": IPv4Address, "IPv6": IPv6Address}


def default_slice(manifest: Manifest) -> None:
    for port in manifest.get("ports") or ():
        port.setdefault("name", "")
        port.setdefault("protocol", "TCP")


def validate_slice(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    family = manifest.get("addressType") or ""
    found: list[Problem] = []
    if not family:
        found.append(required("addressType"))
    elif family not in FAMILIES:
        found.append(unsupported("addressType", family, FAMILIES))
    if old is not None and family != old.get("addressType"):
        found.append(invalid("addressType", family, "field is immutable"))
    found += _slice_endpoints(manifest.get("endpoints") or (), family)
    found += _slice_ports(manifest.get("ports") or ())
    return found


def default_endpoints(manifest: Manifest) -> None:
    for subset in manifest.get("subsets") or ():
        for port in subset.get("ports") or ():
            port.setdefault("protocol", "TCP")


def validate_endpoints(manifest: Manifest, old: Manifest | None) -> list[Problem]:
    return list(_subsets(manifest.get("subsets") or ()))


def _slice_endpoints(endpoints: Any, family: str) -> Iterator[Problem]:
    for index, endpoint in enumerate(endpoints):
        path = f"endpoints[{index}]"
        addresses = endpoint.get("addresses") or ()
        if not addresses:
            yield required(f"{path}.addresses", "must contain at least 1 address")
        elif len(addresses) > MOST_ADDRESSES:
            yield too_many(f"{path}.addresses", len(addresses), MOST_ADDRESSES)
        for place, address in enumerate(addresses):
            if fault := _fault(address, family):
                yield invalid(f"{path}.addresses[{place}]", address, fault)
        host = endpoint.get("hostname")
        if host is not None and (fault := formats.dns_label(host)):
            yield invalid(f"{path}.hostname", host, fault)


def _slice_ports(ports: Any) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, port in enumerate(ports):
        path, name = f"ports[{index}]", port.get("name") or ""
        if name and (fault := formats.dns_label(name)):
            yield invalid(f"{path}.name", name, fault)
        if name in seen:
            yield duplicate(f"{path}.name", name)
        seen.add(name)
        if port.get("port") is not None and not 1 <= port["port"] <= 65535:
            fault = "must be between 1 and 65535, inclusive"
            yield invalid(f"{path}.port", port["port"], fault)
        if port.get("protocol", "TCP") not in PROTOCOLS:
            yield unsupported(f"{path}.protocol", port["protocol"], PROTOCOLS)


def _subsets(subsets: Any) -> Iterator[Problem]:
    for index, subset in enumerate(subsets):
        path = f"subsets[{index}]"
        if not subset.get("addresses") and not subset.get("notReadyAddresses"):
            yield required(path, "must specify `addresses` or `notReadyAddresses`")
        for field in ("addresses", "notReadyAddresses"):
            for place, address in enumerate(subset.get(field) or ()):
                where, ip = f"{path}.{field}[{place}]", address.get("ip") or ""
                if fault := _fault(ip, ""):
                    yield invalid(f"{where}.ip", ip, fault)
                host = address.get("hostname")
                if host and (fault := formats.dns_label(host)):
                    yield invalid(f"{where}.hostname", host, fault)
        yield from _subset_ports(subset.get("ports") or (), path)


def _subset_ports(ports: Any, path: str) -> Iterator[Problem]:
    for index, port in enumerate(ports):
        where, name, number = f"{path}.ports[{index}]", port.get("name") or "", port.get("port", 0)
        if not name and len(ports) > 1:
            yield required(f"{where}.name")
        elif name and (fault := formats.dns_label(name)):
            yield invalid(f"{where}.name", name, fault)
        if not 1 <= number <= 65535:
            yield invalid(f"{where}.port", number, "must be between 1 and 65535, inclusive")
        if port.get("protocol", "TCP") not in PROTOCOLS:
            yield unsupported(f"{where}.protocol", port["protocol"], PROTOCOLS)


def _fault(text: str, family: str) -> str | None:
    """Why this is no address that an endpoint may have; family "" is either of IP.
    Loopback is allowed, unlike upstream: pods have such addresses where they share the machine's
    network."""
    if family == "FQDN":
        return formats.dns_subdomain(text.removesuffix("."))
    try:
        address = ip_address(text)
    except ValueError:
        return "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
    if family in _VERSIONS and not isinstance(address, _VERSIONS[family]):
        return f"must be an {family} address"
    kinds = {
        "unspecified": address.is_unspecified,
        "in the link-local range (169.254.0.0/16, fe80::/10)": address.is_link_local,
    }
    return next((f"may not be {kind}" for kind, holds in kinds.items() if holds), None)


SLICE_RULES: Mapping[str, Rules] = {
    names.ENDPOINT_SLICE: Rules(default=default_slice, validate=validate_slice),
    names.ENDPOINTS: Rules(default=default_endpoints, validate=validate_endpoints),
}
