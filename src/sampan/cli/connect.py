"""The way from a verb to the cluster: the home's kubeconfig, a client, one event loop.

`--kubeconfig` leads to any other cluster: the verbs do not care which one answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

from sampan.cli.home import home_of
from sampan.engine.discovery import Discovery, Resource
from sampan.engine.transport import JSON, Transport
from sampan.kube.errors import UserMistake

if TYPE_CHECKING:
    import argparse

    from sampan.engine.kubeconfig import Access


def options(parser: argparse.ArgumentParser, *, all_namespaces: bool = False) -> None:
    """The options of every verb that talks to a cluster."""
    parser.add_argument("-n", "--namespace", help="instead of the kubeconfig's (default)")
    parser.add_argument("--kubeconfig", metavar="FILE", help="of another cluster")
    if all_namespaces:
        parser.add_argument("-A", "--all-namespaces", action="store_true")


class Client:
    """Requests by path, decoded. Errors are ApiStatus, or UserMistake when nobody answers."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def resources(self) -> list[Resource]:
        """All kinds that the cluster serves."""
        discovery = Discovery(self._transport)
        await discovery.refresh()
        return list(discovery)

    async def get(self, path: str, *, accept: str = JSON) -> Any:
        return await self._transport.request("GET", path, accept=accept)

    async def send(self, method: str, path: str, body: Any, *, kind: str = JSON) -> Any:
        return await self._transport.request(method, path, body, content_type=kind)

    def lines(self, path: str, *, accept: str = JSON) -> AsyncIterator[bytes]:
        return self._transport.lines(path, accept=accept)

    def chunks(self, path: str) -> AsyncIterator[bytes]:
        return self._transport.chunks(path)

    def websocket(self, path: str, protocol: str):  # type: ignore[no-untyped-def]
        """A context manager that gives the open websocket."""
        return self._transport.websocket(path, [protocol])


def run(
    args: argparse.Namespace, work: Callable[[Client, argparse.Namespace], Awaitable[int]]
) -> int:
    """Do the work against the cluster; `args.namespace` is filled in."""
    access = _access(args)
    args.namespace = args.namespace or access.namespace

    async def connected() -> int:
        async with Transport(access) as transport:
            return await work(Client(transport), args)

    return asyncio.run(connected())


def _access(args: argparse.Namespace) -> Access:
    from sampan.engine import kubeconfig

    if args.kubeconfig:
        return kubeconfig.load(args.kubeconfig)
    home = home_of(args)
    if not home.kubeconfig.exists():
        raise UserMistake(f"nothing runs in {home.path}; start it with `sampan up`")
    return kubeconfig.load(home.kubeconfig)
