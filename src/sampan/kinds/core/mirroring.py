"""EndpointSlices of Endpoints that somebody has written by hand, for services without a selector.

Each subset becomes a slice for every family of its addresses; subsets with the same ports share
one. The slices belong to the Endpoints and go with them. Not mirrored: what the cluster itself
writes, what says `skip-mirror`, and Endpoints that were a lock of a leader's election. A slice
holds 1,000 addresses; more of a subset are left out.
Upstream: kubernetes pkg/controller/endpointslicemirroring.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampan.kinds.core import manifests
from sampan.kinds.core.types import Mirrored
from sampan.kube import labels, meta, names
from sampan.kube.keys import Key, Manifest, key_of
from sampan.kube.plan import Action, Apply, Controller, Delete, Plan, View

_MOST = 1000
_SHARED = ("hostname", "nodeName", "targetRef")
"""Fields that mean the same in an address and in an endpoint."""
_LEADER = "control-plane.alpha.kubernetes.io/leader"
Group = tuple[str, tuple[tuple[tuple[str, Any], ...], ...]]
"""A family of addresses, and the ports' fields."""


def see(view: View, key: Key) -> Mirrored | None:
    endpoints = view.get(key)
    if endpoints is None or meta.deleting(endpoints):
        return None
    service = view.get(Key(names.SERVICE, key.namespace, key.name))
    return Mirrored(endpoints, service, tuple(view.owned(endpoints, names.ENDPOINT_SLICE)))


def decide(mirrored: Mirrored) -> Plan:
    wanted = list(_slices(mirrored.endpoints)) if _wanted(mirrored) else []
    kept = {meta.name_of(each) for each in wanted}
    actions: list[Action] = [Apply(each) for each in wanted]
    actions += [Delete(key_of(each)) for each in mirrored.slices if meta.name_of(each) not in kept]
    return Plan(actions=tuple(actions))


def _wanted(mirrored: Mirrored) -> bool:
    endpoints, service = mirrored.endpoints, mirrored.service
    return (
        service is not None
        and not meta.deleting(service)
        and not service["spec"].get("selector")
        and not meta.is_controlled_by(endpoints, service)
        and labels.of(endpoints).get(names.LABEL_SKIP_MIRROR) != "true"
        and _LEADER not in meta.annotations_of(endpoints)
    )


def _slices(endpoints: Manifest) -> Iterator[Manifest]:
    groups: dict[Group, list[dict[str, Any]]] = {}
    for subset in endpoints.get("subsets") or ():
        ports = tuple(tuple(sorted(port.items())) for port in subset.get("ports") or ())
        for field, ready in (("addresses", True), ("notReadyAddresses", False)):
            for address in subset.get(field) or ():
                family = "IPv6" if ":" in address["ip"] else "IPv4"
                groups.setdefault((family, ports), []).append(_endpoint(address, ready=ready))
    for group, found in sorted(groups.items()):
        family, ports = group
        digest = f"{meta.fnv32a(repr(('mirror', *group)).encode()):08x}"
        name = f"{meta.name_of(endpoints)[:240]}-{digest}"
        yield manifests.mirrored_slice(
            endpoints, name, family, found[:_MOST], [dict(port) for port in ports]
        )


def _endpoint(address: dict[str, Any], *, ready: bool) -> dict[str, Any]:
    rest = {field: value for field, value in address.items() if field in _SHARED}
    return {"addresses": [address["ip"]], "conditions": {"ready": ready}, **rest}


MIRRORING = Controller(name="endpoints-mirroring", of=names.ENDPOINTS, see=see, decide=decide)
