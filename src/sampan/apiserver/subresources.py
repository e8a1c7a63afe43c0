"""Subresources over HTTP: parts of an object (status, scale), what is posted to it, its streams."""

from __future__ import annotations

from typing import Any

import orjson

from sampan.apiserver import admission, patch, scale
from sampan.apiserver.asked import UNKNOWN, Asked
from sampan.apiserver.attempts import Attempt, admit
from sampan.apiserver.backend import Backend
from sampan.apiserver.calls import Call
from sampan.apiserver.endpoints import Endpoints
from sampan.apiserver.http import warnings
from sampan.apiserver.posting import Posting
from sampan.apiserver.proxy.handler import Proxy
from sampan.apiserver.resources import Resource
from sampan.apiserver.streams import Streams
from sampan.kube.errors import BadRequest, NotFound

UPGRADED = ("exec", "attach", "portforward")
_REFUSED = {
    "resize": "resizing a running pod is not supported",
    "proxy": "there is no kubelet behind this node's address to proxy to; pods and services have"
    " proxies",
}

_PARTS = {"GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch"}


def refuse(resource: Resource, subresource: str) -> None:
    """Raise BadRequest for something that Kubernetes has and Sampan does not."""
    proxied = subresource in resource.subresources
    if subresource in _REFUSED and resource.object_kind in ("Pod", "Node") and not proxied:
        raise BadRequest(_REFUSED[subresource])


_CONNECTED = {
    "exec": "PodExecOptions",
    "attach": "PodAttachOptions",
    "portforward": "PodPortForwardOptions",
    "proxy": "PodProxyOptions",
}


class Subresources:
    def __init__(
        self, backend: Backend, endpoints: Endpoints, posting: Posting, streams: Streams
    ) -> None:
        self._backend = backend
        self._endpoints = endpoints
        self._posting = posting
        self.streams = streams
        self._proxy = Proxy(backend, streams)

    async def serve(self, asked: Asked) -> None:
        sub, method, resource = asked.route.subresource, asked.request.method, asked.resource
        refuse(resource, sub)
        if sub not in resource.subresources or (asked.route.rest and sub != "proxy"):
            raise NotFound(UNKNOWN)
        if resource.namespaced and not asked.namespace:
            raise resource.no_such_verb()
        if sub == "proxy" or sub in UPGRADED:
            await self.connect(asked)
        if sub == "proxy":
            await self._proxy.serve(asked)
            return
        if sub == "log" and method == "GET":
            await self.streams.logs(asked.request, asked.namespace, asked.name)
        elif sub in UPGRADED:
            await self.streams.over_spdy(asked.request, asked.key, sub)
        elif sub == "scale":
            await self._scale(asked)
        elif method == "POST":
            await self._post(asked)
        else:
            await self._part(asked)

    async def connect(self, asked: Asked) -> None:
        """Let webhooks and policies see a connection to an object. Raises ApiStatus."""
        if not self._backend.hooks.active:
            return
        sub, request = asked.route.subresource, asked.request
        options: dict[str, Any] = {"kind": _CONNECTED[sub], "apiVersion": "v1"}
        if asked.resource.object_kind != "Pod":
            options["kind"] = options["kind"].replace("Pod", asked.resource.object_kind)
        options |= {
            word: True for word in ("stdin", "stdout", "stderr", "tty") if request.asks(word)
        }
        if container := request.query("container"):
            options["container"] = container
        if command := request.queries("command"):
            options["command"] = list(command)
        attempt = Attempt(
            operation="CONNECT",
            resource=asked.resource,
            namespace=asked.namespace,
            name=asked.name,
            call=Call(user=asked.user),
            object=options,
            subresource=sub,
            kind=("", "v1", options["kind"]),
        )
        await admit(self._backend.hooks, attempt)

    async def _part(self, asked: Asked) -> None:
        """A subresource that is a part of the object: status, finalize, ephemeralcontainers."""
        sub, method = asked.resource.subresources[asked.route.subresource], asked.request.method
        if _PARTS.get(method) not in sub.verbs:
            raise asked.resource.no_such_verb()
        if method == "PUT":
            await self._endpoints.update(asked, sub.name)
        elif method == "PATCH":
            await self._endpoints.patch(asked, sub.name)
        else:
            await self._endpoints.get(asked)

    async def _post(self, asked: Asked) -> None:
        sub = asked.resource.subresources[asked.route.subresource]
        if "create" not in sub.verbs:
            raise asked.resource.no_such_verb()
        body, twice, call = await asked.decoded(sub.kind)
        admission.check_posted(sub, body, call, twice)
        answer = await self._posting.subresource(asked.resource, asked.key, sub.name, body, call)
        await asked.request.answer(201, orjson.dumps(answer), more=warnings(call.warnings))

    async def _scale(self, asked: Asked) -> None:
        request, resource = asked.request, asked.resource
        place = (self._backend, resource, asked.namespace, asked.name)
        if request.method in ("GET", "HEAD"):
            answer = scale.read(*place)
        elif request.method == "PUT":
            body, _, call = await asked.decoded("Scale")
            answer = await scale.write(*place, body, call)
        elif request.method == "PATCH":
            type_, change, _ = patch.decode(await request.body(), request.content_type, resource)
            answer = await scale.patch(*place, change, asked.call(), type=type_)
        else:
            raise resource.no_such_verb()
        await request.answer(200, orjson.dumps(answer))
