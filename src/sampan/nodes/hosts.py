"""Addresses and names of pods: one address each, a hostname, an /etc/hosts.

In a network of its own a pod has an address of the pods' net. Where all share the machine's, it
has one of the loopback net to bind and to be found at; ports bound on all addresses collide then.
"""

from __future__ import annotations

from collections.abc import Iterable

from sampan.kube.keys import Manifest
from sampan.kube.nets import ZONE

_MOST_HOSTNAME = 64
_MANAGED = "# Kubernetes-managed hosts file."
_OF_HOST = "# Kubernetes-managed hosts file (host network)."

Range = tuple[int, int]
LOOPBACK: Range = ((127 << 24) + (1 << 16) + 1, (127 << 24) + (255 << 16) - 2)
"""From 127.1.0.1 on: programs use 127.0.0.x themselves."""
PODS: Range = ((10 << 24) + (244 << 16) + 2, (10 << 24) + (245 << 16) - 2)
"""The pods' net but for its first address, which is the node's."""


class Addresses:
    """Unique among the pods that hold one."""

    def __init__(self, among: Range = LOOPBACK) -> None:
        self._first, self._last = among
        self._held: set[int] = set()
        self._next = self._first

    def take(self) -> str:
        while self._next in self._held:
            self._step()
        number = self._next
        self._held.add(number)
        self._step()
        return _text(number)

    def hold(self, address: str) -> bool:
        """Keep an address that a pod had before; False when another one has it or it is none."""
        number = _number(address)
        if number is None or number in self._held or not self._first <= number <= self._last:
            return False
        self._held.add(number)
        return True

    def release(self, address: str) -> None:
        number = _number(address)
        if number is not None:
            self._held.discard(number)

    def _step(self) -> None:
        self._next = self._first if self._next >= self._last else self._next + 1


def is_of_pod(address: str) -> bool:
    """Whether it is one that only the pods' network leads to."""
    number = _number(address)
    return number is not None and PODS[0] <= number <= PODS[1]


def hostname(pod: Manifest) -> str:
    """As `hostname` says inside. ValueError when the pod wants one that the kernel cannot take."""
    name, domain = _short(pod), _domain(pod)
    if not (pod["spec"].get("setHostnameAsFQDN") and domain):
        return name
    if len(f"{name}.{domain}") > _MOST_HOSTNAME:
        raise ValueError(f"hostname {name}.{domain} has more than {_MOST_HOSTNAME} characters")
    return f"{name}.{domain}"


def _short(pod: Manifest) -> str:
    return str(pod["spec"].get("hostname") or pod["metadata"]["name"])[:63].rstrip(".-")


def _domain(pod: Manifest) -> str:
    subdomain = pod["spec"].get("subdomain")
    return f"{subdomain}.{pod['metadata']['namespace']}.svc.{ZONE}" if subdomain else ""


def hosts_file(pod: Manifest, address: str, machine: str = "") -> str:
    """The text of the pod's /etc/hosts; `machine` is this machine's, for a pod with hostNetwork.
    Its own name is in that too, for here it has one.

    Upstream: kubernetes pkg/kubelet/kubelet_pods.go managedHostsFileContent, nodeHostsFileContent.
    """
    name, domain, spec = _short(pod), _domain(pod), pod["spec"]
    names = f"{name}.{domain} {name}" if domain else name
    if spec.get("hostNetwork"):
        lines = [_OF_HOST, *machine.splitlines()]
    else:
        lines = [_MANAGED, "127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback"]
    lines.append(f"{address}\t{names}")
    lines += _aliases(spec.get("hostAliases") or ())
    return "\n".join(lines) + "\n"


def _aliases(aliases: Iterable[dict[str, list[str] | str]]) -> list[str]:
    found = ["\t".join((str(alias["ip"]), *(alias.get("hostnames") or ()))) for alias in aliases]
    return ["", "# Entries added by HostAliases.", *found] if found else []


def _text(number: int) -> str:
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


def _number(address: str) -> int | None:
    parts = address.split(".")
    if len(parts) != 4 or not all(part.isdigit() for part in parts):
        return None
    return sum(int(part) << shift for part, shift in zip(parts, (24, 16, 8, 0), strict=True))
