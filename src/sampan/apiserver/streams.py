"""Logs, exec, attach and port-forward: who may have which stream of which pod, and over what.

Here a request is checked against its pod, the protocol is agreed and the connection taken over;
`commands` and `portforward` then move the bytes between it and `sampan.kube.streams`.
Upstream: k8s.io/apimachinery pkg/util/remotecommand,
k8s.io/kubernetes pkg/registry/core/pod/strategy.go (LogLocation).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from datetime import timedelta
from typing import Any

from sampan.apiserver import commands, portforward
from sampan.apiserver.backend import Backend
from sampan.apiserver.http import Gone, Receive, Request, Scope, Send
from sampan.apiserver.pipes import Messages, Socket
from sampan.apiserver.waiting import until_either
from sampan.kube import names
from sampan.kube.errors import BadRequest, Forbidden, Invalid, NotFound, invalid
from sampan.kube.keys import Key, Manifest
from sampan.kube.streams import Link, LogOptions, NodeAgent, Process
from sampan.kube.times import parse

_log = logging.getLogger(__name__)

SPDY = "SPDY/3.1"
# Seconds. What comes on the heels of the handshake was seen to get lost in kubectl 1.31 (an empty
# answer with exit code 0): the client seems to read before it has made its streams.
_CLIENT_SETTLES = 0.02
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


class Streams:
    """What needs the node that runs a pod."""

    def __init__(self, backend: Backend, node: NodeAgent | None) -> None:
        self._backend = backend
        self.node = node

    # -- logs ---------------------------------------------------------------------------------

    async def logs(self, request: Request, namespace: str, name: str) -> None:
        """GET pods/log."""
        pod = self._pod(namespace, name)
        options = self._log_options(request, pod)
        chunks = await self.agent().logs(pod, options)
        headers = [(b"content-type", b"text/plain"), (b"cache-control", b"no-cache, private")]
        request.code = 200
        await request.send({"type": "http.response.start", "status": 200, "headers": headers})
        await until_either(_send_all(request, chunks), request.gone())

    async def _logs_in_messages(
        self, offered: Sequence[str], receive: Receive, send: Send, *, request: Request, key: Key
    ) -> None:
        pod = self._pod(key.namespace, key.name)
        options = self._log_options(request, pod)
        protocol = _chosen(offered, ("binary.k8s.io", "base64.binary.k8s.io"))
        chunks = await self.agent().logs(pod, options)
        await receive()
        await send({"type": "websocket.accept", "subprotocol": protocol})

        async def say() -> None:
            async for chunk in chunks:
                coded = protocol == "base64.binary.k8s.io"
                said = {"text": base64.b64encode(chunk).decode()} if coded else {"bytes": chunk}
                await send({"type": "websocket.send", **said})

        with contextlib.suppress(OSError):  # the client has left while it was spoken to
            await until_either(say(), _left(receive))
        with contextlib.suppress(Exception):
            await send({"type": "websocket.close", "code": 1000})

    def _log_options(self, request: Request, pod: Manifest) -> LogOptions:
        tail, limit = _number(request, "tailLines"), _number(request, "limitBytes")
        if tail is not None and tail < 0:
            fault = invalid("tailLines", tail, "must be greater than or equal to 0")
            raise Invalid.of("PodLogOptions", "", pod["metadata"]["name"], [fault])
        if limit is not None and limit < 1:
            fault = invalid("limitBytes", limit, "must be greater than 0")
            raise Invalid.of("PodLogOptions", "", pod["metadata"]["name"], [fault])
        seconds = _number(request, "sinceSeconds")
        since = None
        if seconds is not None:
            since = self._backend.clock.now() - timedelta(seconds=min(seconds, 1 << 31))
        elif moment := request.query("sinceTime"):
            try:
                since = parse(moment)
            except ValueError:
                raise BadRequest(f'sinceTime: "{moment}" is not a time (RFC 3339)') from None
        return LogOptions(
            container=container_of(pod, request.query("container")),
            follow=request.asks("follow"),
            previous=request.asks("previous"),
            timestamps=request.asks("timestamps"),
            since=since,
            tail=tail,
            limit_bytes=limit,
        )

    # -- exec, attach, port-forward -----------------------------------------------------------

    async def over_spdy(self, request: Request, key: Key, subresource: str) -> None:
        """An upgrade to SPDY/3.1; what is no upgrade is refused."""
        if request.header(b"upgrade").upper() != SPDY or request.method not in ("GET", "POST"):
            raise BadRequest(f"Upgrade request required: {subresource} is a websocket or {SPDY}")
        if subresource == "portforward":
            dial = self._dial(key)
            pipe = _upgraded(request, (portforward.PROTOCOL,))
            await _and_close(portforward.over_spdy(pipe, dial), pipe)
            return
        protocol = _offered(request, commands.SPDY_PROTOCOLS)
        process = await self._start(request, key, subresource)
        wanted = commands.Wanted.of(request.asks, protocol)
        try:
            pipe = _upgraded(request, commands.SPDY_PROTOCOLS)
            await _and_close(commands.over_spdy(pipe, process, wanted), pipe)
        finally:
            await process.kill()

    async def websocket(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        request: Request,
        key: Key,
        subresource: str,
    ) -> None:
        """GET pods/log, pods/exec, pods/attach or pods/portforward as a websocket."""
        offered = scope.get("subprotocols", ())
        if subresource == "log":
            await self._logs_in_messages(offered, receive, send, request=request, key=key)
            return
        if subresource == "portforward":
            await self._forward(offered, receive, send, request=request, key=key)
            return
        protocol = _chosen(offered, commands.DIALECTS)
        process = await self._start(request, key, subresource)
        try:
            await receive()
            await send({"type": "websocket.accept", "subprotocol": protocol})
            await asyncio.sleep(_CLIENT_SETTLES)
            dialect = commands.DIALECTS[protocol or "channel.k8s.io"]
            await commands.over_websocket(receive, send, process, dialect)
        finally:
            await process.kill()
            with contextlib.suppress(Exception):
                await send({"type": "websocket.close", "code": 1000})

    async def _forward(
        self, offered: Sequence[str], receive: Receive, send: Send, *, request: Request, key: Key
    ) -> None:
        dial = self._dial(key)
        protocol = _chosen(offered, portforward.SUBPROTOCOLS)
        ports = [] if protocol == portforward.TUNNEL else portforward.ports(request)
        await receive()
        await send({"type": "websocket.accept", "subprotocol": protocol})
        try:
            if protocol == portforward.TUNNEL:
                await portforward.over_spdy(Messages(receive, send), dial)
            else:
                await portforward.over_websocket(receive, send, ports, dial)
        finally:
            with contextlib.suppress(Exception):
                await send({"type": "websocket.close", "code": 1000})

    def _dial(self, key: Key) -> portforward.Dial:
        """What connects to a port of this very pod, for as long as there is one."""
        uid = self._placed(key)["metadata"]["uid"]

        async def dial(port: int) -> Link:
            pod = self._pod(key.namespace, key.name)
            if pod["metadata"]["uid"] != uid:
                raise NotFound(f"pod {key.name} is another one by now")
            return await self.agent().dial(pod, port)

        return dial

    def _placed(self, key: Key) -> Manifest:
        pod = self._pod(key.namespace, key.name)
        if not pod["spec"].get("nodeName"):
            raise BadRequest(f"pod {key.name} does not have a host assigned")
        self.agent()
        return pod

    def _container(self, request: Request, key: Key) -> tuple[Manifest, str]:
        container = container_of(self._pod(key.namespace, key.name), request.query("container"))
        return self._placed(key), container

    async def _start(self, request: Request, key: Key, subresource: str) -> Process:
        pod, container = self._container(request, key)
        stdin, tty = request.asks("stdin"), request.asks("tty")
        if subresource == "attach":
            return await self.agent().attach(pod, container, stdin=stdin, tty=tty)
        command = request.queries("command")
        if not command:
            fault = "you must specify at least 1 command"
            raise BadRequest(f"PodExecOptions: command: {fault}")
        return await self.agent().execute(pod, container, command, stdin=stdin, tty=tty)

    def _pod(self, namespace: str, name: str) -> Manifest:
        pod = self._backend.get(Key(names.POD, namespace, name))
        if pod is None:
            resource = self._backend.resources.stored(names.POD)
            assert resource is not None
            raise resource.not_found(name)
        return pod

    def agent(self) -> NodeAgent:
        """Raises BadRequest when there is none."""
        if self.node is None:
            raise BadRequest("no node of this cluster runs pods")
        return self.node


def container_of(pod: Manifest, wanted: str) -> str:
    """The container that is meant. Raises BadRequest when that is not clear."""
    name = pod["metadata"]["name"]
    found: dict[str, list[str]] = {
        group: [c["name"] for c in pod["spec"].get(group) or ()] for group in _CONTAINERS
    }
    everything = [each for group in found.values() for each in group]
    if wanted:
        if wanted not in everything:
            raise BadRequest(f"container {wanted} is not valid for pod {name}")
        return wanted
    main, initial, added = found.values()
    if len(everything) == 1:
        return everything[0]
    chosen = (pod["metadata"].get("annotations") or {}).get(_DEFAULT_CONTAINER)
    if chosen in main:
        return str(chosen)
    text = f"a container name must be specified for pod {name}, choose one of: [{' '.join(main)}]"
    if initial:
        text += f" or one of the init containers: [{' '.join(initial)}]"
    if added:
        text += f" or one of the ephemeral containers: [{' '.join(added)}]"
    raise BadRequest(text)


def _chosen(offered: Sequence[str], known: Iterable[str]) -> str | None:
    """The best subprotocol that both speak; None when the client offers none at all."""
    found = next((each for each in known if each in offered), None)
    if offered and found is None:
        raise BadRequest(f"the websocket must offer one of {', '.join(known)}, or none")
    return found


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "websocket.disconnect":
        pass


def _offered(request: Request, known: Sequence[str]) -> str:
    """The first protocol that the client offers and that is known; "" when it offers none.
    Raises Forbidden, as upstream, when there is none among those that it offers."""
    lines = request.every_header(b"x-stream-protocol-version")
    offered = [each.strip() for line in lines for each in line.split(",")]
    for each in offered:
        if each in known:
            return each
    if offered:
        raise Forbidden(f"unable to negotiate a protocol: the server knows {', '.join(known)}")
    return ""


def _upgraded(request: Request, known: Sequence[str]) -> Socket:
    protocol = _offered(request, known)
    more = [(b"x-stream-protocol-version", protocol.encode())] if protocol else []
    try:
        return request.upgrade(SPDY, more)
    except ConnectionError:
        raise Gone from None


async def _and_close(serving: Coroutine[Any, Any, None], socket: Socket) -> None:
    """Nothing that goes wrong may be answered over HTTP any more."""
    try:
        await serving
    except Exception:
        _log.exception("an upgraded connection broke")
    finally:
        await socket.close()


async def _send_all(request: Request, chunks: AsyncIterator[bytes]) -> None:
    async for chunk in chunks:
        await request.send({"type": "http.response.body", "body": chunk, "more_body": True})
        await asyncio.sleep(0)  # a container may write faster than we do: others have a turn, too
    await request.send({"type": "http.response.body", "body": b""})


def _number(request: Request, name: str) -> int | None:
    text = request.query(name)
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise BadRequest(f'{name}: strconv.ParseInt: parsing "{text}": invalid syntax') from None
