"""metrics.k8s.io: PodMetrics and NodeMetrics, made of what the node measures when they are read.

Nothing of this is stored, and there is nothing to watch or to write, as upstream. A list over HTTP
waits for a fresh measurement; one in this process takes the last one (`sampan.kube.usage`).
Upstream: k8s.io/metrics pkg/apis/metrics/v1beta1, kubernetes-sigs/metrics-server pkg/api.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sampan.apiserver.backend import Backend
from sampan.apiserver.resources import Resource
from sampan.apiserver.schemas import Schema
from sampan.apiserver.streams import Streams
from sampan.apiserver.traits import Trait
from sampan.kube import names
from sampan.kube.keys import Key, Manifest
from sampan.kube.times import rfc3339
from sampan.kube.usage import Measured, Used

GROUP, VERSION = "metrics.k8s.io", "v1beta1"
_READ = ("get", "list")
_LEAST = 1e-9  # CPUs: a nanocore
_USAGE: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "string"}}
_TIMES: dict[str, Any] = {
    "timestamp": {"type": "string", "format": "date-time"},
    "window": {"type": "string"},
}
_CONTAINER = {"type": "object", "properties": {"name": {"type": "string"}, "usage": _USAGE}}
_POD = {
    "type": "object",
    "properties": {**_TIMES, "containers": {"type": "array", "items": _CONTAINER}},
}
_NODE = {"type": "object", "properties": {**_TIMES, "usage": _USAGE}}


def resources() -> Iterator[Resource]:
    """PodMetrics and NodeMetrics, under the names that upstream gives them."""
    for kind, plural, schema in (("PodMetrics", "pods", _POD), ("NodeMetrics", "nodes", _NODE)):
        yield Resource(
            group=GROUP,
            version=VERSION,
            object_kind=kind,
            plural=plural,
            singular="",
            list_kind=f"{kind}List",
            namespaced=plural == "pods",
            trait=Trait(generation=False),
            schema=partial(Schema.from_crd, schema),
            verbs=_READ,
        )


class Metrics:
    """Fulfils `backend.Computed` for both kinds."""

    kinds = (names.POD_METRICS, names.NODE_METRICS)

    def __init__(self, backend: Backend, streams: Streams) -> None:
        self._backend = backend
        self._streams = streams

    async def refresh(self) -> None:
        """Measure. Raises ServiceUnavailable, BadRequest."""
        await self._streams.agent().meter.measure()

    def manifests(self, kind: str, namespace: str) -> list[Manifest]:
        """From the last measurement, ordered by namespace and name."""
        node = self._streams.node
        measured = node.meter.latest() if node is not None else None
        if measured is None:
            return []
        if kind == names.NODE_METRICS:
            return [self._node(measured)]
        return [
            self._pod(self._backend.manifest(record), found)
            for record in self._backend.store.records(names.POD, namespace)
            if (found := measured.containers.get(record.index.uid))
        ]

    def _pod(self, pod: Manifest, found: Mapping[str, Used]) -> Manifest:
        order = [each["name"] for each in pod["spec"]["containers"]]
        shown = {name: found[name] for name in sorted(found, key=_place(order))}
        first = next(iter(shown.values()))
        containers = [{"name": name, "usage": _usage(used)} for name, used in shown.items()]
        return {**self._head("PodMetrics", pod), **_when(first), "containers": containers}

    def _node(self, measured: Measured) -> Manifest:
        node = self._backend.get(Key(names.NODE, "", measured.node)) or {
            "metadata": {"name": measured.node}
        }
        used = measured.machine
        return {**self._head("NodeMetrics", node), **_when(used), "usage": _usage(used)}

    def _head(self, kind: str, of: Manifest) -> Manifest:
        kept = ("name", "namespace", "labels")
        meta = {name: of["metadata"][name] for name in kept if name in of["metadata"]}
        meta["creationTimestamp"] = self._backend.now()
        return {"kind": kind, "apiVersion": f"{GROUP}/{VERSION}", "metadata": meta}


def _place(order: list[str]) -> Any:
    """Containers in the order of the spec, then others by name."""
    return lambda name: (order.index(name) if name in order else len(order), name)


def _when(used: Used) -> dict[str, str]:
    at = datetime.fromtimestamp(used.at, UTC)
    return {"timestamp": rfc3339(at), "window": f"{used.window:.3f}s"}


def _usage(used: Used) -> dict[str, str]:
    nanos = math.ceil(used.cpu / _LEAST)
    return {"cpu": f"{nanos}n" if nanos else "0", "memory": f"{used.memory // 1024}Ki"}
