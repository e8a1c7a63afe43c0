"""The way to the Argo Server: that of the home's gateway, or another one.

--server URL, $ARGO_SERVER        with its base path, such as https://argo.example/argo
--token,  $ARGO_TOKEN             else that of the home's kubeconfig
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from sampan.cli.home import home_of, running
from sampan.engine import kubeconfig
from sampan.engine.kubeconfig import Access
from sampan.engine.transport import Transport
from sampan.kube.errors import ApiStatus, UserMistake

Workflow = dict[str, Any]


def options(parser: argparse.ArgumentParser, work: Work, *, every: bool = False) -> None:
    """The options that all verbs have; `work` is what the verb does."""
    parser.set_defaults(work=work)
    parser.add_argument("-n", "--namespace", help="instead of the kubeconfig's (default)")
    parser.add_argument("--server", metavar="URL", help="another Argo Server ($ARGO_SERVER)")
    parser.add_argument("--token", help="for that server ($ARGO_TOKEN)")
    parser.add_argument("-k", "--insecure", action="store_true", help="trust any certificate")
    if every:
        parser.add_argument("-A", "--all-namespaces", action="store_true")


class Argo:
    """Requests to the server. Errors are UserMistakes in the server's words."""

    def __init__(self, transport: Transport, namespace: str) -> None:
        self._transport = transport
        self.namespace = namespace

    async def get(self, *path: str, **query: Any) -> Any:
        return await self._ask("GET", _at(path, query))

    async def post(self, *path: str, body: Any) -> Any:
        return await self._ask("POST", _at(path, {}), body)

    async def put(self, *path: str, body: Any) -> Any:
        return await self._ask("PUT", _at(path, {}), body)

    async def delete(self, *path: str, **query: Any) -> Any:
        return await self._ask("DELETE", _at(path, query))

    async def results(self, *path: str, **query: Any) -> AsyncIterator[Any]:
        """What a stream says, one after the other."""
        try:
            async for line in self._transport.lines(_at(path, query)):
                said = json.loads(line)
                if "error" in said:
                    raise UserMistake(said["error"].get("message") or "the stream has failed")
                yield said["result"]
        except ApiStatus as error:
            raise _mistake(error) from None

    async def file(self, *path: str) -> AsyncIterator[bytes]:
        """An artifact as it comes."""
        target = "/".join(["", *(quote(part, safe="") for part in path)])
        try:
            async for piece in self._transport.chunks(target):
                yield piece
        except ApiStatus as error:
            raise _mistake(error) from None

    async def _ask(self, method: str, target: str, body: Any = None) -> Any:
        try:
            return await self._transport.request(method, target, body)
        except ApiStatus as error:
            raise _mistake(error) from None


Work = Callable[[Argo, argparse.Namespace], Awaitable[int]]


def run(args: argparse.Namespace, work: Work) -> int:
    access = _access(args)
    namespace = args.namespace or access.namespace
    if getattr(args, "all_namespaces", False):
        namespace = ""

    async def connected() -> int:
        async with Transport(access) as transport:
            return await work(Argo(transport, namespace), args)

    return asyncio.run(connected())


def _access(args: argparse.Namespace) -> Access:
    server = args.server or os.environ.get("ARGO_SERVER") or ""
    token = args.token or os.environ.get("ARGO_TOKEN") or ""
    token = token.removeprefix("Bearer ").strip()
    if server:
        if "://" not in server:
            server = f"https://{server}"
        return Access(server=server.rstrip("/"), token=token, insecure=args.insecure)
    home = home_of(args)
    found = kubeconfig.load(home.kubeconfig) if home.kubeconfig.exists() else None
    gateway = f"{running(home).gateway}/argo"
    usual = found or Access(server=gateway)
    return Access(server=gateway, token=token or usual.token, namespace=usual.namespace)


def _at(path: tuple[str, ...], query: Mapping[str, Any]) -> str:
    """A path of the API, quoted; parameters that are None, False or "" are left out."""
    target = "/".join(["/api/v1", *(quote(part, safe="@") for part in path)])
    asked = {
        name.replace("__", "."): "true" if value is True else str(value)
        for name, value in query.items()
        if value not in (None, False, "")
    }
    return f"{target}?{urlencode(asked)}" if asked else target


def _mistake(error: ApiStatus) -> UserMistake:
    """grpc-gateway's form of an error, which the transport quotes."""
    try:
        said = json.loads(error.message)
        text = said["message"]
    except (ValueError, KeyError, TypeError):
        text = error.message
    return UserMistake(str(text))
