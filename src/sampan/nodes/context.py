"""What all pods of a node share: the cluster, the supervisor, addresses, who wants to know what."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from sampan.artifacts import Artifacts
from sampan.config import Home, NodeSettings
from sampan.engine.cluster import Change, Cluster
from sampan.engine.events import Events
from sampan.kube import names, nets
from sampan.kube.katib import Batch, Observations
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Emit
from sampan.lib.clock import Clock
from sampan.nodes.account import Server
from sampan.nodes.environment import service_variables
from sampan.nodes.errands import Errands
from sampan.nodes.forward import Forward
from sampan.nodes.gpus import Gpus
from sampan.nodes.images.environments import Environments
from sampan.nodes.images.oci.login import Login
from sampan.nodes.images.oci.store import Store
from sampan.nodes.images.puller import Puller
from sampan.nodes.images.resolve import Images
from sampan.nodes.lightweight.stock import Stock
from sampan.nodes.networking import Networking
from sampan.nodes.sandbox.level import Level
from sampan.nodes.supervisor.client import Client

log = logging.getLogger(__name__)

COMPONENT = "kubelet"


class Context:
    """Made once by the node; workers only read it."""

    def __init__(
        self,
        cluster: Cluster,
        clock: Clock,
        *,
        name: str,
        home: Path,
        client: Client,
        settings: NodeSettings,
        networking: Networking,
    ) -> None:
        self.cluster = cluster
        self.clock = clock
        self.name = name
        self.home = home
        self.directory = home / "node"
        self.client = client
        self.settings = settings
        self.networking = networking
        self.memory = 0  # bytes that the machine has
        self.host_ip = "127.0.0.1"
        self.server: Server | None = None  # the API server, for what acts as a pod
        self.observations: Observations = Unkept()
        self.metrics_proxy: Callable[[str], str] = lambda namespace: ""
        self.level = Level("plain")
        self.environments = Environments(Home(home).packages)
        self.images = Images((), self.directory / "environments")
        self.forward = Forward(cluster, networking)
        self.artifacts = Artifacts(home / "artifacts", self.forward.route)
        self.puller = Puller(Store(home / "images"))
        self.follow: Callable[[], None] = lambda: None
        self.logins: Callable[[], list[Login]] = list
        self.hidden: tuple[str, ...] = ()
        self.allocatable: Mapping[str, str] = {}
        self.gpus = Gpus(0)
        self.services = Services()
        self.references = References()
        self.trash = Trash()
        self.errands = Errands(client)
        self.stock = Stock(Home(home).packages)
        self.events = Events(cluster, clock)

    def now(self) -> float:
        return self.clock.now().timestamp()

    def emit(self, pod: Manifest, kind: str, reason: str, message: str) -> None:
        self.events.emit(COMPONENT, pod, Emit(kind, reason, message))

    def pod_directory(self, uid: str) -> Path:
        return self.directory / "pods" / uid


class Unkept:
    """`Observations` of a node where nobody keeps them."""

    async def report(self, namespace: str, trial: str, batch: Batch) -> None:
        return None

    async def retract(self, namespace: str, trial: str, source: str) -> None:
        return None

    async def stopped(self, namespace: str, trial: str) -> None:
        return None


class Services:
    """The variables that services add to pods, by namespace, kept current by changes."""

    def __init__(self) -> None:
        self._by_namespace: dict[str, dict[str, dict[str, str]]] = {}
        self._api: dict[str, str] = {}

    def changed(self, change: Change) -> None:
        key = change.key
        table = self._by_namespace.setdefault(key.namespace, {})
        table.pop(key.name, None)
        if change.type != "DELETED":
            table[key.name] = service_variables(change.manifest)

    def serve_api_at(self, host: str, port: int) -> None:
        """Where pods of the machine's network find the API server: nothing there leads to the
        address of the service."""
        self._api = _api_variables(host, port)

    def variables(self, pod: Manifest, *, networked: bool) -> dict[str, str]:
        """`networked` pods have a network of their own, where services have addresses."""
        api = _api_variables(nets.API, 443) if networked else self._api
        if pod["spec"].get("enableServiceLinks") is False:
            return dict(api)
        found: dict[str, str] = {}
        for name, table in self._by_namespace.get(pod["metadata"]["namespace"], {}).items():
            if name != "kubernetes":
                found |= table
        return found | api


def _api_variables(host: str, port: int) -> dict[str, str]:
    ports = [{"name": "https", "port": port, "protocol": "TCP"}]
    service = {"metadata": {"name": "kubernetes"}, "spec": {"clusterIP": host, "ports": ports}}
    return service_variables(service)


class References:
    """Who wants to know when a ConfigMap, Secret or claim changes."""

    def __init__(self) -> None:
        self._tell: dict[Key, set[Callable[[], None]]] = {}

    def add(self, key: Key, tell: Callable[[], None]) -> None:
        self._tell.setdefault(key, set()).add(tell)

    def drop(self, key: Key, tell: Callable[[], None]) -> None:
        told = self._tell.get(key, set())
        told.discard(tell)
        if not told:
            self._tell.pop(key, None)

    def changed(self, change: Change) -> None:
        key = change.key
        if key.kind == names.PERSISTENT_VOLUME:
            claim = change.manifest["spec"].get("claimRef") or {}
            key = Key(names.PERSISTENT_VOLUME_CLAIM, claim.get("namespace", ""),
                      claim.get("name", ""))  # fmt: skip
        for tell in tuple(self._tell.get(key, ())):
            tell()


class Trash:
    """Removes directories one after another in a thread, off the path of what starts. What is left
    when the program ends is found again by the next one."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[list[Path]] = asyncio.Queue()
        self._over = threading.Event()

    def add(self, *paths: Path) -> None:
        self._waiting.put_nowait(list(paths))

    async def run(self) -> None:
        try:
            while True:
                paths = await self._waiting.get()
                while not self._waiting.empty():
                    paths += self._waiting.get_nowait()
                await asyncio.to_thread(_remove, paths, self._over)
        finally:
            self._over.set()


def _remove(paths: list[Path], over: threading.Event) -> None:
    for path in paths:
        if over.is_set():
            return
        with suppress(RecursionError):  # made to be that deep; `clearing` minds no depth
            shutil.rmtree(path, ignore_errors=True)
    left = [str(path) for path in paths if os.path.lexists(path)]
    if left:
        command = [sys.executable, "-I", "-m", "sampan.nodes.clearing", *left]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            log.warning("%s cannot be removed: %s", ", ".join(left), done.stderr.strip()[-500:])
