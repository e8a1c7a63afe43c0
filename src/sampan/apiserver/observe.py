"""What becomes of each request: counted for /metrics, and told to an audit log if there is one.

Names and labels are upstream's (k8s.io/apiserver pkg/endpoints/metrics), so that dashboards made
for a cluster show this one. Only resources that are served become labels: what a client makes up
must not fill the memory.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import Any

from sampan.apiserver.backend import Backend
from sampan.apiserver.http import Request
from sampan.apiserver.watch import Watches
from sampan.kube.access import Attributes, User
from sampan.lib.prometheus import (
    CONTENT_TYPE,
    Counter,
    Family,
    Histogram,
    Labels,
    Part,
    gauge,
    render,
)

PATH = "/metrics"
_BOUNDS = (
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30,
    45, 60,
)  # fmt: skip
_LABELS = ("verb", "group", "version", "resource", "subresource", "scope")
_VERBS = {
    "get": "GET", "list": "LIST", "watch": "WATCH", "create": "POST", "update": "PUT",
    "patch": "PATCH", "delete": "DELETE", "deletecollection": "DELETECOLLECTION",
}  # fmt: skip
_READING = frozenset({"get", "list", "watch", "head"})
_LONG = frozenset({"exec", "attach", "portforward", "log", "proxy"})

Audit = Callable[[User | None, User | None, Attributes, int], None]
Collect = Callable[[], Iterable[Part]]


class Requests:
    """`audit(user, who acts as that user, attributes, code)` is told of each write, refusal and
    way into a pod."""

    def __init__(self, audit: Audit | None = None) -> None:
        self._audit = audit
        self._cells: dict[tuple[Any, ...], tuple[list[int], list[float]]] = {}

    def done(self, request: Request, seconds: float) -> None:
        """An answer was given, or a stream has ended. On the path of every request: what can be
        done when somebody reads the numbers is done there."""
        asks, code = request.about, request.code
        if asks is None or not request.version:
            key: tuple[Any, ...] = (code,)
        else:
            key = (
                code, asks.verb, asks.group, request.version, asks.resource, asks.subresource,
                bool(asks.name), bool(asks.namespace),
            )  # fmt: skip
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = ([0] * (len(_BOUNDS) + 1), [0.0])
        cell[0][bisect_left(_BOUNDS, seconds)] += 1
        cell[1][0] += seconds
        if self._audit is not None and asks is not None and _telling(asks, code):
            self._audit(request.user, request.impersonator, asks, code)

    def families(self) -> list[Family | Histogram]:
        total = Counter(
            "apiserver_request_total", "Requests by what was asked and answered.",
            (*_LABELS, "code"),
        )  # fmt: skip
        timed = Histogram(
            "apiserver_request_duration_seconds",
            "Time from a request's head to its answer, without those that go on.",
            _LABELS, _BOUNDS,
        )  # fmt: skip
        for (code, *about), (counts, sums) in list(self._cells.items()):
            labels = _labels(*about) if about else _NOTHING
            total.add((*labels, str(code)), sum(counts))
            if about and about[0] != "watch" and about[4] not in _LONG:
                timed.merge(labels, counts, sums[0])
        return [total.family(), timed]


_NOTHING = ("", "", "", "", "", "")


def _labels(
    verb: str, group: str, version: str, resource: str, subresource: str, named: bool, spaced: bool
) -> tuple[str, ...]:
    scope = "resource" if named else "namespace" if spaced else "cluster"
    return (_VERBS.get(verb, "CONNECT"), group, version, resource, subresource, scope)


def _telling(asks: Attributes, code: int) -> bool:
    opened = asks.subresource in _LONG or asks.path.startswith("/sampan/")
    return asks.verb not in _READING or code in (401, 403) or opened


class Exposition:
    """GET /metrics; `more` adds what the API server does not know."""

    def __init__(self, backend: Backend, watches: Watches, requests: Requests, more: Collect):
        self._backend = backend
        self._watches = watches
        self._requests = requests
        self._more = more

    async def serve(self, request: Request) -> None:
        text = render([*self._requests.families(), *self._own(), *self._more()])
        await request.answer(200, text, CONTENT_TYPE.encode())

    def _own(self) -> list[Family]:
        store = self._backend.store
        objects: dict[Labels, float] = {(kind,): store.count(kind) for kind in store.kinds()}
        watchers: dict[Labels, float] = {(kind,): n for kind, n in self._watches.counts().items()}
        return [
            gauge("apiserver_storage_objects", "Objects that are stored.", objects, ("resource",)),
            gauge("apiserver_registered_watchers", "Watches that are open.", watchers, ("kind",)),
            gauge("sampan_store_revision", "The newest resourceVersion.", store.revision),
            gauge("sampan_store_history_events", "Events that a watch may resume from.",
                  len(store.history)),
            gauge("sampan_store_history_bytes", "Memory that they take.", store.history.bytes),
            gauge("apiserver_storage_size_bytes", "The size of the store's file.", store.size()),
            Family("sampan_store_write_failures_total", "Batches that the disk refused.", "counter",
                   (), {(): store.failures}),
        ]  # fmt: skip
