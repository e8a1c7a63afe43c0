"""Dispatch: from an ASGI scope to whoever answers it.

    authenticate -> route -> authorise -> find the resource -> paths | endpoints | subresources

Whatever is raised becomes a Status; a fault of ours is logged and becomes a 500 that says no more
than that.
"""

from __future__ import annotations

import logging
from time import perf_counter

import msgspec
import orjson

from sampan.apiserver.access import Access
from sampan.apiserver.asked import UNKNOWN, Asked
from sampan.apiserver.backend import Backend
from sampan.apiserver.endpoints import Endpoints
from sampan.apiserver.http import Gone, Receive, Request, Scope, Send
from sampan.apiserver.observe import Requests
from sampan.apiserver.paths import Paths
from sampan.apiserver.routing import Route, parse, verb
from sampan.apiserver.selecting import one_name
from sampan.apiserver.sockets import with_token
from sampan.apiserver.subresources import UPGRADED, Subresources, refuse
from sampan.kube.access import Attributes, User
from sampan.kube.errors import ApiStatus, BadRequest, InternalError, NotFound

_log = logging.getLogger(__name__)


class Dispatcher:
    """The ASGI application."""

    def __init__(
        self,
        backend: Backend,
        access: Access,
        paths: Paths,
        endpoints: Endpoints,
        subresources: Subresources,
        requests: Requests,
    ) -> None:
        self._backend = backend
        self._access = access
        self._paths = paths
        self._endpoints = endpoints
        self._subresources = subresources
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            began = perf_counter()
            request = Request(scope, receive, send)
            await self._http(request)
            self._requests.done(request, perf_counter() - began)
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
        request.user = user = self._access.user(request)
        route = parse(request.path)
        if route is None:
            request.about = Attributes(request.method.lower(), path=request.path)
            self._access.check(user, request.about)
            await self._paths.serve(request)
            return
        asked = self._find(request, route, user)
        if route.subresource:
            await self._subresources.serve(asked)
        else:
            await self._endpoints.serve(asked)

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
        request.about = asks
        self._access.check(user, asks)
        if route.subresource in UPGRADED and asks.verb != "create":
            # Who may only read does not get into a pod, whatever method carries the upgrade
            # (upstream since 1.35).
            self._access.check(user, msgspec.structs.replace(asks, verb="create"))
        resource = self._backend.resources.at(route.group, route.version, route.plural)
        if resource is None:
            if route.group and route.group not in self._backend.resources.groups():
                raise _NoGroup
            raise NotFound(UNKNOWN)
        if route.namespace and not resource.namespaced:
            raise NotFound(UNKNOWN)
        request.version = route.version
        return Asked(self._backend, request, route, resource, user)

    # -- websockets ---------------------------------------------------------------------------

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope | {"method": "GET"}, receive, send)
        try:
            scope = with_token(scope)
            request = Request(scope | {"method": "GET"}, receive, send)
            request.user = user = self._access.user(request)
            route = parse(request.path)
            if route is None:
                raise NotFound(UNKNOWN)
            request.code = 101
            asked = self._find(request, route, user)
            refuse(asked.resource, route.subresource)
            streamed = route.subresource in (*UPGRADED, "log")
            if not streamed or asked.resource.object_kind != "Pod":
                await self._endpoints.watch_over_websocket(asked, receive, send)
                return
            if route.subresource in UPGRADED:
                await self._subresources.connect(asked)
            await self._subresources.streams.websocket(
                scope,
                receive,
                send,
                request=request,
                key=asked.key,
                subresource=route.subresource,
            )
        except ApiStatus as error:
            request.code = error.code
            await _deny(send, error)
        except _NoGroup:
            request.code = 404
            await _deny(send, NotFound(UNKNOWN))
        except Exception:
            request.code = 500
            _log.exception("websocket %s failed", request.path)
            await _deny(send, InternalError("the server failed on this request; see its log"))
        finally:
            self._requests.done(request, 0.0)


class _NoGroup(Exception):
    """A group that nobody serves: a real server answers with plain text."""


async def _deny(send: Send, error: ApiStatus) -> None:
    """Answer a websocket handshake with a Status."""
    body = orjson.dumps(error.status())
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    start = {"type": "websocket.http.response.start", "status": error.code, "headers": headers}
    await send(start)
    await send({"type": "websocket.http.response.body", "body": body})
