"""`argoexec agent`: do what the WorkflowTaskSet of a workflow asks for, many tasks at once.

Each task is done once, as long as this agent lives; one that runs when the control plane is killed
is done again. Results are written into the set's status as soon as they are there. The agent ends
when the set is labelled as completed, or is gone.
Upstream: argo-workflows workflow/executor/agent.go, cmd/argoexec/commands/agent.go.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from sampan.engine.cluster import Change
from sampan.kube import argoexec, names
from sampan.kube.errors import ApiStatus, Invalid, NotFound, TooLarge
from sampan.kube.keys import Key, Manifest
from sampan.nodes.executor import http, plugins
from sampan.nodes.executor.job import Failed, Job

WORKERS = 64
"""Tasks that are done at the same time."""
_AGAIN = 1.0
_FINAL = (Invalid, TooLarge)

Result = dict[str, Any]
Task = Callable[[Manifest], Awaitable[tuple[Result, float]]]
"""From a template to (what is to be said of its node, seconds after which to do it again)."""


async def run(job: Job) -> None:
    part = (job.spec.get("command") or ["", "", ""])[2]
    if part == "init":
        await asyncio.to_thread(_make_words, job)
        return
    await _Agent(job).run()


def _make_words(job: Job) -> None:
    """A word for each plugin, by which it knows the agent."""
    with job.view.pinned(argoexec.RUN) as directory:
        for name in _listed(job, argoexec.PLUGIN_NAMES):
            if "/" in name or name in ("", ".", ".."):
                raise Failed(f"{name!r} is no name of a plugin")
            os.makedirs(f"{directory.path}/{name}", 0o755, exist_ok=True)
            path = f"{directory.path}/{name}/token"
            with open(path, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(24))
            os.chmod(path, 0o444)


def _listed(job: Job, variable: str) -> list[str]:
    try:
        found = json.loads(job.env.get(variable) or "[]")
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise Failed(f"{variable} is no list")
    return [str(each) for each in found]


class _Agent:
    def __init__(self, job: Job) -> None:
        self._job = job
        about = job.manifest["metadata"]
        name = job.env.get(argoexec.WORKFLOW_NAME, "")
        self._key = Key(names.WORKFLOW_TASK_SET, about["namespace"], name)
        self._seen: set[str] = set()
        self._changed = asyncio.Event()
        self._results: dict[str, Result] = {}
        self._ready = asyncio.Event()
        self._room = asyncio.Semaphore(WORKERS)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        addresses = _listed(self._job, argoexec.PLUGIN_ADDRESSES)
        self._plugins = plugins.Plugins(
            self._job, addresses, _listed(self._job, argoexec.PLUGIN_NAMES)
        )
        stop = self._job.cluster.subscribe(self._key.kind, self._heard)
        told = asyncio.ensure_future(self._job.told.wait())
        writing = asyncio.ensure_future(self._write())
        try:
            while not told.done() and self._look():
                changed = asyncio.ensure_future(self._changed.wait())
                await asyncio.wait({changed, told}, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
        finally:
            stop()
            for task in (told, writing, *self._tasks):
                task.cancel()

    def _heard(self, change: Change) -> None:
        if change.key == self._key:
            self._changed.set()

    def _look(self) -> bool:
        """Begin what is new. Whether there may be more."""
        self._changed.clear()
        found = self._job.cluster.get(self._key)
        if found is None:
            return False
        labels = found["metadata"].get("labels") or {}
        if labels.get(names.LABEL_WORKFLOW_COMPLETED) == "true":
            return False
        known = (found.get("status") or {}).get("nodes") or {}
        for id, template in ((found.get("spec") or {}).get("tasks") or {}).items():
            over = (known.get(id) or {}).get("phase") in ("Succeeded", "Failed", "Error")
            if id not in self._seen and not over:
                self._seen.add(id)
                task = asyncio.create_task(self._do(id, template))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        return True

    async def _do(self, id: str, template: Manifest) -> None:
        while True:
            async with self._room:
                result, again = await self._once(id, template)
            if result.get("phase"):
                self._results[id] = result
                self._ready.set()
            if again <= 0:
                return
            await asyncio.sleep(again)

    async def _once(self, id: str, template: Manifest) -> tuple[Result, float]:
        try:
            if template.get("http") is not None:
                return await http.request(self._job, template["http"]), 0.0
            if template.get("plugin") is not None:
                return await self._plugins.execute(template)
        except Failed as fault:
            return {"phase": "Failed", "message": str(fault)}, 0.0
        except ApiStatus as error:
            return {"phase": "Failed", "message": error.message}, 0.0
        except Exception as error:
            self._job.log(f"level=error msg={f'{id}: {type(error).__name__}: {error}'!r}")
            return {"phase": "Error", "message": f"error processing task: {error}"}, 0.0
        return {"phase": "Error", "message": "agent cannot execute: unknown task type"}, 0.0

    async def _write(self) -> None:
        """Say what is done, as much as there is at a time."""
        while True:
            await self._ready.wait()
            self._ready.clear()
            results, self._results = self._results, {}
            while results:
                try:
                    await self._patch(results)
                except _FINAL as error:
                    results = await self._one_by_one(results, error)
                    continue
                except NotFound:
                    pass
                except ApiStatus as error:
                    self._job.log(f"level=warning msg={error.message!r}")
                    await asyncio.sleep(_AGAIN)
                    results |= self._results
                    self._results = {}
                    continue
                results = {}

    async def _patch(self, results: dict[str, Result]) -> None:
        patch = {"status": {"nodes": results}}
        await self._job.cluster.patch(self._key, patch, subresource="status")

    async def _one_by_one(self, results: dict[str, Result], error: ApiStatus) -> dict[str, Result]:
        """What is left when the set does not take all of it: one that is not taken alone is an
        error."""
        if len(results) > 1:
            for id, result in results.items():
                await self._alone(id, result)
            return {}
        ((id, _),) = results.items()
        said = "HTTP request completed successfully but an error occurred when patching its result"
        return {id: {"phase": "Error", "message": f"{said}: {error.message}"[:4096]}}

    async def _alone(self, id: str, result: Result) -> None:
        attempt = partial(self._patch, {id: result})
        try:
            await attempt()
        except _FINAL as error:
            await self._patch(await self._one_by_one({id: result}, error))
