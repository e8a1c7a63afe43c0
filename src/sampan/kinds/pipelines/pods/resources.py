"""What a task asks of its node: processors, memory, accelerators.

The SDK writes quantities as texts, that may be placeholders; before 2.13 it wrote numbers of cores
and of gigabytes. Upstream: backend/src/v2/driver/driver.go initPodSpecPatch, getPodResource.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sampan.kinds.pipelines.ir.messages import Accelerator, Resources
from sampan.kinds.pipelines.pods.about import Unbuildable
from sampan.kube import quantities


def demanded(wanted: Resources | None, text: Callable[[str], str]) -> dict[str, Any]:
    """The `resources` of a container, {} where nothing is asked. `text` fills placeholders in.
    Unbuildable, Unresolved."""
    if wanted is None:
        return {}
    limits = dict(_amounts(text, _limits(wanted)))
    if wanted.accelerator is not None:
        limits |= _accelerator(wanted.accelerator, text)
    requests = dict(_amounts(text, _requests(wanted)))
    found = {"limits": limits, "requests": requests}
    return {name: amounts for name, amounts in found.items() if amounts}


Ask = tuple[str, str, float, str]
"""(resource, text, number of old, what the number counts)."""


def _limits(wanted: Resources) -> tuple[Ask, ...]:
    return (
        ("memory", wanted.resourceMemoryLimit, wanted.memoryLimit, "G"),
        ("cpu", wanted.resourceCpuLimit, wanted.cpuLimit, ""),
    )


def _requests(wanted: Resources) -> tuple[Ask, ...]:
    return (
        ("memory", wanted.resourceMemoryRequest, wanted.memoryRequest, "G"),
        ("cpu", wanted.resourceCpuRequest, wanted.cpuRequest, ""),
    )


def _amounts(text: Callable[[str], str], asks: tuple[Ask, ...]) -> Iterator[tuple[str, str]]:
    for resource, new, old, unit in asks:
        if new:
            yield resource, quantity(text(new), f"the {resource} of the task")
        elif old:
            yield resource, quantity(f"{old!r}".removesuffix(".0") + unit, resource)


def _accelerator(wanted: Accelerator, text: Callable[[str], str]) -> dict[str, str]:
    kind = text(wanted.resourceType) if wanted.resourceType else wanted.type
    count = text(wanted.resourceCount) if wanted.resourceCount else str(wanted.count or "")
    if not kind or not count:
        return {}
    return {kind: quantity(count, f"the number of accelerators ({kind})")}


def quantity(text: str, what: str) -> str:
    """The text, if it is a quantity. Unbuildable."""
    try:
        quantities.parse(text)
    except ValueError:
        raise Unbuildable(f"{what}: {text!r} is no quantity, such as 500m, 2 or 1Gi") from None
    return text
