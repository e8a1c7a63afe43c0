"""A node on a cluster in memory, with real processes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from sampan.config import Config
from sampan.engine.local import LocalCluster
from sampan.kube.katib import Observations
from sampan.kube.keys import Key, Manifest
from sampan.kube.streams import LogOptions
from sampan.lib.clock import SystemClock
from sampan.nodes.kubelet import Node
from sampan.testing.memory import MemoryApi

NAMESPACE = "team"


class TokenApi(MemoryApi):
    """Also answers requests for service account tokens."""

    async def post(self, key: Key, subresource: str, manifest: Manifest) -> Manifest:
        if subresource == "token":
            audiences = ",".join(manifest["spec"]["audiences"])
            return {**manifest, "status": {"token": f"token of {key.name} for {audiences}"}}
        return await super().post(key, subresource, manifest)


class Site:
    """A cluster in memory and the node that serves it."""

    def __init__(self, home: Path, **settings: Any) -> None:
        self.home = home
        self.api = TokenApi(clock=SystemClock())
        self.cluster = LocalCluster(self.api)
        self.observations: Observations | None = settings.pop("observations", None)
        self.config = Config(**settings)
        self.node = self.make()

    def make(self) -> Node:
        return Node(
            self.cluster,
            name="node-1",
            home=self.home,
            config=self.config,
            service_host=("127.0.0.1", 6443),
            observations=self.observations,
        )

    async def restart(self) -> None:
        """As after a crash of the control plane: nobody says goodbye to the pods."""
        await self.node.stop()
        self.node = self.make()
        await self.node.start()

    async def run(self, name: str = "p", **spec: Any) -> Manifest:
        """Create a pod on this node from its spec; containers may be given as one shell line."""
        return await self.cluster.create(pod(name, **spec))

    def get(self, name: str = "p") -> Manifest | None:
        return self.cluster.get(Key("Pod", NAMESPACE, name))

    def status(self, name: str = "p") -> dict[str, Any]:
        found = self.get(name)
        return (found or {}).get("status") or {}

    async def until(
        self, condition: Callable[[dict[str, Any]], Any], name: str = "p", seconds: float = 15
    ) -> dict[str, Any]:
        """Wait until the pod's status satisfies the condition; answers it."""
        met = asyncio.Event()

        def look(_change: object = None) -> None:
            if condition(self.status(name)):
                met.set()

        unsubscribe = self.cluster.subscribe("Pod", look)
        look()
        try:
            await asyncio.wait_for(met.wait(), seconds)
        except TimeoutError:
            raise AssertionError(f"not within {seconds} s: {self.status(name)}") from None
        finally:
            unsubscribe()
        return self.status(name)

    async def finished(self, name: str = "p") -> dict[str, Any]:
        return await self.until(lambda s: s.get("phase") in ("Succeeded", "Failed"), name)

    async def running(self, name: str = "p") -> dict[str, Any]:
        return await self.until(lambda s: s.get("phase") == "Running", name)

    async def gone(self, name: str = "p") -> None:
        await self.until(lambda _: self.get(name) is None, name)

    async def logs(self, name: str = "p", **options: Any) -> str:
        found = self.get(name)
        assert found is not None
        options.setdefault("container", "main")
        stream = await self.node.agent.logs(found, LogOptions(**options))
        return b"".join([piece async for piece in stream]).decode()

    async def output(self, command: str, name: str = "p", **spec: Any) -> str:
        """What a shell line prints in a pod of its own that has to succeed."""
        await self.run(name, command=command, **spec)
        status = await self.finished(name)
        said = await self.logs(name)
        assert status["phase"] == "Succeeded", (status, said)
        return said

    async def eventually(self, condition: Callable[[], Any], seconds: float = 10) -> None:
        """Wait for something that only the file system or the supervisor knows of."""
        async with asyncio.timeout(seconds):
            while True:
                met = condition()
                if await met if asyncio.iscoroutine(met) else met:
                    return
                await asyncio.sleep(0.01)

    async def none_running(self) -> bool:
        reports = await self.node.context.client.list()
        return all(report.code is not None for report in reports)

    def events(self, reason: str) -> list[str]:
        found = self.cluster.list("Event", NAMESPACE)
        return [event["message"] for event in found if event["reason"] == reason]


def pod(name: str = "p", *, command: str = "true", container: Any = None, **spec: Any) -> Manifest:
    meta: dict[str, Any] = {"name": name, "namespace": NAMESPACE}
    for field in ("labels", "annotations", "finalizers"):
        if field in spec:
            meta[field] = spec.pop(field)
    main = {"name": "main", "image": "busybox", "command": ["sh", "-c", command]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": {
            "nodeName": "node-1",
            "restartPolicy": "Never",
            "containers": [main | (container or {})],
            **spec,
        },
    }


@contextlib.asynccontextmanager
async def site(home: Path, **settings: Any) -> AsyncIterator[Site]:
    place = Site(home, **settings)
    await place.cluster.create(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    )
    await place.node.start()
    try:
        yield place
    finally:
        await place.node.shutdown_pods(grace=0)
        await place.node.stop()


Play = Callable[..., Any]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Run a coroutine function that takes a Site."""

    def run(story: Callable[[Site], Any], **settings: Any) -> Any:
        async def whole() -> Any:
            async with site(tmp_path / "home", **settings) as place:
                return await story(place)

        return asyncio.run(whole())

    return run
