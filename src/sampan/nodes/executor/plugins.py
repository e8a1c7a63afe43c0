"""Plugins of an agent: sidecars that are asked, one after the other, to carry out a template.

    POST /api/v1/template.execute {"workflow": …, "template": …}  ->  {"node": …, "requeue": "5s"}

Each knows the agent by a word in a file that they share. A plugin that has nothing to say of a
template leaves it to the next one; a plugin that does not know the call (404) is never asked again.
Upstream: argo-workflows workflow/util/plugin/rpc.go, pkg/plugins/executor.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

from sampan.kube import argoexec
from sampan.kube.keys import Manifest
from sampan.lib.gotime import durations
from sampan.nodes import answer
from sampan.nodes.executor.job import Failed, Job

_CALL = "template.execute"
_TIMEOUT = 30.0
_PAUSES = (0.1, 0.3, 1.0, 2.0, 4.0, 8.0)
_LARGEST = 10 << 20
_SOONEST = 0.01  # seconds; a plugin that wants to be asked again at once has to wait so long


class _Unreachable(Exception):
    """Nobody listens, or it cannot answer just now."""


class Plugins:
    def __init__(self, job: Job, addresses: list[str], names: list[str]) -> None:
        self._job = job
        self._plugins = [
            _Plugin(job, name, address) for address, name in zip(addresses, names, strict=True)
        ]

    async def execute(self, template: Manifest) -> tuple[dict[str, Any], float]:
        """What is to be said of the node, and seconds after which to ask again. Raises Failed."""
        about = self._job.manifest["metadata"]
        workflow = {
            "name": self._job.env.get(argoexec.WORKFLOW_NAME, ""),
            "namespace": about["namespace"],
            "uid": self._job.env.get(argoexec.WORKFLOW_UID, ""),
        }
        asked = {"workflow": {"metadata": workflow}, "template": template}
        for plugin in self._plugins:
            reply = await plugin.call(asked)
            node = reply.get("node")
            if isinstance(node, dict):
                again = 0.0 if node.get("phase") == "Succeeded" else _again(reply)
                return node, again
        raise Failed("no plugin executed the template")


def _again(reply: Manifest) -> float:
    text = reply.get("requeue")
    if not text:
        return 0.0
    try:
        return max(durations.parse(str(text)) / 1e9, _SOONEST)
    except ValueError as error:
        raise Failed(f"the plugin's requeue: {error}") from error


class _Plugin:
    def __init__(self, job: Job, name: str, address: str) -> None:
        self._job = job
        self._name = name
        self._port = urlsplit(address).port or 80
        self._deaf = False
        self._word = ""

    async def call(self, asked: Manifest) -> Manifest:
        """The reply; {} when it has nothing to say. Raises Failed."""
        if self._deaf:
            return {}
        if not self._word:
            self._word = await asyncio.to_thread(self._read)
        fault = ""
        for pause in (*_PAUSES, 0.0):
            try:
                async with asyncio.timeout(_TIMEOUT):
                    status, body = await self._post(json.dumps(asked).encode())
            except (_Unreachable, TimeoutError) as error:
                fault = str(error) or "it does not answer in time"
                await asyncio.sleep(pause)
                continue
            if status == 503:
                fault = "503 Service Unavailable"
                await asyncio.sleep(pause)
                continue
            return self._reply(status, body)
        raise Failed(f"failed to execute template by plugin {self._name}: {fault}")

    def _reply(self, status: int, body: bytes) -> Manifest:
        if status == 404:
            self._deaf = True
            return {}
        if status != 200:
            said = body.decode(errors="replace")[:1024]
            raise Failed(f"failed to execute {_CALL}: {status}: {said}")
        try:
            reply = json.loads(body)
        except ValueError as error:
            raise Failed(f"plugin {self._name} answered what is no JSON: {error}") from error
        return reply if isinstance(reply, dict) else {}

    def _read(self) -> str:
        path = f"{argoexec.RUN}/{self._name}/token"
        try:
            return self._job.view.read(path, 1024).decode()
        except OSError as error:
            raise Failed(f"open {path}: {error.strerror}") from error

    async def _post(self, body: bytes) -> tuple[int, bytes]:
        head = (
            f"POST /api/v1/{_CALL} HTTP/1.1\r\nHost: localhost:{self._port}\r\n"
            f"Authorization: Bearer {self._word}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        try:
            link = await self._job.dial(self._port)
        except Exception as error:
            raise _Unreachable(str(error)) from error
        try:
            await link.write(head.encode() + body)
            return await answer.read(link, _LARGEST)
        except (OSError, ValueError, EOFError) as error:
            raise _Unreachable(str(error)) from error
        finally:
            link.close()
