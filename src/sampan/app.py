"""The only place that knows everything: builds the parts from a Config, starts and stops them.

    lock ─> store ─> API server ─> tokens, RBAC ─> engine ─> node ─> ports ─> ready

A part never looks for another one: it is handed what it needs, here. Nothing here decides anything
about an object. SIGTERM and SIGINT stop everything, pods included; a crash stops only this process,
and the next start finds the store, the supervisor and the pods as they were.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gc
import logging
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any

import uvloop

from sampan import founding
from sampan.apiserver import certificates
from sampan.apiserver.api import ApiServer
from sampan.apiserver.loopback import Loopback
from sampan.apiserver.server import Server
from sampan.artifacts import Artifacts
from sampan.auth import owner
from sampan.auth.audit import Trail
from sampan.auth.keys import SigningKey
from sampan.auth.rbac import KINDS, Rbac
from sampan.auth.tokens import API_AUDIENCE, ISSUER, Tokens
from sampan.config import Config, Home, State
from sampan.engine.local import LocalCluster
from sampan.engine.loop import Engine
from sampan.gateway.routes import Gateway, Health
from sampan.kube import conditions, names
from sampan.kube.component import Component
from sampan.kube.errors import UserMistake
from sampan.kube.keys import Key, Manifest, key_of
from sampan.lib import logs
from sampan.lib.clock import SystemClock
from sampan.lib.prometheus import Part, process
from sampan.nodes import mirrorpod
from sampan.nodes.kubelet import Node
from sampan.nodes.scheduler.loop import Scheduler
from sampan.products import Products
from sampan.store.objects import Store
from sampan.store.records import StorageFailed
from sampan.store.relocate import relocate

log = logging.getLogger("sampan")

LOOPBACK = "127.0.0.1"
# Not the hostname: that may change, and pods stay bound to the node that they were given.
NODE_NAME = "sampan"
HOUR, YEAR = 3600.0, 365 * 86_400.0
GROUP = "sampan.components"


def run(
    home: Home, config: Config, ready: Callable[[State], None], *, detached: bool = False
) -> int:
    """Serve until told to stop; `ready` is called once all is ready. Answers with the exit code.
    `detached` logs to the home instead of the terminal."""
    gc.disable()  # until all is loaded: what a start makes lives on, and walking it finds nothing
    logs.set_up(config.log, config.log_level, home.log if detached else None)
    with _only_one(home):
        uvloop.run(_serve(home, config, ready))
    return 0


def components(without: Sequence[str]) -> tuple[Component, ...]:
    """The components that are installed, ours and others', less those that are left out."""
    found = {point.name: point for point in entry_points(group=GROUP)}
    unknown = sorted(set(without) - set(found))
    if unknown:
        raise UserMistake(
            f"there is no component {', '.join(unknown)}; there are {', '.join(sorted(found))}"
        )
    return tuple(point.load() for name, point in sorted(found.items()) if name not in without)


async def _serve(home: Home, config: Config, ready: Callable[[State], None]) -> None:
    program = Program(home, config)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        state = await program.start()
        home.announce(state)
        ready(state)
        await stopped.wait()
    finally:
        await program.stop()
        home.retract()


