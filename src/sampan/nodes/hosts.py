"""Addresses and names of pods: one 127.x.y.z each, a hostname, an /etc/hosts.

All pods share the host's network for now, so an address of the loopback net is theirs to bind and
to be found at; ports that are bound on all addresses still collide.
"""

from __future__ import annotations

from collections.abc import Iterable

from sampan.kube.keys import Manifest

_FIRST = (127 << 24) + (1 << 16) + 1  # 127.1.0.1: programs use 127.0.0.x themselves
_LAST = (127 << 24) + (255 << 16) - 2


class Addresses:
    """Unique among the pods that hold one."""

    def __init__(self) -> None:
        self._held: set[int] = set()
        self._next = _FIRST

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
        if number is None or number in self._held:
            return False
        self._held.add(number)
        return True

    def release(self, address: str) -> None:
        number = _number(address)
        if number is not None:
            self._held.discard(number)

    def _step(self) -> None:
        self._next = _FIRST if self._next >= _LAST else self._next + 1


def hostname(pod: Manifest) -> str:
    return str(pod["spec"].get("hostname") or pod["metadata"]["name"])[:63].rstrip(".-")


def hosts_file(pod: Manifest, address: str) -> str:
    """The text of the pod's /etc/hosts."""
    name, spec = hostname(pod), pod["spec"]
    names = name
    if spec.get("subdomain"):
        zone = f"{spec['subdomain']}.{pod['metadata']['namespace']}.svc.cluster.local"
        names = f"{name}.{zone} {name}"
    lines = ["127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback"]
    lines.append(f"{address}\t{names}")
    lines += _aliases(spec.get("hostAliases") or ())
    return "\n".join(lines) + "\n"


def _aliases(aliases: Iterable[dict[str, list[str] | str]]) -> list[str]:
    return [f"{alias['ip']}\t{' '.join(alias.get('hostnames') or ())}" for alias in aliases]


def _text(number: int) -> str:
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


def _number(address: str) -> int | None:
    parts = address.split(".")
    if len(parts) != 4 or not all(part.isdigit() for part in parts):
        return None
    number = sum(int(part) << shift for part, shift in zip(parts, (24, 16, 8, 0), strict=True))
    return number if _FIRST <= number <= _LAST else None
