"""Products: what is served beside the Kubernetes API, built from a Config. For `app` only.

Argo Workflows: its server, and the archive of workflows with the one who fills it. Kubeflow
Pipelines: its server. Their modules are loaded with the first request, or at the start if there is
an archive: who uses kubectl alone does not wait for them, nor hold them in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sampan.apiserver.api import ApiServer
from sampan.apiserver.loopback import Loopback
from sampan.artifacts import Artifacts
from sampan.config import Config, Home
from sampan.engine.cluster import Cluster
from sampan.gateway.routes import App, Receive, Send
from sampan.kube import names
from sampan.lib.clock import Clock
from sampan.lib.later import later

ARGO = "/argo"
PIPELINES = "/pipeline"


class Products:
    """`mounted` is what the gateway serves below its prefixes; `argo` the Argo Server for a port of
    its own, None without the component. `artifacts` is asked for when the node has started."""

    def __init__(
        self,
        home: Home,
        config: Config,
        cluster: Cluster,
        api: ApiServer,
        *,
        artifacts: Callable[[], Artifacts],
        clock: Clock,
    ) -> None:
        self.mounted: dict[str, App] = {}
        self.argo: App | None = None
        self._archiver: Any = None
        loopback = Loopback(api.asgi)
        if "pipelines" not in config.without:
            pipelines = _Pipelines(cluster, loopback, artifacts, clock)
            self.mounted[PIPELINES] = _Later(lambda: pipelines.server(PIPELINES))
        if "workflows" in config.without:
            return
        archive = _archive(home, config)
        if archive is not None:
            ttl = timedelta(days=config.archive_days) if config.archive_days else None
            archiver = later("sampan.records.archiver")
            self._archiver = archiver.Archiver(cluster, archive, clock, ttl)

        def server(below: str) -> App:
            made: App = later("sampan.services.argo.server").ArgoServer(
                loopback, _routes(archive, artifacts), clock=clock, below=below
            )
            return made

        self.mounted[ARGO] = _Later(lambda: server(ARGO))
        self.argo = _Later(lambda: server(""))

    async def start(self) -> None:
        if self._archiver is not None:
            await self._archiver.start()

    async def stop(self) -> None:
        if self._archiver is not None:
            await self._archiver.stop()


class _Pipelines:
    """The API of Kubeflow Pipelines, with what it rests on."""

    def __init__(
        self,
        cluster: Cluster,
        loopback: Loopback,
        artifacts: Callable[[], Artifacts],
        clock: Clock,
    ) -> None:
        self._loopback = loopback
        self._parts = {
            "artifacts": artifacts, "clock": clock, "namespace": names.DEFAULT_USER_NAMESPACE,
        }  # fmt: skip
        self._cluster = cluster

    def server(self, below: str) -> App:
        parts = later("sampan.services.pipelines.call").Parts(
            ids=later("sampan.services.pipelines.ids").Ids(self._cluster),
            records=later("sampan.records.pipelines.store").Records(),
            recorder=later("sampan.records.pipelines.recorder").Recorder(),
            **self._parts,
        )
        made: App = later("sampan.services.pipelines.server").PipelinesServer(
            self._loopback, parts, below=below
        )
        return made


class _Later:
    """An ASGI application that is made with its first request."""

    def __init__(self, make: Callable[[], App]) -> None:
        self._make = make
        self._app: App | None = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if self._app is None:
            self._app = self._make()
        await self._app(scope, receive, send)


def _routes(archive: Any, artifacts: Callable[[], Artifacts]) -> Any:
    return later("sampan.services.argo.routes").Routes(archive, artifacts)


def _archive(home: Home, config: Config) -> Any:
    if not config.archive:
        return None
    archive = later("sampan.records.archive").Archive
    if isinstance(config.archive, str):
        return archive(config.archive)
    return archive.at(home.records / "workflows.db")
