"""Dispatch: from an ASGI scope to the verb that answers it.

    authenticate -> route -> authorise -> find the resource -> verb -> form of the answer

Whatever a verb raises becomes a Status; a fault of ours is logged and becomes a 500 that says no
more than that. The rules of each verb are in its own file.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import orjson
from msgspec import Struct

from sampan.apiserver import bodies, lists, patch, scale, watch
from sampan.apiserver.access import Access
from sampan.apiserver.backend import Backend, Stored
from sampan.apiserver.calls import Call
from sampan.apiserver.create import create
from sampan.apiserver.delete import delete, delete_collection, dry_run, options
from sampan.apiserver.discovery import Discovery
from sampan.apiserver.forms import PLAIN, Look, accepted
from sampan.apiserver.http import Gone, Receive, Request, Scope, Send, framed, warnings
from sampan.apiserver.openapi import Documents
from sampan.apiserver.posting import Posting
from sampan.apiserver.resources import Resource
from sampan.apiserver.routing import Route, parse, verb
from sampan.apiserver.selecting import one_name, select
from sampan.apiserver.streams import Streams
from sampan.apiserver.update import update
from sampan.apiserver.watch import Watches
from sampan.kube.access import Attributes, User
from sampan.kube.errors import (
    ApiStatus,
    BadRequest,
    InternalError,
    Invalid,
    MethodNotAllowed,
    NotFound,
    unsupported,
)
from sampan.kube.keys import Manifest

_log = logging.getLogger(__name__)

VERSION = {
    "major": "1",
    "minor": "33",
    "gitVersion": "v1.33.0+sampan",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2026-11-23T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/amd64",
}
_HEALTH = ("healthz", "livez", "readyz")
_WEBSOCKETS = ("exec", "attach")
_REFUSED = {
    "portforward": "port-forward is not supported yet",
    "ephemeralcontainers": "ephemeral containers are not supported: this node cannot add a"
    " container to a running pod",
    "resize": "resizing a running pod is not supported",
    "proxy": "proxying through the API server is not supported",
}
_VALIDATION = ("Ignore", "Warn", "Strict")
_UNKNOWN = "the server could not find the requested resource"


class Asked(Struct, frozen=True):
    """A request for a resource that is served, by a user who may."""

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


class Parts(Struct, frozen=True, kw_only=True):
    """What the verbs need beside the backend. `published` are documents by path, for everybody
    (the token issuer's keys)."""

    access: Access
    discovery: Discovery
    documents: Documents
    watches: Watches
    posting: Posting
    streams: Streams
    published: dict[str, Any] = {}


class Dispatcher:
    """The ASGI application."""

    def __init__(self, backend: Backend, parts: Parts) -> None:
        self._backend = backend
        self._parts = parts
        self.ready = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(Request(scope, receive, send))
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)

    async def _http(self, request: Request) -> None:
        try:
            await self._answer(request)
        except ApiStatus as error:
            await request.refuse(error)
        except _NoGroup:
            await request.answer(404, b"404 page not found\n", b"text/plain; charset=utf-8")
        except Gone:
            return
        except RecursionError:
            await request.refuse(BadRequest("the request is nested too deeply"))
        except Exception:
            _log.exception("%s %s failed", request.method, request.path)
            await request.refuse(InternalError("the server failed on this request; see its log"))

    async def _answer(self, request: Request) -> None:
        user = self._parts.access.user(request)
        route = parse(request.path)
        if route is None:
            await self._document(request, user)
            return
        asked = self._find(request, route, user)
        await self._verb(asked)

    def _find(self, request: Request, route: Route, user: User) -> Asked:
        """Authorise, then look whether there is such a resource (in this order, as upstream)."""
        watching = route.watch or (
            request.method == "GET" and not route.subresource and request.asks("watch")
        )
        name, namespace = route.name, route.namespace
        if route.plural == "namespaces" and not route.group:
            namespace = name
        if not name and request.method == "GET":
            # Who lists or watches one name may be allowed just that name, as upstream.
            name = one_name(request.query("fieldSelector"))
        asks = Attributes(
            verb(request.method, route, watching=watching),
            route.group,
            route.plural,
            route.subresource,
            namespace,
            name,
        )
        self._parts.access.check(user, asks)
        resource = self._backend.resources.at(route.group, route.version, route.plural)
        if resource is None:
            if route.group and route.group not in self._backend.resources.groups():
                raise _NoGroup
            raise NotFound(_UNKNOWN)
        if route.namespace and not resource.namespaced:
            raise NotFound(_UNKNOWN)
        return Asked(request, route, resource, user)

    # -- documents ----------------------------------------------------------------------------

    async def _document(self, request: Request, user: User) -> None:
        path = request.path.rstrip("/")
        self._parts.access.check(user, Attributes(request.method.lower(), path=request.path))
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed("the server does not allow this method on the requested path")
        first = path.split("/")[1] if path else ""
        if path == "/version":
            await request.answer(200, orjson.dumps(VERSION))
        elif first in _HEALTH:
            code, text = (200, b"ok") if self.ready or first == "livez" else (503, b"starting")
            await request.answer(code, text, b"text/plain; charset=utf-8")
        elif first == "openapi":
            await self._openapi(request, path)
        elif path in self._parts.published:
            await request.answer(200, orjson.dumps(self._parts.published[path]))
        elif not path:
            paths = ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v3", "/readyz"]
            await request.answer(200, orjson.dumps({"paths": [*paths, "/version"]}))
        else:
            found = self._parts.discovery.document(path, request.header(b"accept"))
            if found is None:
                await request.answer(404, b"404 page not found\n", b"text/plain; charset=utf-8")
                return
            tag = dict(found.headers).get(b"etag")
            if tag and request.headers.get(b"if-none-match") == tag:
                await request.answer(304, b"", found.content_type, found.headers, cache=b"public")
                return
            await request.answer(
                200, found.body, found.content_type, found.headers, cache=b"public"
            )

    async def _openapi(self, request: Request, path: str) -> None:
        parts = path.strip("/").split("/")
        if parts[:2] != ["openapi", "v3"]:
            raise NotFound(_UNKNOWN)
        found = self._parts.documents.serve(parts[2:])
        if found is None:
            raise NotFound(_UNKNOWN)
        body, tag = found
        quoted = b'"%b"' % tag.encode()
        more = [(b"etag", quoted), (b"vary", b"Accept")]
        cache = b"no-cache, private"
        if request.query("hash"):  # the address changes with the document: keep it for ever
            cache = b"public, immutable"
            expires = self._backend.clock.now() + timedelta(days=365)
            more.append((b"expires", format_datetime(expires, usegmt=True).encode()))
        if request.headers.get(b"if-none-match") == quoted:
            await request.answer(304, b"", more=more, cache=cache)
            return
        await request.answer(200, body, more=more, cache=cache)

    # -- verbs --------------------------------------------------------------------------------

    async def _verb(self, asked: Asked) -> None:
        route, method = asked.route, asked.request.method
        if route.subresource:
            await self._subresource(asked)
            return
        handlers: dict[tuple[str, bool], Callable[[Asked], Awaitable[None]]] = {
            ("GET", True): self._get,
            ("HEAD", True): self._get,
            ("GET", False): self._list,
            ("HEAD", False): self._list,
            ("POST", False): self._create,
            ("PUT", True): self._update,
            ("PATCH", True): self._patch,
            ("DELETE", True): self._delete,
            ("DELETE", False): self._delete_collection,
        }
        handler = handlers.get((method, bool(route.name)))
        needs_namespace = asked.resource.namespaced and not route.namespace
        if handler is None or (needs_namespace and (route.name or method == "POST")):
            raise asked.resource.no_such_verb()
        await handler(asked)

    async def _get(self, asked: Asked) -> None:
        request, resource = asked.request, asked.resource
        look = self._look(asked)
        if asked.route.watch or request.asks("watch"):
            await self._watch(asked)
            return
        if "get" not in resource.verbs:
            raise resource.no_such_verb()
        wanted = lists.parse_revision(request.query("resourceVersion"))
        if wanted > self._backend.store.revision:
            raise lists.too_large(wanted, self._backend.store.revision)
        record = self._backend.store.get(resource.key(asked.namespace, asked.name))
        if record is None:
            raise resource.not_found(asked.name)
        if look.form is PLAIN:
            await request.answer(200, resource.present(record.data))
        else:
            await request.answer(200, look.of_bytes(record.data), look.content_type)

    async def _list(self, asked: Asked) -> None:
        request, resource = asked.request, asked.resource
        if asked.route.watch or request.asks("watch"):
            await self._watch(asked)
            return
        if "list" not in resource.verbs:
            raise resource.no_such_verb()
        look = self._look(asked)
        selection = select(
            resource,
            asked.namespace,
            request.query("labelSelector"),
            request.query("fieldSelector"),
        )
        found = lists.page(self._backend, resource, selection, lists.parse_options(request.query))
        await request.answer(200, look.of_page(found), look.content_type)

    async def _watch(self, asked: Asked) -> None:
        request, resource = asked.request, asked.resource
        if "watch" not in resource.verbs:
            raise resource.no_such_verb()
        wanted = watch.parse_options(request.query, request.asks)
        fields = request.query("fieldSelector")
        if asked.name:
            fields = f"metadata.name={asked.name}" + (f",{fields}" if fields else "")
        selection = select(resource, asked.namespace, request.query("labelSelector"), fields)
        look = self._look(asked)
        self._parts.watches.check(wanted)
        key = (resource, asked.namespace, request.query("labelSelector"), fields, look.form,
               look.include)  # fmt: skip
        stream = await request.stream(look.content_type)
        await self._parts.watches.serve(stream, look, selection, wanted, key=key, frame=framed)
        await stream.finish()

    async def _create(self, asked: Asked) -> None:
        resource = asked.resource
        body, twice, call = await self._decoded(asked, resource.object_kind)
        if "get" not in resource.verbs:
            await self._post_review(asked, body, call)
            return
        stored = await create(
            self._backend, resource, asked.namespace, body, call, duplicated=twice
        )
        await self._stored(asked, 201, stored, call)

    async def _post_review(self, asked: Asked, body: Manifest, call: Call) -> None:
        if asked.resource.object_kind == "Binding":
            pods = self._backend.resources.at("", "v1", "pods")
            name = (body.get("metadata") or {}).get("name") or ""
            assert pods is not None
            key = pods.key(asked.namespace, name)
            answer = await self._parts.posting.subresource(pods, key, "binding", body, call)
        else:
            answer = self._parts.posting.reviewed(asked.resource, asked.namespace, body, call)
        await asked.request.answer(201, orjson.dumps(answer), more=warnings(call.warnings))

    async def _update(self, asked: Asked, subresource: str = "") -> None:
        body, twice, call = await self._decoded(asked, asked.resource.object_kind)
        stored = await update(
            self._backend,
            asked.resource,
            asked.namespace,
            asked.name,
            body,
            call,
            subresource=subresource,
            duplicated=twice,
        )
        await self._stored(asked, 200, stored, call)

    async def _patch(self, asked: Asked, subresource: str = "") -> None:
        request = asked.request
        type_, change = patch.decode(await request.body(), request.content_type, asked.resource)
        call = self._call(asked, applying=type_ == "apply")
        stored, created = await patch.patch(
            self._backend,
            asked.resource,
            asked.namespace,
            asked.name,
            change,
            call,
            type=type_,
            subresource=subresource,
        )
        await self._stored(asked, 201 if created else 200, stored, call)

    async def _delete(self, asked: Asked) -> None:
        request = asked.request
        how = options(await self._delete_options(request))
        call = self._call(asked)
        stored = await delete(self._backend, asked.resource, asked.namespace, asked.name, how, call)
        if stored.manifest["kind"] == "Status":
            await request.answer(200, stored.data, more=warnings(call.warnings))
        else:
            await self._stored(asked, 200, stored, call)

    async def _delete_collection(self, asked: Asked) -> None:
        request, resource = asked.request, asked.resource
        if "deletecollection" not in resource.verbs:
            raise resource.no_such_verb()
        selection = select(
            resource,
            asked.namespace,
            request.query("labelSelector"),
            request.query("fieldSelector"),
        )
        how = options(await self._delete_options(request))
        found = lists.page(self._backend, resource, selection, lists.parse_options(request.query))
        await delete_collection(self._backend, resource, found.records, how, self._call(asked))
        look = self._look(asked)
        await request.answer(200, look.of_page(found), look.content_type)

    async def _delete_options(self, request: Request) -> dict[str, Any]:
        """From the body, or else from the query."""
        given: dict[str, Any] = {}
        body = await request.body()
        if body.strip():
            given, _ = bodies.decode(body, request.content_type, "DeleteOptions")
        if request.query("gracePeriodSeconds") and "gracePeriodSeconds" not in given:
            try:
                given["gracePeriodSeconds"] = int(request.query("gracePeriodSeconds"))
            except ValueError:
                raise BadRequest("gracePeriodSeconds must be an integer") from None
        if request.query("propagationPolicy"):
            given.setdefault("propagationPolicy", request.query("propagationPolicy"))
        if request.query("orphanDependents"):
            given.setdefault("orphanDependents", request.asks("orphanDependents"))
        if request.queries("dryRun"):
            given.setdefault("dryRun", request.queries("dryRun"))
        return given

    # -- subresources -------------------------------------------------------------------------

    async def _subresource(self, asked: Asked) -> None:
        sub, method, resource = asked.route.subresource, asked.request.method, asked.resource
        if sub in _REFUSED and resource.object_kind in ("Pod", "Service", "Node"):
            raise _Refused(_REFUSED[sub])
        if sub not in resource.subresources or asked.route.rest:
            raise NotFound(_UNKNOWN)
        if resource.namespaced and not asked.namespace:
            raise resource.no_such_verb()
        if sub == "log" and method == "GET":
            await self._parts.streams.logs(asked.request, asked.namespace, asked.name)
        elif sub in _WEBSOCKETS:
            key = resource.key(asked.namespace, asked.name)
            raise self._parts.streams.refuse_plain(asked.request, key, sub)
        elif sub == "scale":
            await self._scale(asked)
        elif method == "POST":
            await self._post(asked)
        else:
            await self._part(asked)

    async def _part(self, asked: Asked) -> None:
        """A subresource that is a part of the object: status, finalize."""
        sub, method = asked.route.subresource, asked.request.method
        if method in ("GET", "HEAD") and sub == "status":
            await self._get(asked)
        elif method == "PUT":
            await self._update(asked, sub)
        elif method == "PATCH" and sub == "status":
            await self._patch(asked, sub)
        else:
            raise asked.resource.no_such_verb()

    async def _post(self, asked: Asked) -> None:
        sub = asked.resource.subresources[asked.route.subresource]
        if "create" not in sub.verbs:
            raise asked.resource.no_such_verb()
        body, _, call = await self._decoded(asked, sub.kind)
        key = asked.resource.key(asked.namespace, asked.name)
        answer = await self._parts.posting.subresource(asked.resource, key, sub.name, body, call)
        await asked.request.answer(201, orjson.dumps(answer), more=warnings(call.warnings))

    async def _scale(self, asked: Asked) -> None:
        request, resource = asked.request, asked.resource
        place = (self._backend, resource, asked.namespace, asked.name)
        if request.method in ("GET", "HEAD"):
            answer = scale.read(*place)
        elif request.method == "PUT":
            body, _, call = await self._decoded(asked, "Scale")
            answer = await scale.write(*place, body, call)
        elif request.method == "PATCH":
            type_, change = patch.decode(await request.body(), request.content_type, resource)
            answer = await scale.patch(*place, change, self._call(asked), type=type_)
        else:
            raise resource.no_such_verb()
        await request.answer(200, orjson.dumps(answer))

    # -- pieces -------------------------------------------------------------------------------

    def _look(self, asked: Asked) -> Look:
        form = accepted(asked.request.header(b"accept"))
        include = asked.request.query("includeObject") or "Metadata"
        if include not in ("None", "Metadata", "Object"):
            fault = unsupported("includeObject", include, ("None", "Metadata", "Object"))
            raise Invalid.of("TableOptions", "meta.k8s.io", "", [fault])
        return Look(self._backend, asked.resource, form, include)  # type: ignore[arg-type]

    async def _decoded(self, asked: Asked, kind: str) -> tuple[Manifest, list[str], Call]:
        request = asked.request
        accepted(request.header(b"accept"))
        call = self._call(asked)
        body, twice = bodies.decode(await request.body(), request.content_type, kind)
        return body, twice, call

    def _call(self, asked: Asked, *, applying: bool = False) -> Call:
        request = asked.request
        validation = request.query("fieldValidation") or "Warn"
        if validation not in _VALIDATION:
            fault = unsupported("fieldValidation", validation, ("", *_VALIDATION))
            raise Invalid.of("CreateOptions", "meta.k8s.io", "", [fault])
        manager = request.query("fieldManager")
        if not manager and not applying:
            manager = request.header(b"user-agent").partition("/")[0] or "unknown"
        return Call(
            user=asked.user,
            manager=manager[:128],
            dry_run=dry_run(request.queries("dryRun")),
            validation=validation,  # type: ignore[arg-type]
            force=request.asks("force"),
        )

    async def _stored(self, asked: Asked, code: int, stored: Stored, call: Call) -> None:
        request = asked.request
        more = warnings(call.warnings)
        header = request.headers.get(b"accept")
        if header is None or header in _SIMPLE:
            await request.answer(code, asked.resource.present(stored.data), more=more)
            return
        look = self._look(asked)
        await request.answer(code, look.of_bytes(stored.data), look.content_type, more)

    # -- websockets ---------------------------------------------------------------------------

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope | {"method": "GET"}, receive, send)
        try:
            user = self._parts.access.user(request)
            route = parse(request.path)
            if route is None:
                raise NotFound(_UNKNOWN)
            asked = self._find(request, route, user)
            if route.subresource in _REFUSED:
                raise _Refused(_REFUSED[route.subresource])
            if route.subresource not in _WEBSOCKETS or asked.resource.object_kind != "Pod":
                raise BadRequest("only exec and attach are served over websocket")
            await self._parts.streams.websocket(
                scope,
                receive,
                send,
                request=request,
                key=asked.resource.key(asked.namespace, asked.name),
                subresource=route.subresource,
            )
        except ApiStatus as error:
            await _deny(send, error)
        except Exception:
            _log.exception("websocket %s failed", request.path)
            await _deny(send, InternalError("the server failed on this request; see its log"))


_SIMPLE = frozenset({b"*/*", b"application/json", b"application/json, */*"})


class _NoGroup(Exception):
    """A group that nobody serves: a real server answers with plain text."""


class _Refused(BadRequest):
    """Something that Kubernetes has and Sampan does not."""


async def _deny(send: Send, error: ApiStatus) -> None:
    """Answer a websocket handshake with a Status."""
    body = orjson.dumps(error.status())
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    start = {"type": "websocket.http.response.start", "status": error.code, "headers": headers}
    await send(start)
    await send({"type": "websocket.http.response.body", "body": body})
