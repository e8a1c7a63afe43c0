"""What a pod demands at one time, of any resource: the sum of its containers, or the peak of its
start if that is more.

Init containers run one after the other, sidecars (init containers that restart) stay beside all
that come after them. The same rule holds for requests and limits, and for whatever numbers the
caller counts in; which table of a container is meant is the caller's business.
Upstream: kubernetes pkg/api/v1/resource PodRequests, PodLimits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, TypeVar

from sampan.kube import quantities

N = TypeVar("N", int, Fraction)


def peak(spec: Mapping[str, Any], of: Callable[[Mapping[str, Any]], dict[str, N]]) -> dict[str, N]:
    """The most that the containers of a PodSpec use together; `of(container)` is one's part,
    read from its `resources`, which a spec may have as well."""
    total: dict[str, N] = {}
    for container in spec.get("containers") or ():
        add(total, of(container))
    sidecars: dict[str, N] = {}
    start: dict[str, N] = {}
    for container in spec.get("initContainers") or ():
        if container.get("restartPolicy") == "Always":
            add(sidecars, of(container))
            _raise(start, sidecars)
        else:
            alone = dict(sidecars)
            add(alone, of(container))
            _raise(start, alone)
    add(total, sidecars)
    _raise(total, start)
    if spec.get("resources"):
        # What the pod asks for as a whole counts instead of the sum (upstream: KEP-2837).
        total.update(of(spec))
    return total


def requests(spec: Mapping[str, Any]) -> dict[str, Fraction]:
    """The pod's requests, its overhead included. ValueError when one is no quantity."""
    total = peak(spec, lambda container: _table(container, "requests"))
    add(total, _numbers(spec.get("overhead") or {}))
    return total


def limits(spec: Mapping[str, Any]) -> dict[str, Fraction]:
    """The pod's limits; overhead is added to those that there are."""
    total = peak(spec, lambda container: _table(container, "limits"))
    overhead = _numbers(spec.get("overhead") or {})
    add(total, {name: number for name, number in overhead.items() if total.get(name)})
    return total


def add(total: dict[str, N], more: Mapping[str, N]) -> None:
    """Add `more` to `total`, in place."""
    for name, number in more.items():
        total[name] = total[name] + number if name in total else number


def _raise(total: dict[str, N], floor: Mapping[str, N]) -> None:
    for name, number in floor.items():
        if name not in total or total[name] < number:
            total[name] = number


def _table(container: Mapping[str, Any], which: str) -> dict[str, Fraction]:
    return _numbers((container.get("resources") or {}).get(which) or {})


def _numbers(table: Mapping[str, Any]) -> dict[str, Fraction]:
    return {name: quantities.parse(amount) for name, amount in table.items()}
