"""The text of a pod's /etc/resolv.conf. Pure.

Upstream: kubernetes pkg/kubelet/network/dns.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from sampan.kube.keys import Manifest
from sampan.kube.nets import DNS, ZONE

_MOST_SERVERS, _MOST_SEARCHED = 3, 32
_DEFAULT_OPTIONS = ("ndots:5",)


class Resolv(Struct, frozen=True):
    """The three kinds of lines that matter."""

    nameservers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def text(self) -> str:
        lines = [f"nameserver {server}" for server in self.nameservers[:_MOST_SERVERS]]
        if self.searches:
            lines.append(f"search {' '.join(self.searches[:_MOST_SEARCHED])}")
        if self.options:
            lines.append(f"options {' '.join(self.options)}")
        return "\n".join(lines) + "\n"


def parse(text: str) -> Resolv:
    """Of the machine's own file."""
    words = [line.split() for line in text.splitlines()]
    return Resolv(
        tuple(each[1] for each in words if len(each) > 1 and each[0] == "nameserver"),
        next((tuple(each[1:]) for each in reversed(words) if each and each[0] == "search"), ()),
        tuple(word for each in words if each and each[0] == "options" for word in each[1:]),
    )


def of_pod(pod: Manifest, machine: Resolv, *, networked: bool) -> Resolv:
    """By the pod's dnsPolicy. Without a network of its own a pod cannot reach the cluster's name
    server, and asks what the machine asks; with one it cannot reach the machine's loopback."""
    spec = pod["spec"]
    policy = spec.get("dnsPolicy") or "ClusterFirst"
    if policy == "None":
        base = Resolv()
    elif policy == "Default" or not networked:
        base = machine
        if networked and any(_is_loopback(server) for server in machine.nameservers):
            base = Resolv((DNS,), machine.searches, machine.options)
    else:
        base = _cluster(pod["metadata"]["namespace"], machine)
    return _with(base, spec.get("dnsConfig") or {})


def _cluster(namespace: str, machine: Resolv) -> Resolv:
    ours = (f"{namespace}.svc.{ZONE}", f"svc.{ZONE}", ZONE)
    return Resolv((DNS,), _once([*ours, *machine.searches]), _DEFAULT_OPTIONS)


def _with(base: Resolv, config: dict[str, Any]) -> Resolv:
    """What the pod adds to it; an option of the same name replaces."""
    options = {option.partition(":")[0]: option for option in base.options}
    for option in config.get("options") or ():
        value = option.get("value")
        options[option["name"]] = option["name"] + (f":{value}" if value is not None else "")
    return Resolv(
        _once([*base.nameservers, *(config.get("nameservers") or ())]),
        _once([*base.searches, *(config.get("searches") or ())]),
        tuple(options.values()),
    )


def _once(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


def _is_loopback(server: str) -> bool:
    return server.startswith("127.") or server == "::1"