@contextlib.contextmanager
def _only_one(home: Home) -> Iterator[None]:
    """Hold the home's lock; the kernel lets go of it however this process ends."""
    home.make()
    descriptor = os.open(home.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserMistake(f"another Sampan runs in {home.path}") from None
    try:
        yield
    finally:
        os.close(descriptor)


class Program:
    """All parts of one running Sampan. Make it inside the event loop."""

    def __init__(self, home: Home, config: Config) -> None:
        self.home = home
        self.config = config
        self.clock = SystemClock()
        self.components = components(config.without)
        gc.freeze()  # all is loaded, and lives on: `_settle_memory` need not walk it
        home.store.mkdir(exist_ok=True, mode=0o700)
        self.certificates = certificates.ensure(home.keys, self.clock)
        database = home.store / "objects.db"
        try:
            if (former := home.moved_from()) and database.exists():
                relocate(database, names.PLACED, f"{former}/volumes", str(home.volumes))
            self.store = Store(database)
        except StorageFailed as error:
            raise UserMistake(str(error)) from error
        key = SigningKey.load_or_make(home.keys / "signing.key")
        self.tokens = Tokens(key, self.clock, lambda key: self.api.inprocess.get(key))
        self.rbac = Rbac(
            lambda kind: self.api.inprocess.list(kind), lambda key: self.api.inprocess.get(key)
        )
        self.api = ApiServer(
            self.store,
            authenticator=self.tokens,
            authorizer=self.rbac,
            components=self.components,
            issue=self._issue,
            issue_lasting=self.tokens.for_secret,
            audience=API_AUDIENCE,
            sign=self._sign,
            review=lambda token, audiences: self.tokens.review(token, audiences or (API_AUDIENCE,)),
            published=_published(key),
            clock=self.clock,
            audit=Trail(home.audit, self.clock).note if config.audit else None,
            collect=self._measures,
        )
        for kind in KINDS:
            self.store.subscribe(kind, self.rbac.forget)
        self.cluster = LocalCluster(self.api.inprocess)
        self.products = Products(
            home, config, self.cluster, self.api, artifacts=self._artifacts, clock=self.clock,
            owner=self._owner if config.owner else None,
        )  # fmt: skip
        self.engine = Engine(
            self.cluster,
            [each for component in self.components for each in component.controllers],
            clock=self.clock,
            sources=self.products.sources,
        )
        self.scheduler = Scheduler(self.cluster, clock=self.clock)
        self.node: Node | None = None
        self.gateway: Server | None = None
        self.argo: Server | None = None
        self.s3: Server | None = None
        self.door: Any = None  # of Katib's gRPC services

    async def start(self) -> State:
        """Start the parts in order; answers with where they are found."""
        with self.api.hooks.held_open():
            await self._found()
        await self.engine.start()
        api_port = await self._listen(self.api.start, self.config.api_port, "api_port")
        api = f"https://{LOOPBACK}:{api_port}"
        self._write_kubeconfig(api)
        self.node = Node(
            self.cluster,
            name=NODE_NAME,
            home=self.home.path,
            config=self.config,
            clock=self.clock,
            service_host=(LOOPBACK, api_port),
            server=Loopback(self.api.asgi),
            observations=self.products.observations,
        )
        self.api.attach(self.node.agent)
        await self.node.start()
        await mirrorpod.show(self.cluster, self.clock, NODE_NAME, self.node.context.host_ip)
        if self.node.context.networking.enabled:
            for manifest in founding.api_endpoints(api_port):
                await self._apply(manifest)
        await self.scheduler.start()
        gateway, argo = await self._open(api)
        s3 = await self._open_store(self.node)
        proxy = await self._open_katib(self.node)
        self.api.ready()
        _settle_memory()
        return State(os.getpid(), gateway, api, str(self.home.kubeconfig), argo, s3, proxy)

    async def stop(self) -> None:
        """Stop everything, the pods too; what fails is logged and does not keep the rest up."""
        steps = [
            self.gateway.stop if self.gateway else None,
            self.argo.stop if self.argo else None,
            self.s3.stop if self.s3 else None,
            self.door.stop if self.door else None,
            self.products.stop,
            self.scheduler.stop,
            self.node.stop if self.node else None,
            self.node.shutdown_pods if self.node else None,
            self.engine.stop,
            self.api.stop,
            self.store.close,
        ]
        for step in steps:
            if step is not None:
                try:
                    await step()
                except Exception:
                    log.exception("stopping: %s", step.__qualname__)

    def health(self) -> Mapping[str, Health]:
        """Per component; one is as ready as the parts that it rests on."""
        rest = {component.name: Health(True) for component in self.components}
        return {"api": Health(True), "node": self._node_health(), **rest}

    def _measures(self) -> Iterable[Part]:
        """What /metrics says beyond the API server."""
        node = self.node.families() if self.node else []
        kinds = [part for each in self.components for part in self.engine.figures(each.figures)]
        return [*self.engine.families(), *node, *kinds, *process()]

    def _artifacts(self) -> Artifacts:
        return self.node.context.artifacts if self.node else Artifacts(self.home.artifacts)

    def _owner(self) -> str:
        return self.tokens.for_person(names.USER_ADMIN, [names.GROUP_MASTERS], HOUR)

    def _node_health(self) -> Health:
        name = self.node.context.name if self.node else ""
        found = self.cluster.get(Key(names.NODE, "", name)) or {}
        ready = conditions.get_condition((found.get("status") or {}).get("conditions"), "Ready")
        if ready is None:
            return Health(False, "not registered yet")
        return Health(ready["status"] == "True", ready.get("message") or "")

    async def _open(self, api: str) -> tuple[str, str]:
        """Open the gateway, and the port of the Argo Server if it is to have one; answers with
        where they are."""
        await self.products.start()
        argo, port = "", self.config.argo_port
        if self.products.argo is not None and port is not None:
            self.argo = Server(self.products.argo)
            argo = f"https://{LOOPBACK}:{await self._listen(self.argo.start, port, 'argo_port')}"
        mounted, hosts = self.products.mounted, self.config.hosts
        self.gateway = Server(Gateway(self.health, api, mounted, hosts))
        port = await self._listen(self.gateway.start, self.config.port, "port")
        return f"http://{LOOPBACK}:{port}", argo

    async def _open_store(self, node: Node) -> str:
        """Open the port of the S3 server, and lead pods there by the name of its service."""
        if self.products.s3 is None:
            return ""
        self.s3 = Server(self.products.s3)
        port = await self._listen(self.s3.start, self.config.s3_port, "s3_port")
        more = founding.store_endpoints(port) if node.context.networking.enabled else ()
        service = founding.store_service()
        await self._apply_all((service, *more))
        node.serve_at(key_of(service), LOOPBACK, port)
        return f"http://{LOOPBACK}:{port}"

    async def _open_katib(self, node: Node) -> str:
        """The same of Katib's gRPC services; answers with the owner's proxy to them."""
        self.door = self.products.door(
            namespace_at=node.namespace_at,
            is_owner=owner.holds if self.config.owner else lambda *_: False,
            dial=node.context.forward.open,
        )
        if self.door is None:
            return ""
        port = await self._listen(self.door.start, self.config.katib_port, "katib_port")
        more = founding.manager_endpoints(port) if node.context.networking.enabled else ()
        service = founding.manager_service()
        await self._apply_all((service, *more))
        node.serve_at(key_of(service), LOOPBACK, port, self.door.words.relay)
        node.context.metrics_proxy = self.door.proxy_of
        return str(self.door.owners_proxy)

    async def _listen(self, start: Callable[..., Any], port: int, setting: str) -> int:
        secure = None if setting in ("port", "s3_port", "katib_port") else self.certificates
        try:
            return int(await start(LOOPBACK, port, secure))
        except OSError as error:
            option = setting.replace("_", "-")
            raise UserMistake(
                f"port {port} cannot be used ({error.strerror}); choose another with --{option}"
            ) from error

    async def _found(self) -> None:
        """Apply what the cluster begins with: the components' CRDs and objects, then our own."""
        own = founding.objects(
            authority=self.certificates.ca.read_text(),
            volumes=str(self.home.volumes),
            user=self.config.user,
        )
        crds = (each for one in self.components for each in one.crds)
        for crd in crds:
            if not self._stands(crd):
                await self._apply(crd)  # one by one: all at once would need megabytes for ever
        await self._apply_all((*own, *(each for one in self.components for each in one.objects)))

    async def _apply_all(self, manifests: Iterable[Manifest]) -> None:
        """In order, but as one write to the disk: each builds on what is queued before it."""
        await asyncio.gather(*map(self._apply, manifests))

    def _stands(self, crd: Manifest) -> bool:
        """Whether a definition is there as it should be: large ones take milliseconds to apply."""
        live = self.cluster.get(key_of(crd))
        return live is not None and crd["spec"].items() <= live["spec"].items()

    async def _apply(self, manifest: Manifest) -> None:
        """An object of a component that is left out has no kind here, and is not missed."""
        if self.cluster.has_kind(key_of(manifest).kind):
            await self.cluster.apply(manifest, manager=f"{names.MANAGER}-founding")

    def _write_kubeconfig(self, api: str) -> None:
        name, groups = names.USER_ADMIN, [names.GROUP_MASTERS]
        certificates.write_kubeconfig(
            self.home.kubeconfig,
            server=api,
            ca=self.certificates.ca,
            token=self.tokens.for_person(name, groups, YEAR),
            client=certificates.for_client(self.certificates, name, groups, self.clock),
            name="sampan",
        )

    def _sign(self, request: bytes, seconds: int | None) -> bytes:
        return certificates.sign_request(self.certificates, request, seconds, self.clock)

    def _issue(
        self, account: Manifest, audiences: Sequence[str], seconds: int, bound: Manifest | None
    ) -> Any:
        """A token bound to a pod also says on which node that was."""
        node = (bound or {}).get("spec", {}).get("nodeName")
        found = self.cluster.get(Key(names.NODE, "", node)) if node else None
        return self.tokens.for_account(
            account, audiences=audiences, seconds=seconds, bound=bound, node=found
        )


def _published(key: SigningKey) -> dict[str, Any]:
    """What lets others check our tokens (OpenID Connect discovery)."""
    return {
        "/openid/v1/jwks": key.published(),
        "/.well-known/openid-configuration": {
            "issuer": ISSUER,
            "jwks_uri": f"{ISSUER}/openid/v1/jwks",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        },
    }


def _settle_memory() -> None:
    """What lives from now on is not walked by the collector again, and it runs less often: the
    store holds bytes, so that there is little garbage in cycles to find."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    gc.enable()
