"""Products: what is served beside the Kubernetes API, built from a Config. For `app` only.

Now Argo Workflows: its server, and the archive of workflows with the one who fills it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from sampan.apiserver.api import ApiServer
from sampan.apiserver.loopback import Loopback
from sampan.artifacts import Artifacts
from sampan.config import Config, Home
from sampan.engine.cluster import Cluster
from sampan.gateway.routes import App
from sampan.lib.clock import Clock
from sampan.records.archive import Archive
from sampan.records.archiver import Archiver
from sampan.services.argo.routes import Routes
from sampan.services.argo.server import ArgoServer

ARGO = "/argo"


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
        self.mounted: Mapping[str, App] = {}
        self.argo: ArgoServer | None = None
        self._archiver: Archiver | None = None
        if "workflows" in config.without:
            return
        archive = _archive(home, config)
        if archive is not None:
            ttl = timedelta(days=config.archive_days) if config.archive_days else None
            self._archiver = Archiver(cluster, archive, clock, ttl)
        routes, loopback = Routes(archive, artifacts), Loopback(api.asgi)
        self.mounted = {ARGO: ArgoServer(loopback, routes, clock=clock, below=ARGO)}
        self.argo = ArgoServer(loopback, routes, clock=clock)

    async def start(self) -> None:
        if self._archiver is not None:
            await self._archiver.start()

    async def stop(self) -> None:
        if self._archiver is not None:
            await self._archiver.stop()


def _archive(home: Home, config: Config) -> Archive | None:
    if isinstance(config.archive, str):
        return Archive(config.archive)
    return Archive.at(home.records / "workflows.db") if config.archive else None
