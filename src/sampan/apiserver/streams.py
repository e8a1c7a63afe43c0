"""Logs, exec and attach: bytes between a client and the node, through `sampan.kube.streams`.

Commands travel over a websocket, first byte = channel: 0 stdin, 1 stdout, 2 stderr, 3 the outcome
as a Status, 4 a new terminal size; with v5 also 255, which closes the channel that follows.
SPDY/3.1 and port-forward are refused in words.
Upstream: k8s.io/apimachinery pkg/util/remotecommand,
k8s.io/kubernetes pkg/registry/core/pod/strategy.go (LogLocation).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine
from datetime import timedelta
from typing import Any

import orjson

from sampan.apiserver.backend import Backend
from sampan.apiserver.http import Receive, Request, Scope, Send
from sampan.kube import names
from sampan.kube.errors import ApiStatus, BadRequest, InternalError, Invalid, invalid
from sampan.kube.keys import Key, Manifest
from sampan.kube.streams import LogOptions, NodeAgent, Process
from sampan.kube.times import parse

_log = logging.getLogger(__name__)

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_STDIN, _ERROR, _RESIZE, _CLOSE = 0, 3, 4, 255
# Seconds. What comes on the heels of the handshake was seen to get lost in kubectl 1.31 (an empty
# answer with exit code 0): the client seems to read before it has made its streams.
_CLIENT_SETTLES = 0.02
_CONTAINERS = ("containers", "initContainers")
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
        chunks = await self._agent().logs(pod, options)
        headers = [(b"content-type", b"text/plain"), (b"cache-control", b"no-cache, private")]
        await request.send({"type": "http.response.start", "status": 200, "headers": headers})
        await _until_either(_send_all(request, chunks), request.gone())

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

    # -- exec and attach ----------------------------------------------------------------------

    def refuse_plain(self, request: Request, key: Key, subresource: str) -> ApiStatus:
        """The answer to an exec or attach that is not a websocket. kubectl tries SPDY when its
        websocket was refused, and shows what it is told then: so the true reason comes first."""
        self._container(request, key)
        if request.header(b"upgrade").lower().startswith("spdy"):
            return BadRequest(
                f"{subresource} over SPDY/3.1 is not supported: use a client that speaks websocket"
                " (kubectl 1.30 or later)"
            )
        return BadRequest("Upgrade request required: exec and attach are a websocket")

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
        """GET pods/exec or pods/attach as a websocket."""
        protocol = next((p for p in PROTOCOLS if p in scope.get("subprotocols", ())), None)
        if protocol is None:
            raise BadRequest(f"the websocket must offer one of {', '.join(PROTOCOLS)}")
        process = await self._start(request, key, subresource)
        await receive()
        await send({"type": "websocket.accept", "subprotocol": protocol})
        await asyncio.sleep(_CLIENT_SETTLES)
        try:
            await _until_either(_give(send, process), _take(receive, process))
        finally:
            await process.kill()
            with contextlib.suppress(Exception):
                await send({"type": "websocket.close", "code": 1000})

    def _container(self, request: Request, key: Key) -> tuple[Manifest, str]:
        pod = self._pod(key.namespace, key.name)
        container = container_of(pod, request.query("container"))
        if not pod["spec"].get("nodeName"):
            raise BadRequest(f"pod {key.name} does not have a host assigned")
        self._agent()
        return pod, container

    async def _start(self, request: Request, key: Key, subresource: str) -> Process:
        pod, container = self._container(request, key)
        stdin, tty = request.asks("stdin"), request.asks("tty")
        if subresource == "attach":
            return await self._agent().attach(pod, container, stdin=stdin, tty=tty)
        command = request.queries("command")
        if not command:
            fault = "you must specify at least 1 command"
            raise BadRequest(f"PodExecOptions: command: {fault}")
        return await self._agent().execute(pod, container, command, stdin=stdin, tty=tty)

    def _pod(self, namespace: str, name: str) -> Manifest:
        pod = self._backend.get(Key(names.POD, namespace, name))
        if pod is None:
            resource = self._backend.resources.stored(names.POD)
            assert resource is not None
            raise resource.not_found(name)
        return pod

    def _agent(self) -> NodeAgent:
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
    main, initial = found["containers"], found["initContainers"]
    if len(everything) == 1:
        return everything[0]
    chosen = (pod["metadata"].get("annotations") or {}).get(_DEFAULT_CONTAINER)
    if chosen in main:
        return str(chosen)
    text = f"a container name must be specified for pod {name}, choose one of: [{' '.join(main)}]"
    if initial:
        text += f" or one of the init containers: [{' '.join(initial)}]"
    raise BadRequest(text)


async def _send_all(request: Request, chunks: AsyncIterator[bytes]) -> None:
    async for chunk in chunks:
        await request.send({"type": "http.response.body", "body": chunk, "more_body": True})
    await request.send({"type": "http.response.body", "body": b""})


async def _give(send: Send, process: Process) -> None:
    """What the command says, then how it ended."""
    try:
        async for stream, data in process.output():
            await send({"type": "websocket.send", "bytes": bytes([stream]) + data})
        outcome = _outcome(await process.wait())
    except ApiStatus as error:
        outcome = error.status()
    except Exception as error:
        _log.exception("a command's streams broke")
        outcome = InternalError(str(error)).status()
    frame = bytes([_ERROR]) + orjson.dumps(outcome)
    await send({"type": "websocket.send", "bytes": frame})


async def _take(receive: Receive, process: Process) -> None:
    """What the client says, until it leaves."""
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        data = message.get("bytes") or (message.get("text") or "").encode()
        if not data:
            continue
        channel, rest = data[0], data[1:]
        if channel == _STDIN and rest:
            await process.write(rest)
        elif channel == _CLOSE and rest[:1] == b"\x00":
            await process.close_stdin()
        elif channel == _RESIZE:
            await _resize(process, rest)


async def _resize(process: Process, data: bytes) -> None:
    try:
        size = orjson.loads(data)
        width, height = int(size["Width"]), int(size["Height"])
    except (ValueError, KeyError, TypeError):
        return  # as upstream: a size that cannot be read changes nothing
    await process.resize(width, height)


def _outcome(code: int) -> dict[str, Any]:
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


async def _until_either(
    first: Coroutine[Any, Any, None], second: Coroutine[Any, Any, None]
) -> None:
    """Run both until one ends; raise what it raised."""
    tasks = [asyncio.ensure_future(first), asyncio.ensure_future(second)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


def _number(request: Request, name: str) -> int | None:
    text = request.query(name)
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise BadRequest(f'{name}: strconv.ParseInt: parsing "{text}": invalid syntax') from None
