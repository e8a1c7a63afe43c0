"""An Argo Server over a real API server with the kinds of workflows, without controllers."""

import asyncio
import contextlib

import orjson
import pytest

from sampan.apiserver.api import ApiServer
from sampan.apiserver.loopback import Loopback
from sampan.kinds.core import COMPONENT as CORE
from sampan.kinds.workflows import COMPONENT as WORKFLOWS
from sampan.kube import names
from sampan.kube.keys import Key
from sampan.lib.clock import SystemClock
from sampan.services.argo import workflows
from sampan.services.argo.routes import Routes
from sampan.services.argo.server import ArgoServer
from sampan.store.objects import Store
from services.argo.makers import workflow
from services.asgi import Doors, Service


class Argo(Service):
    async def submit(self, name="w", status=None, namespace="a", **meta):
        """A workflow as kubectl would create it; with a status, as the controller left it."""
        made = await self.cluster.create(workflow(name, namespace, **meta), manager="test")
        return made if status is None else await self.told(name, status, namespace)

    async def appears(self, kind):
        """Wait until there is an object of the kind."""
        there = asyncio.Event()
        stop = self.cluster.subscribe(kind, lambda _: there.set())
        await there.wait()
        stop()

    async def told(self, name, status, namespace="a"):
        key = Key(names.WORKFLOW, namespace, name)
        return await self.cluster.patch(
            key, {"status": status}, type="merge", subresource="", manager="test", force=True
        )


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """Run a scenario against a server that has the namespaces `a` and `b`."""
    monkeypatch.setattr(workflows, "FIRST_LOOK", 0.05)  # nobody looks here

    async def run(scenario, **parts):
        store = Store(tmp_path / "objects.db")
        doors = Doors()
        components = (CORE, WORKFLOWS)
        api = ApiServer(store, authenticator=doors, authorizer=doors, components=components)
        try:
            for crd in WORKFLOWS.crds:
                with contextlib.suppress(Exception):
                    await api.inprocess.create(orjson.loads(orjson.dumps(crd)), manager="test")
            for name in ("a", "b"):
                made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
                await api.inprocess.create(made, manager="test")
            app = ArgoServer(
                Loopback(api.asgi), Routes(**parts), clock=SystemClock(), below="/argo"
            )
            await scenario(Argo(app, api))
        finally:
            await api.stop()
            await store.close()

    return lambda scenario, **parts: asyncio.run(run(scenario, **parts))
