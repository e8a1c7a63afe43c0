"""Products: what is served beside the Kubernetes API, built from a Config. For `app` only.

Argo Workflows: its server, and the archive of workflows with the one who fills it. Kubeflow
Pipelines: its server, the records and who fills them. Katib: who searches, and what was observed.
Their servers are loaded with the first request, the databases with the first that is kept: who uses
kubectl alone does not wait for them, nor hold them in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sampan.apiserver.api import ApiServer
from sampan.apiserver.loopback import Loopback
from sampan.artifacts import Artifacts
from sampan.auth.owner import Owned
from sampan.config import Config, Home
from sampan.engine.cluster import Cluster
from sampan.engine.sources import Source
from sampan.gateway.routes import App, Receive, Send
from sampan.kube import names
from sampan.kube.katib import Observations
from sampan.kube.keys import Key
from sampan.kube.lineage import CACHE
from sampan.kube.searching import OBSERVATIONS, SUGGESTIONS
from sampan.lib.clock import Clock
from sampan.lib.later import later

ARGO = "/argo"
PIPELINES = "/pipeline"
KATIB = "/katib"


class Products:
    """`mounted` is what the gateway serves below its prefixes; `argo` the Argo Server for a port of
    its own, `s3` the S3 server for one, None without the component. `artifacts` is asked for when
    the node has started."""

    def __init__(
        self,
        home: Home,
        config: Config,
        cluster: Cluster,
        api: ApiServer,
        *,
        artifacts: Callable[[], Artifacts],
        clock: Clock,
        owner: Callable[[], str] | None = None,
    ) -> None:
        """`owner`: makes a token for the one who runs this, None where nobody is to be known
        without one."""
        self.mounted: dict[str, App] = {}
        self.argo: App | None = None
        self.s3: App | None = None
        self._katib = None if "katib" in config.without else _Katib(home, config, cluster, clock)
        self._archiver: Any = None
        self._pipelines: _Pipelines | None = None
        loopback = Loopback(api.asgi)
        if "pipelines" not in config.without:
            pipelines = _Pipelines(home, config, cluster, loopback, artifacts, clock)
            made = _Later(lambda: pipelines.server(PIPELINES))
            self.mounted[PIPELINES] = Owned(made, owner) if owner else made
            self._pipelines = pipelines
            self.s3 = _Later(pipelines.s3)
        if self._katib is not None:
            ui = _Later(lambda katib=self._katib: katib.ui(loopback))  # type: ignore[misc]
            self.mounted[KATIB] = Owned(ui, owner) if owner else ui
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

    @property
    def sources(self) -> Mapping[str, Source]:
        """What controllers may consult."""
        found: dict[str, Source] = {}
        if self._pipelines is not None:
            found[CACHE] = self._pipelines.answer
        if self._katib is not None:
            found[SUGGESTIONS] = self._katib.suggest
            found[OBSERVATIONS] = self._katib.observing.answer
        return found

    def door(self, **found: Any) -> Any:
        """The port of Katib's gRPC services, None without the component. `found`: as `Door` has
        it."""
        return None if self._katib is None else self._katib.door(**found)

    @property
    def observations(self) -> Observations | None:
        """Who keeps what the node reads of trials."""
        return None if self._katib is None else self._katib.observing

    async def start(self) -> None:
        if self._pipelines is not None:
            await self._pipelines.recorder.start()
            await self._pipelines.credentials.start()
        if self._katib is not None:
            await self._katib.observing.start()
        if self._archiver is not None:
            await self._archiver.start()

    async def stop(self) -> None:
        if self._pipelines is not None:
            await self._pipelines.recorder.stop()
            await self._pipelines.credentials.stop()
        if self._katib is not None:
            await self._katib.stop()
        if self._archiver is not None:
            await self._archiver.stop()


class _Katib:
    """What was observed, and who searches, made with the first question."""

    def __init__(self, home: Home, config: Config, cluster: Cluster, clock: Clock) -> None:
        self._cluster = cluster
        store = later("sampan.records.katib.store").Store
        observing = later("sampan.services.katib.observing")
        present, url = observing.present(cluster), config.records
        file = home.records / "katib.db"
        self.store = store(url, present=present) if url else store.at(file, present=present)
        self.observing = observing.Observing(cluster, self.store, clock)
        self._searcher: Any = None
        self._lent: Any = None
        self._suggesting: Any = None
        self._dial: Any = None

    async def suggest(self, questions: Sequence[Any]) -> Sequence[Any]:
        if self._suggesting is None:
            suggesting = later("sampan.services.katib.suggesting").Suggesting
            self._suggesting = suggesting(self._cluster, self._search(), self.store, self._foreign)
        found: Sequence[Any] = await self._suggesting(questions)
        return found

    def door(self, **found: Any) -> Any:
        self._dial = found["dial"]
        return later("sampan.services.katib.door").Door(self._services, **found)

    def ui(self, loopback: Loopback) -> App:
        server = later("sampan.services.katib.ui.server").UiServer
        made: App = server(loopback, self.store, below=KATIB)
        return made

    def _foreign(self) -> Any:
        return later("sampan.services.katib.foreign").Foreign(self._open)

    async def _open(self, host: str, port: int, namespace: str) -> Any:
        """Controllers ask from the first moment on, and the node is there a little later."""
        if self._dial is None:
            raise ConnectionError("the node is not ready")
        return await self._dial(host, port, namespace)

    def _services(self) -> Any:
        make = later("sampan.services.katib.managing").server
        # Pods may ask for anything, and whatever that takes keeps no controller waiting.
        self._lent = later("sampan.services.katib.searcher").Searcher()
        return make(self._cluster, self.store, self.observing, self._lent)

    def _search(self) -> Any:
        if self._searcher is None:
            self._searcher = later("sampan.services.katib.searcher").Searcher()
        return self._searcher

    async def stop(self) -> None:
        await self.observing.stop()
        if self._suggesting is not None:
            await self._suggesting.stop()
        for searcher in (self._searcher, self._lent):
            if searcher is not None:
                await searcher.stop()


class _Pipelines:
    """The API of Kubeflow Pipelines, with what it rests on: the records and the one who fills them,
    and the cache of the controllers, which is made with its first question."""

    def __init__(
        self,
        home: Home,
        config: Config,
        cluster: Cluster,
        loopback: Loopback,
        artifacts: Callable[[], Artifacts],
        clock: Clock,
    ) -> None:
        self._cluster = cluster
        self._loopback = loopback
        self._artifacts = artifacts
        self._clock = clock
        self._cache: Source | None = None
        records = later("sampan.records.pipelines.store").Records
        url, file = config.records, home.records / "pipelines.db"
        self.records = records(url) if url else records.at(file)
        retention = later("sampan.records.pipelines.retention").Retention(cluster)
        recorder = later("sampan.records.pipelines.recorder").Recorder
        self.credentials = later("sampan.services.s3.credentials").Credentials(cluster)
        self._repository = home.artifacts
        self.recorder = recorder(cluster, self.records, retention)

    def server(self, below: str) -> App:
        parts = later("sampan.services.pipelines.call").Parts(
            ids=later("sampan.services.pipelines.ids").Ids(self._cluster),
            records=self.records,
            recorder=self.recorder,
            artifacts=self._reader,
            clock=self._clock,
            namespace=names.DEFAULT_USER_NAMESPACE,
        )
        made: App = later("sampan.services.pipelines.server").PipelinesServer(
            self._loopback, parts, below=below
        )
        return made

    def _reader(self) -> Any:
        """The way to artifacts by their URIs."""
        return later("sampan.artifacts.reader").Reader(
            self._artifacts(),
            lambda kind, namespace, name: self._cluster.get(Key(kind, namespace, name)),
        )

    def s3(self) -> App:
        made: App = later("sampan.services.s3.server").S3Server(
            self._repository, self.credentials.find, self._clock
        )
        return made

    async def answer(self, questions: Sequence[Any]) -> Sequence[Any]:
        """Of the cache."""
        if self._cache is None:
            cache = later("sampan.records.pipelines.cache")
            reader = self._reader()
            missing = cache.missing_by(lambda where, uri: reader.exists(uri, namespace=where))
            self._cache = cache.Cache(self.records, self.recorder, missing)
        return await self._cache(questions)


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
