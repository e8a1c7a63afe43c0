"""The node: watches the pods that are bound to it and sees to it that they run.

    start       sandbox level, supervisor, registration, then one `Worker` for each living pod
    stop        leaves; containers go on under the supervisor and are adopted at the next start
    shutdown_pods   ends every container and the supervisor (`sampan down`)

Pods that are over have no worker and cost nothing. When the supervisor dies, another one is
started, what it finds is adopted, and pods go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

from sampan.config import Config, Home
from sampan.engine.cluster import Change, Cluster
from sampan.kube import meta, names, quantities
from sampan.kube.errors import ApiStatus, UserMistake
from sampan.kube.katib import Observations
from sampan.kube.keys import Key, Manifest
from sampan.lib.clock import Clock, SystemClock
from sampan.lib.prometheus import Family, Labels, gauge
from sampan.nodes import gpus, mirrorpod, refusal, registration
from sampan.nodes.account import Server
from sampan.nodes.agent import Agent
from sampan.nodes.cell import split
from sampan.nodes.context import Context
from sampan.nodes.doctor import Finding, judge
from sampan.nodes.images import python
from sampan.nodes.images.follow import Follower
from sampan.nodes.images.oci.login import own as own_logins
from sampan.nodes.images.oci.store import Store
from sampan.nodes.images.puller import Puller
from sampan.nodes.images.resolve import Images
from sampan.nodes.life.status import TERMINAL
from sampan.nodes.networking import API, Networking
from sampan.nodes.pressure import Pressure
from sampan.nodes.registration import Registration
from sampan.nodes.sandbox.level import probe
from sampan.nodes.supervisor import process
from sampan.nodes.supervisor.client import Client, Gone, Greeting, Kept, Report, end_everything
from sampan.nodes.volumes.reclaim import Reclaimer
from sampan.nodes.worker import Worker

log = logging.getLogger(__name__)

_READ = (
    names.POD, names.CONFIG_MAP, names.SECRET, names.SERVICE, names.NODE,
    names.PERSISTENT_VOLUME, names.PERSISTENT_VOLUME_CLAIM, names.ENDPOINT_SLICE,
)  # fmt: skip
_AGAIN = 1.0


class Node:
    def __init__(
        self,
        cluster: Cluster,
        *,
        name: str,
        home: Path,
        config: Config,
        clock: Clock | None = None,
        service_host: tuple[str, int] | None = None,
        server: Server | None = None,
        observations: Observations | None = None,
    ) -> None:
        """`home` is $SAMPAN_HOME; the node keeps to `home/node`. `service_host` is where pods
        find the API server (KUBERNETES_SERVICE_HOST and _PORT), `server` the way of those
        containers to it that are no processes. `observations` keeps what is read of trials."""
        clock = clock or SystemClock()
        client = Client(home / "node", self._exited, self._lost, cgroups=config.node.cgroups)
        self.context = Context(
            cluster,
            clock,
            name=name,
            home=home,
            client=client,
            settings=config.node,
            networking=Networking(cluster, home / "node", self._cut_off),
        )
        self.context.server = server
        self.context.observations = observations or self.context.observations
        self.agent = Agent(self.context)
        self._config = config
        self._service_host = service_host
        self._workers: dict[str, Worker] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._work: dict[str, asyncio.Task[None]] = {}
        self._unsubscribe: list[Callable[[], None]] = []
        self._registration: Registration | None = None
        self._kept = Kept()
        self._supervisor = 0
        self._stopping = False
        self._reconnecting: asyncio.Task[None] | None = None
        self._unclaimed: dict[str, list[Report]] = {}
        self._early: list[Report] | None = []
        """Ends that are heard of before it is known whose they are; None while that is known."""

    async def start(self) -> None:
        """Ready to run pods when this returns."""
        context, cluster = self.context, self.context.cluster
        context.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        await self._equip()  # first: a refusal must leave no supervisor that nobody ends
        connecting = asyncio.ensure_future(self._connect())
        if self._config.network == "pods":
            await connecting  # a refusal here leaves none, either
        greeting = await context.client.connect()
        await connecting
        for kind in _READ:
            await cluster.mirror(kind)
        count = gpus.found() if self._config.gpus is None else self._config.gpus
        context.gpus = gpus.Gpus(count)
        has = registration.capacity(context.home, count, self._config.node.pods)
        context.memory = registration.memory()
        context.allocatable = registration.allocatable(has, self._config.node)
        amounts = (has, context.allocatable)
        self._registration = Registration(
            cluster, context.clock, context.name, context.host_ip, amounts
        )
        self._registration.network = str(context.networking.connection)
        await self._bound()
        self._registration.images = context.puller.listed
        context.puller.added = lambda: self._spawn(self._list_images())
        await self._registration.register()
        self._spawn(context.events.run())
        self._spawn(context.trash.run())
        self._spawn(self._beat())
        self.pressure = Pressure(context, self._registration, lambda: self._workers.values())
        self._spawn(self.pressure.run())
        self._adopt(greeting)
        context.trash.add(*context.stock.layers.sweep())
        for kind in (names.CONFIG_MAP, names.SECRET):
            self._subscribe(kind, context.references.changed)
        for kind in (names.PERSISTENT_VOLUME_CLAIM, names.PERSISTENT_VOLUME):
            self._subscribe(kind, context.references.changed)
        context.artifacts.sweep()
        reclaimer = Reclaimer(context.home / "volumes", context.trash.add)
        reclaimer.sweep(cluster.list(names.PERSISTENT_VOLUME))
        self._subscribe(names.PERSISTENT_VOLUME, reclaimer.changed)
        self._subscribe(names.SERVICE, context.services.changed)
        self._subscribe(names.SERVICE, context.networking.service_changed)
        self._subscribe(names.ENDPOINT_SLICE, context.networking.slice_changed)
        context.networking.tell_all()
        context.forward.start()
        self._subscribe(names.POD, self._pod_changed)
        self._end_strangers()
        context.networking.forget_unknown(set(self._workers))

    def serve_at(self, service: Key, host: str, port: int, word: str = "") -> None:
        """Lead pods from a service of ours to a port of this machine's own network. A word tells
        that the connection is theirs (`Networking.serve_at`)."""
        self.context.networking.serve_at(service, host, port, word)

    def namespace_at(self, address: str) -> str:
        """Of the pod that has this address of the pods' network; "" for none."""
        worker = self._workers.get(self.context.networking.uid_at(address))
        return meta.namespace_of(worker.pod) if worker is not None else ""

    async def stop(self) -> None:
        """Leave the pods running under the supervisor."""
        self._stopping = True
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe.clear()
        await self.agent.meter.close()
        await _cancel([*self._work.values(), *self._tasks])
        self._workers.clear()
        self._work.clear()
        await self.context.puller.close()
        await self.context.stock.close()
        await self.context.environments.close()
        self.context.artifacts.close()
        await self.context.forward.close()
        self.context.client.close()
        await self.context.networking.stop()
        if self._registration is not None:
            await self._registration.unready()

    async def shutdown_pods(self, grace: float = 2.0) -> None:
        """End every container of this node and the supervisor. Before or after `stop`."""
        self._stopping = True
        # A supervisor that died a moment ago must not be replaced behind our back.
        renewal = [self._reconnecting] if self._reconnecting else []
        await _cancel([*self._work.values(), *renewal])
        self.context.client.close()
        with contextlib.suppress(Gone):
            await end_everything(self.context.directory, grace)
        await self.context.networking.end()

    def doctor(self) -> list[Finding]:
        """How pods are isolated here, and what is missing."""
        context = self.context
        return judge(context.level, self._kept, context.networking.connection, context.gpus.count)

    def families(self) -> list[Family]:
        """For /metrics."""
        phases: dict[Labels, float] = {}
        for pod in self.context.cluster.list(names.POD):
            key = ((pod.get("status") or {}).get("phase") or "Unknown",)
            phases[key] = phases.get(key, 0) + 1
        kept = self._kept
        how: dict[Labels, float] = {(kept.memory, kept.cpu, kept.pids): 1.0}
        return [
            gauge("sampan_pods", "Pods of the cluster by phase.", phases, ("phase",)),
            gauge("kubelet_running_pods", "Pods that this node looks after.", len(self._workers)),
            gauge("sampan_supervisor_info", "How limits are kept.", how, ("memory", "cpu", "pids")),
            gauge("sampan_supervisor_resident_memory_bytes", "Memory of the supervisor.",
                  process.resident(self._supervisor, below=False)),
        ]  # fmt: skip

    # -- pods -------------------------------------------------------------------------------------
    def _pod_changed(self, change: Change) -> None:
        pod = change.manifest
        if pod["spec"].get("nodeName") != self.context.name:
            return
        if mirrorpod.is_ours(pod, self.context.name):
            if change.type != "DELETED" and pod["metadata"].get("deletionTimestamp"):
                self._spawn(mirrorpod.again(self.context.cluster, self.context.clock, pod))
            return
        uid = pod["metadata"]["uid"]
        worker = self._workers.get(uid)
        if worker is not None:
            if change.type == "DELETED":
                worker.vanished()
            else:
                worker.changed(pod)
        elif change.type == "DELETED":
            self.context.trash.add(self.context.pod_directory(uid))
        elif _lives(pod):
            reports = self._unclaimed.pop(uid, ())
            others = (worker.pod for worker in self._workers.values())
            fault = None if reports else refusal.judge(pod, others, self.context.allocatable)
            if fault:
                self._spawn(refusal.write(self.context, pod, fault))
            else:
                self._employ(pod, reports)

    def _employ(self, pod: Manifest, reports: Iterable[Report]) -> None:
        worker = Worker(self.context, pod, self._dismiss)
        worker.adopt(reports)
        self._workers[worker.uid] = worker
        task = asyncio.create_task(self._look_after(worker))
        self._work[worker.uid] = task

    async def _look_after(self, worker: Worker) -> None:
        try:
            await worker.run()
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("pod %s: tried again in %s s", worker.key, _AGAIN)
            await asyncio.sleep(_AGAIN)
            self._workers.pop(worker.uid, None)
            self.context.networking.lend(worker.uid)
            pod = self.context.cluster.get(worker.key)
            if pod is not None and pod["metadata"]["uid"] == worker.uid:
                known = [report for report in await self._reports() if _uid(report) == worker.uid]
                self._employ(pod, known)

    def _dismiss(self, worker: Worker) -> None:
        worker.release()
        self._workers.pop(worker.uid, None)
        self._work.pop(worker.uid, None)

    async def _bound(self) -> None:
        """All pods together get no more than what is allocatable, where the kernel can see to
        it: whatever they do, the machine goes on."""
        memory = quantities.value(self.context.allocatable["memory"])
        await self.context.client.bound({"memory": memory, "pids": registration.tasks() // 2})

    async def _reports(self) -> list[Report]:
        return await self.context.client.list()

    # -- the supervisor ---------------------------------------------------------------------------
    def _exited(self, report: Report) -> None:
        worker = self._workers.get(_uid(report))
        if self.context.errands.heard(report):
            return
        if self._early is not None:
            self._early.append(report)
        elif worker is not None:
            worker.exited(report)
        else:
            self._stranger_ended(report)

    def _lost(self) -> None:
        self._early = []
        self.context.errands.lost()
        if not self._stopping:
            self._reconnecting = self._begin(self._reconnect())

    async def _reconnect(self) -> None:
        """The supervisor died: start another one and adopt what it finds."""
        log.warning("the supervisor has gone; starting another one")
        await _cancel(list(self._work.values()))
        pods = [worker.pod for worker in self._workers.values()]
        for worker in self._workers.values():
            self.context.networking.lend(worker.uid)
        self._workers.clear()
        self._work.clear()
        greeting = None
        while greeting is None:
            greeting = await self._try_connect()
        with contextlib.suppress(Gone):
            await self._bound()
        self._adopt(greeting)
        for pod in pods:
            self._employ(pod, self._unclaimed.pop(pod["metadata"]["uid"], ()))
        self._end_strangers()

    async def _try_connect(self) -> Greeting | None:
        try:
            return await self.context.client.connect()
        except (Gone, OSError) as error:
            log.error("no supervisor: %s", error)
            await asyncio.sleep(_AGAIN)
            return None

    def _adopt(self, greeting: Greeting) -> None:
        self._kept = greeting.limits
        self._supervisor = greeting.pid
        self._unclaimed.clear()
        newest = {report.id: report for report in (*greeting.containers, *(self._early or ()))}
        self._early = None
        self.context.errands.end_strays(list(newest.values()))
        for report in newest.values():
            self._unclaimed.setdefault(_uid(report), []).append(report)

    def _end_strangers(self) -> None:
        """Containers of pods that are gone or over, directories of pods that are gone, and what
        those that are over need no more. A directory is needed until its last container has
        ended."""
        alive = set()
        for uid, reports in self._unclaimed.items():
            running = [report.id for report in reports if report.code is None]
            self.context.client.forget([r.id for r in reports if r.code is not None])
            if running:
                alive.add(uid)
                self._spawn(self._end(running))
        self._unclaimed.clear()
        known = {pod["metadata"]["uid"] for pod in self.context.cluster.list(names.POD)}
        root = self.context.directory / "pods"
        found = os.listdir(root) if root.is_dir() else ()
        for uid in found:
            if uid not in known | alive:
                self.context.trash.add(root / uid)
            elif uid not in self._workers and uid not in alive:
                self.context.trash.add(root / uid / "volumes", root / uid / "scratch")

    async def _end(self, identities: list[str]) -> None:
        for identity in identities:
            await self.context.client.stop(identity, 0)

    def _stranger_ended(self, report: Report) -> None:
        self.context.client.forget([report.id])
        uid = _uid(report)
        known = {pod["metadata"]["uid"] for pod in self.context.cluster.list(names.POD)}
        if uid not in known:
            self.context.trash.add(self.context.pod_directory(uid))

    # -- the network ------------------------------------------------------------------------------
    async def _connect(self) -> None:
        """Start the pod network, if this machine lets us have one."""
        networking, wish = self.context.networking, self._config.network
        await networking.start(wish, self.context.level)
        if wish == "pods" and not networking.enabled:
            raise UserMistake(
                f"config.yaml insists on the pod network, which cannot be had: "
                f"{networking.connection.reason}"
            )
        if self._service_host is not None:
            self.context.services.serve_api_at(*self._service_host)
            networking.serve_at(API, *self._service_host)

    def _cut_off(self) -> None:
        """The ground has died, and with it every network that was made on it."""
        for worker in self._workers.values():
            if worker.uid not in self.context.networking.known:
                worker.cut_off()

    # -- housekeeping -----------------------------------------------------------------------------
    async def _equip(self) -> None:
        """Find out what kind of sandbox works, and what is never to be seen in one."""
        context, config = self.context, self._config
        context.level = await probe(config.sandbox)
        if config.sandbox not in ("", context.level.kind):
            raise UserMistake(
                f"config.yaml insists on {config.sandbox}, which cannot be used: "
                f"{context.level.reason}"
            )
        context.hidden = hidden(context.home)
        context.puller = Puller(Store(context.home / "images"))
        self._imagine(config)
        context.follow = Follower(Home(context.home).config, config, self._imagine).look
        context.logins = own_logins

    def _imagine(self, config: Config) -> None:
        """Images mean what this config says, also to those who wait for them."""
        context = self.context
        place = context.directory / "environments"
        warm = python.outside(context.home) if self._config.warm_python else lambda _: False
        context.images = Images(
            config.images, place, config.image_mirror, warm, context.environments
        )
        context.puller.configure(config)
        for worker in self._workers.values():
            worker.touched()

    async def _list_images(self) -> None:
        assert self._registration is not None
        with contextlib.suppress(ApiStatus):
            await self._registration.list_images()

    async def _beat(self) -> None:
        assert self._registration is not None
        while True:
            await asyncio.sleep(registration.HEARTBEAT)
            self.context.follow()
            try:
                await self._registration.beat()
            except Exception:
                log.exception("the node's lease could not be renewed")

    def _subscribe(self, kind: str, tell: Callable[[Change], None]) -> None:
        self._unsubscribe.append(self.context.cluster.subscribe(kind, tell))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._begin(work)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def hidden(home: Path) -> tuple[str, ...]:
    """Homes of people, and Sampan's own."""
    places = {"/home", "/root", os.path.expanduser("~"), os.path.realpath(home)}
    if sys.platform == "darwin":
        places.add("/Users")
    return tuple(sorted(place for place in places if place != "/"))


def _lives(pod: Manifest) -> bool:
    """Whether there is something to do for a pod. One that is over is only waited for when its
    deletion still needs the node's word."""
    meta = pod["metadata"]
    if (pod.get("status") or {}).get("phase") not in TERMINAL:
        return True
    return bool(meta.get("deletionTimestamp")) and meta.get("deletionGracePeriodSeconds") != 0


def _uid(report: Report) -> str:
    return split(report.id)[0]


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
