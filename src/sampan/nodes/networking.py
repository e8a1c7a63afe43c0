"""How pods of this node are connected: each in a network of its own, or all in the machine's.

Which of the two, and why, is found out at `start`. With networks of their own, pods have addresses
of 10.244.0.0/16, and the data path is told of every change of a service; without, an address of
the machine's loopback net, and whatever they listen on is the machine's. Whoever wants to reach a
pod from here goes through `open`.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from sampan.engine.cluster import Change, Cluster
from sampan.kube import names
from sampan.kube.keys import Key, Manifest, key_of
from sampan.nodes import hosts
from sampan.nodes.network.client import Network, Unavailable, end_everything, is_there
from sampan.nodes.network.table import entry, service_of
from sampan.nodes.sandbox.level import Level

log = logging.getLogger(__name__)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_TOGETHER = 0.005  # seconds in which changes of services are gathered
_AGAIN = 1.0
API = Key(names.SERVICE, "default", "kubernetes")
_CHUNK = 1 << 15  # bytes


class Connection(Struct, frozen=True):
    """How pods are connected: `kind` "pods" is a network for each, `reason` why it is not, and
    `egress` how far it leads ("all", or "ports" for a list of common ones)."""

    kind: Literal["pods", "host"]
    reason: str = ""
    egress: str = ""

    def __str__(self) -> str:
        if self.kind == "host":
            return (
                f"pods share this machine's network, each with a 127.x.y.z address: {self.reason}"
            )
        reach = "" if self.egress == "all" else "; only common ports lead out of the cluster"
        return f"each pod has a network of its own, with DNS and service addresses{reach}"


async def connect(
    network: Network, wish: Literal["", "pods", "host"], level: Level
) -> tuple[Connection, Mapping[str, str]]:
    """How pods can be connected, and the addresses of those that are, by uid."""
    if wish == "host":
        return Connection("host", "config.yaml asks for it"), {}
    if level.kind == "plain":
        return Connection("host", f"there is no sandbox to put one into: {level.reason}"), {}
    try:
        pods = await network.start()
    except (Unavailable, OSError) as error:
        return Connection("host", str(error)), {}
    return Connection("pods", egress=network.egress), pods


class Networking:
    """`cut_off` is told when every pod has lost its network at once."""

    def __init__(self, cluster: Cluster, directory: Path, cut_off: Callable[[], None]) -> None:
        self._cluster = cluster
        self._directory = directory
        self._cut_off = cut_off
        self._network = Network(directory, self._lost)
        self._served: dict[Key, tuple[str, int]] = {}
        self._words: dict[Key, str] = {}
        self._slices: dict[Key, set[str]] = {}
        self._changed: set[Key] = set()
        self._telling = False
        self._restarting: asyncio.Task[None] | None = None
        self._addresses: dict[str, str] = {}
        self.connection = Connection("host", "the node has not been started")
        self.free = hosts.Addresses(hosts.LOOPBACK)
        self.known: set[str] = set()

    async def start(self, wish: Literal["", "pods", "host"], level: Level) -> None:
        """Find out how pods are connected, and which are already (`known`). Changes may come from
        now on."""
        self.connection, pods = await connect(self._network, wish, level)
        self.known = set(pods)
        self.free = hosts.Addresses(hosts.PODS if self.enabled else hosts.LOOPBACK)
        for uid, address in pods.items():  # an address has one owner, whether or not a status
            if self.free.hold(address):  # says so: we may have died before it was written
                self._addresses[uid] = address
        if not self.enabled and is_there(self._directory):
            await end_everything(self._directory)  # of an earlier start, which had one

    @property
    def enabled(self) -> bool:
        return self.connection.kind == "pods"

    def serve_at(self, service: Key, host: str, port: int, word: str = "") -> None:
        """Where a service of ours leads to: in this machine's own network. With a word it is told
        the address of each client, before what that sends: `POD word address`."""
        self._served[service] = (host, port)
        self._words[service] = word
        self._note(service)

    def serves(self, service: Key) -> bool:
        """Whether it is one of ours."""
        return service in self._served

    async def stop(self) -> None:
        """Leave; pods stay connected."""
        if self._restarting is not None:
            self._restarting.cancel()
        self._network.close()

    async def end(self) -> None:
        """No pod is left: nothing stays."""
        if self._restarting is not None:
            self._restarting.cancel()
        self._network.close()
        if is_there(self._directory):
            await end_everything(self._directory)

    # -- pods -------------------------------------------------------------------------------------
    def networked(self, pod: Manifest) -> bool:
        """Whether the pod has a network of its own."""
        return self.enabled and not pod["spec"].get("hostNetwork")

    def take(self, uid: str) -> str:
        """An address for a pod: the one that it has, or a new one."""
        if uid not in self._addresses:
            self._addresses[uid] = self.free.take()
        return self._addresses[uid]

    def hold(self, uid: str, address: str) -> bool:
        """Keep the address that a pod had before; False when it cannot be its own."""
        if self._addresses.get(uid) == address:
            return True
        if uid in self._addresses or not self.free.hold(address):
            return False
        self._addresses[uid] = address
        return True

    async def join(self, uid: str, address: str) -> list[str]:
        """What a container of the pod has to enter; nothing for the machine's network. OSError
        when there can be no network just now."""
        if not self.enabled or self._addresses.get(uid) != address:
            return []
        files = await self._network.join(uid, address)
        self.known.add(uid)
        return files

    def release(self, uid: str) -> None:
        """The pod has ended."""
        address = self._addresses.pop(uid, "")
        if address:
            self.free.release(address)
        if address and self.enabled:
            self._drop(uid)

    def lend(self, uid: str) -> None:
        """The pod goes on, with somebody else looking after it."""
        address = self._addresses.pop(uid, "")
        if address:
            self.free.release(address)

    def forget_unknown(self, alive: set[str]) -> None:
        """Drop the networks of pods that ended while nobody was here."""
        for uid in self.known - alive:
            self.release(uid)
            if uid in self.known:
                self._drop(uid)

    def _drop(self, uid: str) -> None:
        self.known.discard(uid)
        self._network.drop(uid)

    def uid_at(self, address: str) -> str:
        """Which pod has a network of its own with this address; "" for none."""
        return next((uid for uid in self.known if self._addresses.get(uid) == address), "")

    def address_of(self, uid: str) -> str:
        """The address that the node has given; whatever a status says."""
        return self._addresses.get(uid, "")

    async def open(
        self, host: str, port: int, *, tls: ssl.SSLContext | None = None, inside: str = ""
    ) -> Streams:
        """Connect to an address as the node sees it, or with `inside` as that pod does. OSError."""
        if not self.enabled or not (inside or hosts.is_of_pod(host)):
            return await asyncio.open_connection(host, port, ssl=tls, limit=_CHUNK)
        sock = await self._network.dial(host, port, uid=inside)
        name = host if tls is not None else None
        return await asyncio.open_connection(sock=sock, ssl=tls, server_hostname=name, limit=_CHUNK)

    # -- services ---------------------------------------------------------------------------------
    def service_changed(self, change: Change) -> None:
        self._note(change.key)

    def slice_changed(self, change: Change) -> None:
        key = Key(names.SERVICE, change.key.namespace, service_of(change.manifest))
        parts = self._slices.setdefault(key, set())
        if change.type == "DELETED":
            parts.discard(change.key.name)
        else:
            parts.add(change.key.name)
        if not parts:
            del self._slices[key]
        self._note(key)

    def _note(self, key: Key) -> None:
        if not self.enabled:
            return
        self._changed.add(key)
        if not self._telling:
            self._telling = True
            asyncio.get_running_loop().call_later(_TOGETHER, self._tell)

    def _tell(self) -> None:
        self._telling = False
        changed, self._changed = self._changed, set()
        if self.enabled:
            self._network.tell({f"{key.namespace}/{key.name}": self._entry(key) for key in changed})

    def tell_all(self) -> None:
        """What there is now is all there is."""
        if self.enabled:
            self._changed.clear()
            keys = [key_of(service) for service in self._cluster.list(names.SERVICE)]
            table = {f"{key.namespace}/{key.name}": self._entry(key) for key in keys}
            self._network.tell(table, reset=True)

    def _entry(self, key: Key) -> dict[str, Any] | None:
        service = self._cluster.get(key)
        if service is None:
            return None
        keys = [
            Key(names.ENDPOINT_SLICE, key.namespace, name) for name in self._slices.get(key, ())
        ]
        slices = [part for part in map(self._cluster.get, keys) if part is not None]
        made = entry(service, slices)
        if made is not None and key in self._served:
            made["outside"] = True
            if word := self._words.get(key):
                made["word"] = word
            for port in made["ports"]:
                port["to"] = [list(self._served[key])]
        return made

    # -- after a loss -----------------------------------------------------------------------------
    def _lost(self) -> None:
        self._restarting = asyncio.ensure_future(self._restart())

    async def _restart(self) -> None:
        """The data path has died, or the ground with all networks: start what is missing."""
        log.warning("the pod network has gone; starting it again")
        while True:
            try:
                self.known = set(await self._network.start())
                break
            except (Unavailable, OSError) as error:
                log.error("no pod network: %s", error)
                await asyncio.sleep(_AGAIN)
        self.tell_all()
        if not self._addresses.keys() <= self.known:
            self._cut_off()
