"""The names of a cluster, as Kubernetes' DNS specification has them. Pure.

    <service>.<namespace>.svc.cluster.local             its address; all ready endpoints without one
    <host>.<service>.<namespace>.svc.cluster.local      one endpoint of a service without an address
    _<port>._<protocol>.<service>.…                     SRV
    <10-244-0-7>.<namespace>.pod.cluster.local          a pod by its address
    7.0.244.10.in-addr.arpa                             back again

Upstream: kubernetes/dns docs/specification.md.
"""

from __future__ import annotations

from sampan.kube.nets import ZONE
from sampan.nodes.network.dns import ANY, CNAME, NO_NAME, OK, PTR, SRV, A, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Answer = tuple[int, list[Record]]

_REVERSE = ".in-addr.arpa"
_MINE = ("10.244.", "10.96.")


class Names:
    """An entry is what `table.entry` makes of a service; keys are "namespace/name"."""

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, Any]] = {}
        self._by_address: dict[str, str] = {}

    def update(self, key: str, entry: dict[str, Any] | None) -> None:
        old = self._entries.pop(key, None)
        for ip, name in _addresses(key, old):
            if self._by_address.get(ip) == name:
                del self._by_address[ip]
        if entry is not None:
            self._entries[key] = entry
            self._by_address.update(_addresses(key, entry))

    def find(self, name: str, kind: int) -> Answer | None:
        """(code, records); None for a name that is not the cluster's business."""
        if name == ZONE or name.endswith(f".{ZONE}"):
            return self._ours(name, kind)
        if name.endswith(_REVERSE):
            ip = ".".join(reversed(name.removesuffix(_REVERSE).split(".")))
            if ip.startswith(_MINE):
                return self._reversed(name, ip, kind)
        return None

    def _ours(self, name: str, kind: int) -> Answer:
        labels = name.removesuffix(ZONE).rstrip(".").split(".")
        if labels[-1] == "svc" and len(labels) >= 3:
            entry = self._entries.get(f"{labels[-2]}/{labels[-3]}")
            return _of_service(name, labels[:-3], entry, kind) if entry else (NO_NAME, [])
        if labels[-1] == "pod" and len(labels) == 3:
            ip = labels[0].replace("-", ".")
            return _only(kind, A, [Record(name, A, ip)]) if _is_address(ip) else (NO_NAME, [])
        # The zone, "svc" and the namespaces in it are there, but have no record.
        known = {key.partition("/")[0] for key in self._entries}
        empty = labels == [""] or labels in (["svc"], ["pod"])
        space = len(labels) == 2 and labels[1] in ("svc", "pod") and labels[0] in known
        return (OK if empty or space else NO_NAME), []

    def _reversed(self, name: str, ip: str, kind: int) -> Answer:
        found = self._by_address.get(ip)
        return _only(kind, PTR, [Record(name, PTR, found)]) if found else (NO_NAME, [])


def _of_service(name: str, rest: list[str], entry: dict[str, Any], kind: int) -> Answer:
    """`rest` is what stands before the service's own name."""
    if entry.get("external"):
        target = Record(name, CNAME, entry["external"])
        return (OK, [target]) if not rest else (NO_NAME, [])
    base = name.split(".", len(rest))[-1]
    if not rest:
        ips = [entry["ip"]] if entry.get("ip") else [ip for ip, _ in entry["addresses"]]
        return _only(kind, A, [Record(name, A, ip) for ip in ips])
    if len(rest) == 2 and all(label.startswith("_") for label in rest):
        return _ports(name, base, entry, rest[0][1:], rest[1][1:].upper(), kind)
    if len(rest) == 1:
        ips = [ip for ip, host in entry["addresses"] if rest[0] in (host, _dashed(ip))]
        if ips and not entry.get("ip"):
            return _only(kind, A, [Record(name, A, ip) for ip in ips])
    return NO_NAME, []


def _ports(
    name: str, base: str, entry: dict[str, Any], wanted: str, protocol: str, kind: int
) -> Answer:
    records: list[Record] = []
    glue: dict[str, Record] = {}
    for port in entry["ports"]:
        if port["name"] != wanted or port["protocol"] != protocol:
            continue
        if entry.get("ip"):
            records.append(Record(name, SRV, (port["port"], base)))
            glue[base] = Record(base, A, entry["ip"])
            continue
        hosts = dict(entry["addresses"])
        for ip, number in port["to"]:
            host = f"{hosts.get(ip) or _dashed(ip)}.{base}"
            records.append(Record(name, SRV, (number, host)))
            glue[host] = Record(host, A, ip)
    if not records:
        return NO_NAME, []
    return OK, [*records, *glue.values()] if kind in (SRV, ANY) else []


def _only(kind: int, has: int, records: list[Record]) -> Answer:
    """A name that exists but has no record of the type that is asked for answers nothing, with
    success: NXDOMAIN to a question for AAAA would end the search for A, too."""
    return OK, records if kind in (has, ANY) else []


def _addresses(key: str, entry: dict[str, Any] | None) -> list[tuple[str, str]]:
    if entry is None:
        return []
    namespace, _, name = key.partition("/")
    base = f"{name}.{namespace}.svc.{ZONE}"
    if entry.get("ip"):
        return [(entry["ip"], base)]
    return [(ip, f"{host or _dashed(ip)}.{base}") for ip, host in entry.get("addresses", ())]


def _dashed(ip: str) -> str:
    return ip.replace(".", "-")


def _is_address(text: str) -> bool:
    parts = text.split(".")
    return len(parts) == 4 and all(
        part.isascii() and part.isdigit() and len(part) < 4 and int(part) < 256 for part in parts
    )
