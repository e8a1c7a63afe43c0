"""Call: one request to the pipelines API, as the functions that answer it see it.

`kube` is the Kubernetes API as the caller. The functions take a Call and answer with what becomes
the JSON of the answer, or with `Streamed`; they raise `errors.Refused` or an ApiStatus.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

import orjson
from msgspec import Struct, field

from sampan.artifacts.reader import Reader
from sampan.kube import names, times
from sampan.kube.errors import NotFound
from sampan.kube.keys import Key, Manifest, kind_of
from sampan.lib.clock import Clock
from sampan.records.pipelines.recorder import Recorder
from sampan.records.pipelines.selection import Selection
from sampan.records.pipelines.store import Records
from sampan.services.errors import denied, invalid, not_found
from sampan.services.http import Request
from sampan.services.kube import Kube, Resource
from sampan.services.pipelines import listing, messages
from sampan.services.pipelines.ids import Ids
from sampan.services.pipelines.listing import Listed

EXPERIMENT = Resource(names.PIPELINES_GROUP, "v2beta1", "experiments", "Experiment")
PIPELINE = Resource(names.PIPELINES_GROUP, "v2beta1", "pipelines", "Pipeline")
PIPELINE_VERSION = Resource(names.PIPELINES_GROUP, "v2beta1", "pipelineversions", "PipelineVersion")
RUN = Resource(names.PIPELINES_GROUP, "v2beta1", "runs", "Run")
SCHEDULED_WORKFLOW = Resource(
    names.SCHEDULES_GROUP, "v1beta1", "scheduledworkflows", "ScheduledWorkflow"
)


class Caller(Struct, frozen=True):
    """Who asks, as the API server says."""

    name: str
    groups: tuple[str, ...] = ()


class Parts(Struct, frozen=True, kw_only=True):
    """What the functions rest on beside the caller's own view. `artifacts` answers with the way to
    them, which may be there only after the start. namespace: of requests that name none. founding:
    held by who makes a default experiment."""

    ids: Ids
    records: Records
    recorder: Recorder
    artifacts: Callable[[], Reader]
    clock: Clock
    namespace: str
    founding: asyncio.Lock = field(default_factory=asyncio.Lock)


class Streamed(Struct, frozen=True):
    """An answer that comes bit by bit."""

    pieces: AsyncGenerator[bytes, None]
    content_type: str = "application/octet-stream"
    headers: tuple[tuple[str, str], ...] = ()


class Call:
    """`path` holds what the pattern of the route names."""

    def __init__(
        self, request: Request, kube: Kube, caller: Caller, path: Mapping[str, str], parts: Parts
    ) -> None:
        self.request = request
        self.kube = kube
        self.caller = caller
        self.path = path
        self.parts = parts

    @property
    def namespace(self) -> str:
        """The namespace that the query names, or the one of requests that name none."""
        return self.query("namespace") or self.parts.namespace

    @property
    def moment(self) -> datetime:
        return self.parts.clock.now()

    @property
    def now(self) -> str:
        return times.rfc3339(self.parts.clock.now())

    def query(self, name: str) -> str:
        return self.request.query(name)

    def asks(self, name: str) -> bool:
        return self.request.asks(name)

    async def read(self, kind: messages.Message) -> dict[str, Any]:
        """The message in the body; {} for none. Raises Refused."""
        raw = await self.request.body()
        if not raw.strip():
            return {}
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise invalid(f"proto: syntax error: {error}") from None
        found: dict[str, Any] = messages.read(kind, value)
        return found

    def asked(self, listed: Listed, **of: Any) -> Selection:
        """What a list is to hold (`listing.asked`). Raises Refused."""
        return listing.asked(self.query, listed, **of)

    def key(self, resource: Resource, id: str) -> Key:
        """Which object has this id. Raises Refused."""
        kind = kind_of(resource.api_version, resource.kind)
        found = self.parts.ids.key(kind, id)
        if found is None:
            raise missing(resource, id)
        return found

    async def get(self, resource: Resource, id: str) -> Manifest:
        """The object of this id, if the caller may see it. Raises Refused."""
        key = self.key(resource, id)
        try:
            return await self.kube.get(resource, key.namespace, key.name)
        except NotFound:
            raise missing(resource, id) from None

    async def check(self, verb: str, resource: Resource, namespace: str) -> None:
        """Before something is said that only who may do this is to know. Raises Refused."""
        if not await self.kube.may_i(verb, resource, namespace):
            what = f"{verb} {resource.plural} in namespace {namespace}"
            raise denied(f"{self.caller.name} may not {what}")

    async def create(self, resource: Resource, namespace: str, manifest: Manifest) -> Manifest:
        """What was created, known by its id from now on."""
        made = await self.kube.create(resource, namespace, manifest)
        self.parts.ids.learn(made)
        return made

    async def delete(self, resource: Resource, id: str) -> None:
        """Raises Refused."""
        key = self.key(resource, id)
        try:
            await self.kube.delete(resource, key.namespace, key.name, _BACKGROUND)
        except NotFound:
            raise missing(resource, id) from None


_BACKGROUND = {"propagationPolicy": "Background"}


def missing(resource: Resource, id: str) -> Exception:
    return not_found(f"{resource.kind} {id} not found")


Handler = Callable[[Call], Awaitable[Any]]
Row = tuple[str, str, Handler]
"""A method, the path below the product's own, and who answers."""
