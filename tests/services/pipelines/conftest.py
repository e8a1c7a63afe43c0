"""The pipelines API over a real API server with the kinds of pipelines, without controllers."""

import asyncio
import contextlib

import orjson
import pytest

from sampan.apiserver.api import ApiServer
from sampan.apiserver.loopback import Loopback
from sampan.artifacts import Artifacts
from sampan.artifacts.reader import Reader
from sampan.engine.local import LocalCluster
from sampan.kinds.core import COMPONENT as CORE
from sampan.kinds.pipelines import COMPONENT as PIPELINES
from sampan.kinds.workflows import COMPONENT as WORKFLOWS
from sampan.kube.keys import Key
from sampan.lib.clock import SystemClock
from sampan.records.pipelines.recorder import Recorder
from sampan.records.pipelines.store import Records
from sampan.services.pipelines.call import Parts
from sampan.services.pipelines.ids import Ids
from sampan.services.pipelines.server import PipelinesServer
from sampan.store.objects import Store
from services.asgi import Doors, Service

BELOW = "/pipeline/apis/v2beta1"


class Api(Service):
    """Paths are those below the version of the API; namespace `a` is that of who names none."""

    async def __call__(self, method, path, body=None, **more):
        whole = path if path.startswith("/pipeline") else f"{BELOW}/{path}"
        return await super().__call__(method, whole, body, **more)

    async def patch(self, path, body, **more):
        return await self("PATCH", path, body, **more)

    async def delete(self, path, **more):
        return await self("DELETE", path, **more)

    async def upload(self, file, data, query="", *, version=False, **more):
        """A form as HTTP libraries send it."""
        head = (
            '--b0undary\r\nContent-Disposition: form-data; name="uploadfile";'
            f' filename="{file}"\r\nContent-Type: application/octet-stream\r\n\r\n'
        )
        raw = head.encode() + data + b"\r\n--b0undary--\r\n"
        form = ("content-type", "multipart/form-data; boundary=b0undary")
        path = f"pipelines/{'upload_version' if version else 'upload'}?{query}"
        return await self("POST", path, raw=raw, headers=[form], **more)

    async def told(self, kind, name, status, namespace="a"):
        """A status as the controller left it."""
        key = Key(kind, namespace, name)
        return await self.cluster.patch(
            key, {"status": status}, type="merge", subresource="status", manager="t", force=True
        )


@pytest.fixture
def serve(tmp_path):
    """Run a scenario against a server that has the namespaces `a` and `b`."""

    async def run(scenario):
        for former in tmp_path.glob("*.db*"):  # of another example of Hypothesis
            former.unlink()
        store = Store(tmp_path / "objects.db")
        doors = Doors()
        kinds = (CORE, WORKFLOWS, PIPELINES)
        api = ApiServer(store, authenticator=doors, authorizer=doors, components=kinds)
        cluster = LocalCluster(api.inprocess)
        try:
            for crd in (*WORKFLOWS.crds, *PIPELINES.crds):
                with contextlib.suppress(Exception):
                    await api.inprocess.create(orjson.loads(orjson.dumps(crd)), manager="test")
            for name in ("a", "b"):
                made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
                await api.inprocess.create(made, manager="test")
            recorder = Recorder(cluster, records := Records.at(tmp_path / "pipelines.db"))
            await recorder.start()
            reader = Reader(
                Artifacts(tmp_path / "artifacts"),
                lambda kind, namespace, name: cluster.get(Key(kind, namespace, name)),
            )
            parts = Parts(
                ids=Ids(cluster), records=records, recorder=recorder, artifacts=lambda: reader,
                clock=SystemClock(), namespace="a",
            )  # fmt: skip
            app = PipelinesServer(Loopback(api.asgi), parts, below="/pipeline")
            await scenario(Api(app, api))
            await recorder.stop()
        finally:
            await api.stop()
            await store.close()

    return lambda scenario: asyncio.run(run(scenario))
