"""The scheduler's loop: pods that wait, in order of priority, each asked about once per change.

A pod that fits is counted at once and bound in the background, so a burst of pods does not wait
for one acknowledgement after the other. One that does not fit says why in its condition and waits
until capacity is freed, a node changes or a claim does; pods that ask for the same are answered
the same within one round.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, json

from sampan.engine.cluster import Change, Cluster
from sampan.engine.events import Events
from sampan.kube import meta, names
from sampan.kube.conditions import set_condition
from sampan.kube.errors import ApiStatus, Conflict, NotFound
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Emit
from sampan.lib.clock import Clock, SystemClock
from sampan.nodes.scheduler import claims, fit
from sampan.nodes.scheduler.amounts import Amounts, requested
from sampan.nodes.scheduler.ledger import TERMINAL, Ledger

log = logging.getLogger(__name__)

NAME = "default-scheduler"
_READ = (names.POD, names.NODE, names.PERSISTENT_VOLUME_CLAIM, names.STORAGE_CLASS)
_AGAIN = 1.0


class Waiting(Struct):
    """A pod without a node. `said` is the fault that its condition tells."""

    pod: Manifest
    key: Key
    wants: Amounts
    signature: bytes
    order: tuple[int, int]
    said: str = ""


class Scheduler:
    def __init__(self, cluster: Cluster, *, clock: Clock | None = None) -> None:
        self._cluster = cluster
        self._clock = clock or SystemClock()
        self._events = Events(cluster, self._clock)
        self._ledger = Ledger()
        self._waiting: dict[str, Waiting] = {}
        self._fresh: list[tuple[tuple[int, int], str]] = []
        self._failed: dict[bytes, str] = {}
        self._serial = 0
        self._look_again = False
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._unsubscribe: list[Callable[[], None]] = []

    async def start(self) -> None:
        for kind in _READ:
            await self._cluster.mirror(kind)
        self._subscribe(names.NODE, self._node_changed)
        self._subscribe(names.PERSISTENT_VOLUME_CLAIM, self._claim_changed)
        self._subscribe(names.POD, self._pod_changed)
        self._spawn(self._events.run())
        self._spawn(self._run())

    async def stop(self) -> None:
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe.clear()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- what happens -----------------------------------------------------------------------------
    def _node_changed(self, change: Change) -> None:
        if change.type == "DELETED":
            self._ledger.node_gone(change.key.name)
        elif self._ledger.node_changed(change.manifest):
            self._retry()

    def _claim_changed(self, _change: Change) -> None:
        self._retry()

    def _pod_changed(self, change: Change) -> None:
        pod, uid = change.manifest, change.manifest["metadata"]["uid"]
        if change.type == "DELETED":
            self._waiting.pop(uid, None)
            if self._ledger.release(uid):
                self._retry()
        elif pod["spec"].get("nodeName"):
            self._waiting.pop(uid, None)
            if self._ledger.pod_changed(pod):
                self._retry()
        elif uid in self._waiting:
            self._waiting[uid].pod = pod
        elif _is_ours(pod):
            self._queue(change.key, pod)

    def _queue(self, key: Key, pod: Manifest) -> None:
        self._serial += 1
        order = (-int(pod["spec"].get("priority") or 0), self._serial)
        waiting = Waiting(pod, key, requested(pod), _signature(pod), order)
        self._waiting[pod["metadata"]["uid"]] = waiting
        heapq.heappush(self._fresh, (order, pod["metadata"]["uid"]))
        self._wake.set()

    def _retry(self) -> None:
        """Something was freed or changed: all that wait are asked about again."""
        if self._waiting:
            self._look_again = True
            self._wake.set()

    # -- the loop ---------------------------------------------------------------------------------
    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            for waiting in self._next():
                try:
                    self._place(waiting)
                except Exception:
                    log.exception("pod %s could not be scheduled", waiting.key)

    def _next(self) -> list[Waiting]:
        """The pods to ask about in this round, in order."""
        if self._look_again:
            self._look_again = False
            self._fresh.clear()
            self._failed = {}
            return sorted(self._waiting.values(), key=lambda waiting: waiting.order)
        self._failed = {}
        ready = []
        while self._fresh:
            waiting = self._waiting.get(heapq.heappop(self._fresh)[1])
            if waiting is not None:
                ready.append(waiting)
        return ready

    def _place(self, waiting: Waiting) -> None:
        found = claims.judge(waiting.pod, self._cluster.get)
        if found.fault:
            count = len(self._ledger.nodes())
            self._say(waiting, f"0/{count} nodes are available: {found.fault}.")
            return
        fault = self._failed.get(waiting.signature)
        if fault is None:
            there = self._ledger.nodes()
            less = fit.beyond(waiting.pod, waiting.wants, there)
            waiting.wants = {**waiting.wants, **less}
            choice = fit.decide(waiting.pod, waiting.wants, there)
            if choice.node:
                if less:
                    self._tell_capped(waiting, less)
                self._bind_soon(waiting, choice.node, found.waiting)
                return
            fault = self._failed[waiting.signature] = choice.message
        self._say(waiting, fault)

    def _tell_capped(self, waiting: Waiting, less: Amounts) -> None:
        said = f"no node has as much {', '.join(sorted(less))} as the pod asks for: it gets less"
        self._events.emit(NAME, waiting.pod, Emit("Warning", "ResourcesCapped", said))

    def _bind_soon(self, waiting: Waiting, node: str, tell: tuple[Key, ...]) -> None:
        uid = waiting.pod["metadata"]["uid"]
        del self._waiting[uid]
        self._ledger.assume(uid, node, waiting.wants)
        self._spawn(self._bind(waiting, node, tell))

    async def _bind(self, waiting: Waiting, node: str, tell: tuple[Key, ...]) -> None:
        about = waiting.pod["metadata"]
        for key in tell:
            note = {"metadata": {"annotations": {claims.SELECTED_NODE: node}}}
            await self._cluster.patch(key, note)
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {name: about[name] for name in ("name", "namespace", "uid")},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        try:
            await self._cluster.post(waiting.key, "binding", binding)
        except (NotFound, Conflict):
            self._ledger.release(about["uid"])
            return
        except ApiStatus as error:
            log.warning("%s not bound: %s", waiting.key, error.message)
            self._ledger.release(about["uid"])
            await asyncio.sleep(_AGAIN)
            self._queue(waiting.key, waiting.pod)
            return
        message = f"Successfully assigned {about['namespace']}/{about['name']} to {node}"
        self._events.emit(NAME, waiting.pod, Emit("Normal", "Scheduled", message))

    def _say(self, waiting: Waiting, fault: str) -> None:
        """Tell why the pod waits, once for each reason."""
        if waiting.said == fault:
            return
        waiting.said = fault
        self._events.emit(NAME, waiting.pod, Emit("Warning", "FailedScheduling", fault))
        self._spawn(self._write_condition(waiting, fault))

    async def _write_condition(self, waiting: Waiting, fault: str) -> None:
        status = waiting.pod.get("status") or {}
        condition: dict[str, Any] = {
            "type": "PodScheduled",
            "status": "False",
            "lastProbeTime": None,
            "reason": "Unschedulable",
            "message": fault,
        }
        if "generation" in waiting.pod["metadata"]:
            condition["observedGeneration"] = waiting.pod["metadata"]["generation"]
        conditions = set_condition(status.get("conditions"), condition, self._clock.now())
        patch = {"metadata": {"uid": waiting.pod["metadata"]["uid"]},
                 "status": {"conditions": conditions}}  # fmt: skip
        try:
            await self._cluster.patch(waiting.key, patch, subresource="status")
        except ApiStatus as error:
            log.debug("condition of %s not written: %s", waiting.key, error.message)

    def _subscribe(self, kind: str, tell: Callable[[Change], None]) -> None:
        self._unsubscribe.append(self._cluster.subscribe(kind, tell))

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _is_ours(pod: Manifest) -> bool:
    spec: Mapping[str, Any] = pod["spec"]
    if spec.get("schedulerName", NAME) != NAME or spec.get("schedulingGates"):
        return False
    if pod["metadata"].get("deletionTimestamp"):
        return False
    return (pod.get("status") or {}).get("phase") not in TERMINAL


def _signature(pod: Manifest) -> bytes:
    """Equal for pods that any node treats alike."""
    spec = pod["spec"]
    fields = ("nodeSelector", "affinity", "tolerations")
    content = meta.annotations_of(pod).get(names.ANNOTATION_RESOURCES)
    told = [requested(pod), content, *(spec.get(field) for field in fields)]
    return json.encode(told, order="sorted")
