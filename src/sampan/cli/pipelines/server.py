"""The way to the pipelines API: that of the home's gateway, or another one.

--host URL, $KF_PIPELINES_ENDPOINT     with its base path, such as https://kubeflow.example/pipeline
--token                                else that of the home's kubeconfig
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from sampan.cli.home import home_of, running
from sampan.engine import kubeconfig
from sampan.engine.kubeconfig import Access
from sampan.engine.transport import Transport
from sampan.kube.errors import ApiStatus, NotFound, UserMistake

Answer = dict[str, Any]
_V2, _LOGS = "/apis/v2beta1", "/apis/v1alpha1"
_PAGE = 100
_EQUALS = 1
_NOT_THERE = "\nIs this the pipelines API? Its address mostly ends in /pipeline."
_MOST_TASKS = 2000
"""Of one run that are asked for: a terminal has no room for more."""


def options(parser: argparse.ArgumentParser) -> None:
    """The options that all verbs have."""
    parser.add_argument("-n", "--namespace", help="instead of the server's usual one")
    parser.add_argument("--host", metavar="URL", help="another server ($KF_PIPELINES_ENDPOINT)")
    parser.add_argument("--token", help="for that server")
    parser.add_argument("-k", "--insecure", action="store_true", help="trust any certificate")


class Server:
    """Requests to the API. Errors are UserMistakes in the server's words."""

    def __init__(self, transport: Transport, namespace: str) -> None:
        self._transport = transport
        self._namespace = namespace

    async def get(self, *path: str, **query: Any) -> Answer:
        return await self._ask("GET", _at(path, query))

    async def post(self, *path: str, body: Any = None) -> Answer:
        return await self._ask("POST", _at(path, {}), body)

    async def delete(self, *path: str) -> Answer:
        return await self._ask("DELETE", _at(path, {}))

    async def run(self, word: str) -> Answer:
        """A run by its id, the beginning of one, its name, or `@latest`."""
        if word == "@latest":
            return await self.get("runs", (await self._newest(""))["run_id"])
        try:
            found: Answer = await self._transport.request("GET", _at(("runs", word), {}))
        except NotFound:
            return await self.get("runs", (await self._newest(word))["run_id"])
        except ApiStatus as error:
            raise _mistake(error) from None
        return found

    async def _newest(self, word: str) -> Answer:
        for each in await self.runs():
            if word in ("", each.get("display_name")) or each["run_id"].startswith(word):
                return each
        raise UserMistake(f"there is no run {word}" if word else "there are no runs")

    async def runs(self, number: int = _PAGE, **query: Any) -> list[Answer]:
        """The newest ones first."""
        query = {"namespace": self._namespace, "sort_by": "created_at desc", **query}
        page = await self.get("runs", page_size=min(number, _PAGE), **query)
        found: list[Answer] = page.get("runs") or []
        while len(found) < number and page.get("next_page_token"):
            page = await self.get(
                "runs", page_size=_PAGE, page_token=page["next_page_token"], **query
            )
            found += page.get("runs") or []
        return found[:number]

    async def experiment(self, name: str, *, make: bool = False) -> str:
        """The id of the experiment of that name."""
        wanted = {"operation": _EQUALS, "key": "display_name", "stringValue": name}
        query = {"filter": json.dumps({"predicates": [wanted]}), "namespace": self._namespace}
        for each in (await self.get("experiments", **query)).get("experiments") or ():
            return str(each["experiment_id"])
        if not make:
            raise UserMistake(f"there is no experiment {name}")
        body = {"display_name": name}
        if self._namespace:
            body["namespace"] = self._namespace
        return str((await self.post("experiments", body=body))["experiment_id"])

    async def tasks(self, run_id: str) -> list[Answer]:
        """What the records know of its tasks; none where there are no records of it."""
        found: list[Answer] = []
        token = ""
        while len(found) < _MOST_TASKS:
            query = {"run_id": run_id, "page_size": _PAGE * 2, "page_token": token}
            try:
                page = await self.get("tasks", **query)
            except UserMistake:
                break
            found += page.get("tasks") or []
            token = page.get("next_page_token") or ""
            if not token:
                break
        return found

    async def log(self, run_id: str, node: str, *, follow: bool = False) -> AsyncIterator[bytes]:
        """What a task wrote, as it comes. node: the task's pod or id."""
        path = "/".join(("", "runs", quote(run_id), "nodes", quote(node, safe=""), "log"))
        query = "?follow=true" if follow else ""
        try:
            async for piece in self._transport.chunks(f"{_LOGS}{path}{query}"):
                yield piece
        except ApiStatus as error:
            raise _mistake(error) from None

    async def _ask(self, method: str, target: str, body: Any = None) -> Answer:
        try:
            found: Answer = await self._transport.request(method, target, body)
        except ApiStatus as error:
            raise _mistake(error) from None
        return found


Work = Callable[[Server, argparse.Namespace], Awaitable[int]]


def run(args: argparse.Namespace, work: Work) -> int:
    """Do the work with the server that the options name."""
    access = _access(args)

    async def connected() -> int:
        async with Transport(access) as transport:
            return await work(Server(transport, args.namespace or ""), args)

    return asyncio.run(connected())


def address(args: argparse.Namespace) -> str:
    """The server's URL, without a slash at its end."""
    return _access(args).server


def _access(args: argparse.Namespace) -> Access:
    host = args.host or os.environ.get("KF_PIPELINES_ENDPOINT") or ""
    if host:
        host = host if "://" in host else f"https://{host}"
        _check(host)
        return Access(server=host.rstrip("/"), token=args.token or "", insecure=args.insecure)
    home = home_of(args)
    gateway = f"{running(home).gateway}/pipeline"
    usual = kubeconfig.load(home.kubeconfig) if home.kubeconfig.exists() else Access(server="")
    return Access(server=gateway, token=args.token or usual.token)


def _check(host: str) -> None:
    """Raises UserMistake."""
    try:
        parts = urlsplit(host)
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise UserMistake(
            f"{host} is no address of a server, such as http://localhost:8080/pipeline"
        )


def _at(path: tuple[str, ...], query: Mapping[str, Any]) -> str:
    """A path of the API, quoted; parameters that are None or "" are left out."""
    target = "/".join([_V2, *(quote(part, safe=":") for part in path)])
    asked = {name: str(value) for name, value in query.items() if value not in (None, "")}
    return f"{target}?{urlencode(asked)}" if asked else target


def _mistake(error: ApiStatus) -> UserMistake:
    """The message of the two forms that the API has for errors, which the transport quotes."""
    try:
        said = json.loads(error.message)
    except ValueError:
        hint = _NOT_THERE if error.code in (404, 405) else ""
        return UserMistake(error.message + hint)
    return UserMistake(next(_messages(said), error.message))


def _messages(said: Any) -> Iterator[str]:
    for name in ("message", "error_details", "error_message"):
        if isinstance(said, dict) and said.get(name):
            yield str(said[name])
