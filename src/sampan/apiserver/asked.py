"""Asked: a request for a resource that is served, by a user who may; reading and answering it."""

from __future__ import annotations

from msgspec import Struct

from sampan.apiserver import bodies
from sampan.apiserver.backend import Backend, Stored
from sampan.apiserver.calls import Call
from sampan.apiserver.delete import dry_run
from sampan.apiserver.forms import Look, accepted
from sampan.apiserver.http import Request, warnings
from sampan.apiserver.resources import Resource
from sampan.apiserver.routing import Route
from sampan.kube.access import User
from sampan.kube.errors import Invalid, unsupported
from sampan.kube.keys import Key, Manifest

UNKNOWN = "the server could not find the requested resource"
_VALIDATION = ("Ignore", "Warn", "Strict")
_SIMPLE = frozenset({b"*/*", b"application/json", b"application/json, */*"})
_LONGEST_MANAGER = 128


class Asked(Struct, frozen=True):
    backend: Backend
    request: Request
    route: Route
    resource: Resource
    user: User

    @property
    def namespace(self) -> str:
        return self.route.namespace

    @property
    def name(self) -> str:
        return self.route.name

    @property
    def key(self) -> Key:
        return self.resource.key(self.route.namespace, self.route.name)

    def look(self) -> Look:
        """The form that the client wants. Raises NotAcceptable, Invalid."""
        form = accepted(self.request.header(b"accept"))
        include = self.request.query("includeObject") or "Metadata"
        if include not in ("None", "Metadata", "Object"):
            fault = unsupported("includeObject", include, ("None", "Metadata", "Object"))
            raise Invalid.of("TableOptions", "meta.k8s.io", "", [fault])
        return Look(self.backend, self.resource, form, include)  # type: ignore[arg-type]

    async def decoded(self, kind: str) -> tuple[Manifest, list[str], Call]:
        """The body, the fields that it names twice, and how it wants to be treated."""
        accepted(self.request.header(b"accept"))
        call = self.call()
        body, twice = bodies.decode(await self.request.body(), self.request.content_type, kind)
        return body, twice, call

    def call(self, *, applying: bool = False) -> Call:
        request = self.request
        validation = request.query("fieldValidation") or "Warn"
        if validation not in _VALIDATION:
            fault = unsupported("fieldValidation", validation, ("", *_VALIDATION))
            raise Invalid.of("CreateOptions", "meta.k8s.io", "", [fault])
        manager = request.query("fieldManager")
        if not manager and not applying:
            manager = request.header(b"user-agent").partition("/")[0] or "unknown"
        return Call(
            user=self.user,
            manager=manager[:_LONGEST_MANAGER],
            dry_run=dry_run(request.queries("dryRun")),
            validation=validation,  # type: ignore[arg-type]
            force=request.asks("force"),
        )

    async def answer_stored(self, code: int, stored: Stored, call: Call) -> None:
        """Answer with an object that was written."""
        request = self.request
        more = warnings(call.warnings)
        header = request.headers.get(b"accept")
        if header is None or header in _SIMPLE:
            await request.answer(code, self.resource.present(stored.data), more=more)
            return
        look = self.look()
        await request.answer(code, look.of_bytes(stored.data), look.content_type, more)
