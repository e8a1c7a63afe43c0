"""Call: one request to the Argo Server, as the functions that answer it see it.

`kube` is the Kubernetes API as the caller. The functions take a Call and answer with what becomes
the JSON of the answer, or with a `Stream`; they raise `errors.Refused` or an ApiStatus.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from msgspec import Struct

from sampan.kube.times import rfc3339
from sampan.lib.clock import Clock
from sampan.services.errors import invalid
from sampan.services.http import Request
from sampan.services.kube import Kube, workflows_resource

WORKFLOWS = workflows_resource("workflows", "Workflow")
TEMPLATES = workflows_resource("workflowtemplates", "WorkflowTemplate")
CLUSTER_TEMPLATES = workflows_resource(
    "clusterworkflowtemplates", "ClusterWorkflowTemplate", namespaced=False
)
CRON_WORKFLOWS = workflows_resource("cronworkflows", "CronWorkflow")
EVENT_BINDINGS = workflows_resource("workfloweventbindings", "WorkflowEventBinding")

_LIST = "listOptions."


class Caller(Struct, frozen=True):
    """Who asks, as the API server says."""

    name: str
    groups: tuple[str, ...] = ()


class Stream(Struct, frozen=True):
    """An answer without an end: JSON texts, each of which becomes `{"result": …}`. An empty first
    one says that the answer may begin."""

    results: AsyncGenerator[bytes, None]


class Download(Struct, frozen=True):
    """An answer that is a file."""

    pieces: AsyncGenerator[bytes, None]
    name: str
    content_type: str = "application/octet-stream"
    size: int | None = None


class Page(Struct, frozen=True):
    """A page, or the way to another one."""

    code: int
    body: bytes
    headers: Mapping[str, str] = {}


class Call:
    """`path` holds what the pattern of the route names, `payload` the JSON that was sent."""

    def __init__(
        self,
        request: Request,
        kube: Kube,
        caller: Caller,
        path: Mapping[str, str],
        payload: Any,
        clock: Clock,
    ) -> None:
        self.request = request
        self.kube = kube
        self.caller = caller
        self.path = path
        self.payload = payload
        self._clock = clock

    @property
    def namespace(self) -> str:
        return self.path.get("namespace", "")

    @property
    def name(self) -> str:
        return self.path["name"]

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object that was sent. Raises Refused."""
        if not isinstance(self.payload, dict):
            raise invalid("the body must be a JSON object")
        return self.payload

    @property
    def moment(self) -> datetime:
        return self._clock.now()

    @property
    def now(self) -> str:
        return rfc3339(self._clock.now())

    def query(self, name: str) -> str:
        return self.request.query(name)

    def asks(self, name: str) -> bool:
        return self.request.asks(name)

    @cached_property
    def list_options(self) -> dict[str, str]:
        """What listOptions says to the Kubernetes API, less what pages and watches."""
        wanted = ("labelSelector", "fieldSelector", "resourceVersion", "resourceVersionMatch",
                  "timeoutSeconds", "allowWatchBookmarks", "sendInitialEvents")  # fmt: skip
        given = {name: self.query(_LIST + name) for name in wanted}
        return {name: value for name, value in given.items() if value}

    def number(self, name: str) -> int:
        """A query parameter that is a number; 0 when it is absent. Raises Refused."""
        text = self.query(name)
        if not text:
            return 0
        if not text.isascii() or not text.removeprefix("-").isdecimal() or len(text) > 18:
            raise invalid(f"{name} must be int")
        return int(text)

    def given(self, field: str, fault: str) -> dict[str, Any]:
        """The object in this field of the body. Raises Refused with `fault`."""
        found = self.body.get(field)
        if not isinstance(found, dict):
            raise invalid(fault)
        if not isinstance(found.setdefault("metadata", {}), dict):
            raise invalid(f"{field}.metadata must be an object")
        return found

    def text(self, field: str) -> str:
        """A string in the body, "" when it is absent. Raises Refused."""
        found = self.body.get(field)
        if found is None:
            return ""
        if not isinstance(found, str):
            raise invalid(f"{field} must be a string")
        return found

    def flag(self, field: str) -> bool:
        found = self.body.get(field)
        if not isinstance(found, bool | None):
            raise invalid(f"{field} must be true or false")
        return bool(found)

    def texts(self, field: str) -> list[str]:
        found = self.body.get(field)
        if found is None:
            return []
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise invalid(f"{field} must be a list of strings")
        return found


Handler = Callable[[Call], Awaitable[Any]]
