"""Endpoints: the verbs on objects and collections, from a request to its answer over HTTP.

The rules of each verb are in its own file; here queries and bodies become arguments, and results
become the form that the client wants.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from sampan.apiserver import admission, bodies, lists, patch, watch
from sampan.apiserver.asked import Asked
from sampan.apiserver.backend import Backend
from sampan.apiserver.calls import Call
from sampan.apiserver.create import create
from sampan.apiserver.delete import delete, delete_collection, options
from sampan.apiserver.forms import PLAIN
from sampan.apiserver.http import Receive, Request, Send, framed, warnings
from sampan.apiserver.posting import Posting
from sampan.apiserver.reviews import Reviews
from sampan.apiserver.routing import verb
from sampan.apiserver.selecting import select
from sampan.apiserver.sockets import Messages
from sampan.apiserver.update import update
from sampan.apiserver.waiting import until_either
from sampan.apiserver.watch import Watches
from sampan.kube.errors import BadRequest, NotAcceptable
from sampan.kube.keys import Manifest

_plain: Callable[[bytes], bytes] = lambda data: data  # noqa: E731
_WRITES = ("POST", "PUT", "PATCH", "DELETE")


class Endpoints:
    def __init__(
        self, backend: Backend, watches: Watches, posting: Posting, reviews: Reviews
    ) -> None:
        self._backend = backend
        self._watches = watches
        self._posting = posting
        self._reviews = reviews
        self._handlers: dict[tuple[str, bool], Callable[[Asked], Awaitable[None]]] = {
            ("GET", True): self.get,
            ("HEAD", True): self.get,
            ("GET", False): self._list,
            ("HEAD", False): self._list,
            ("POST", False): self._create,
            ("PUT", True): self.update,
            ("PATCH", True): self.patch,
            ("DELETE", True): self._delete,
            ("DELETE", False): self._delete_collection,
        }

    async def serve(self, asked: Asked) -> None:
        route, method = asked.route, asked.request.method
        handler = self._handlers.get((method, bool(route.name)))
        needs_namespace = asked.resource.namespaced and not route.namespace
        if handler is None or (needs_namespace and (route.name or method == "POST")):
            raise asked.resource.no_such_verb()
        if method in _WRITES and verb(method, route, watching=False) not in asked.resource.verbs:
            raise asked.resource.no_such_verb()
        await handler(asked)

    async def get(self, asked: Asked) -> None:
        request, resource = asked.request, asked.resource
        look = asked.look()
        if asked.route.watch or request.asks("watch"):
            await self._watch(asked)
            return
        if "get" not in resource.verbs:
            raise resource.no_such_verb()
        wanted = lists.parse_revision(request.query("resourceVersion"))
        if wanted > self._backend.store.revision:
            raise lists.too_large(wanted, self._backend.store.revision)
        await self._backend.refresh(resource)
        record = self._backend.record(resource.key(asked.namespace, asked.name))
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
        look = asked.look()
        selection = select(
            resource,
            asked.namespace,
            request.query("labelSelector"),
            request.query("fieldSelector"),
        )
        options = lists.parse_options(request.query)
        await self._backend.refresh(resource)
        found = lists.page(self._backend, resource, selection, options)
        await request.answer(200, look.of_page(found), look.content_type)

    async def _watch(self, asked: Asked) -> None:
        wanted = self._watched(asked)
        stream = await asked.request.stream(wanted.look.content_type)
        await self._watches.serve(stream, wanted, frame=framed)
        await stream.finish()

    async def watch_over_websocket(self, asked: Asked, receive: Receive, send: Send) -> None:
        """A watch whose events are messages. What is refused is refused before the handshake."""
        if not (asked.route.watch or asked.request.asks("watch")) or asked.route.subresource:
            raise BadRequest("only watches, exec, attach and portforward are served over websocket")
        wanted = self._watched(asked)
        offered = asked.request.scope.get("subprotocols") or (None,)
        await receive()
        await send({"type": "websocket.accept", "subprotocol": offered[0]})
        out = Messages(receive, send)
        await until_either(out.run(), self._watches.serve(out, wanted, frame=_plain))
        with contextlib.suppress(Exception):
            await send({"type": "websocket.close", "code": 1000})

    def _watched(self, asked: Asked) -> watch.Wanted:
        """What a watch is for. Raises whatever is wrong with it."""
        request, resource = asked.request, asked.resource
        if "watch" not in resource.verbs or (resource.namespaced and asked.name
                                             and not asked.namespace):  # fmt: skip
            raise resource.no_such_verb()
        options = watch.parse_options(request.query, request.asks)
        fields = request.query("fieldSelector")
        if asked.name:
            fields = f"metadata.name={asked.name}" + (f",{fields}" if fields else "")
        selection = select(resource, asked.namespace, request.query("labelSelector"), fields)
        look = asked.look()
        self._watches.check(options)
        key = (resource, asked.namespace, request.query("labelSelector"), fields, look.form,
               look.include)  # fmt: skip
        return watch.Wanted(look, selection, options, key)

    async def _create(self, asked: Asked) -> None:
        resource = asked.resource
        body, twice, call = await asked.decoded(resource.object_kind)
        if "get" not in resource.verbs:
            admission.check(resource, body, call, twice)
            await self._post_review(asked, body, call)
            return
        stored = await create(
            self._backend, resource, asked.namespace, body, call, duplicated=twice
        )
        await asked.answer_stored(201, stored, call)

    async def _post_review(self, asked: Asked, body: Manifest, call: Call) -> None:
        if asked.look().form.shape != "object":
            raise NotAcceptable("an answer that is not stored is shown as it is, in JSON only")
        if asked.resource.object_kind == "Binding":
            pods = self._backend.resources.at("", "v1", "pods")
            name = (body.get("metadata") or {}).get("name") or ""
            assert pods is not None
            key = pods.key(asked.namespace, name)
            answer = await self._posting.subresource(pods, key, "binding", body, call)
        else:
            answer = self._reviews.reviewed(asked.resource, asked.namespace, body, call)
        await asked.request.answer(201, orjson.dumps(answer), more=warnings(call.warnings))

    async def update(self, asked: Asked, subresource: str = "") -> None:
        body, twice, call = await asked.decoded(asked.resource.object_kind)
        stored, created = await update(
            self._backend,
            asked.resource,
            asked.namespace,
            asked.name,
            body,
            call,
            subresource=subresource,
            duplicated=twice,
        )
        await asked.answer_stored(201 if created else 200, stored, call)

    async def patch(self, asked: Asked, subresource: str = "") -> None:
        request = asked.request
        type_, change, twice = patch.decode(
            await request.body(), request.content_type, asked.resource
        )
        call = asked.call(applying=type_ == "apply")
        stored, created = await patch.patch(
            self._backend,
            asked.resource,
            asked.namespace,
            asked.name,
            change,
            call,
            type=type_,
            subresource=subresource,
            duplicated=twice,
        )
        await asked.answer_stored(201 if created else 200, stored, call)

    async def _delete(self, asked: Asked) -> None:
        request = asked.request
        how = options(await _delete_options(request))
        call = asked.call()
        stored = await delete(self._backend, asked.resource, asked.namespace, asked.name, how, call)
        if stored.manifest["kind"] == "Status":
            await request.answer(200, stored.data, more=warnings(call.warnings))
        else:
            await asked.answer_stored(200, stored, call)

    async def _delete_collection(self, asked: Asked) -> None:
        request, resource = asked.request, asked.resource
        selection = select(
            resource,
            asked.namespace,
            request.query("labelSelector"),
            request.query("fieldSelector"),
        )
        how = options(await _delete_options(request))
        found = lists.page(self._backend, resource, selection, lists.parse_options(request.query))
        await delete_collection(self._backend, resource, found.records, how, asked.call())
        look = asked.look()
        await request.answer(200, look.of_page(found), look.content_type)


async def _delete_options(request: Request) -> dict[str, Any]:
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
