"""metrics.k8s.io, with a node whose measurements are made up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sampan.kube import names
from sampan.kube.errors import ServiceUnavailable
from sampan.kube.keys import Key
from sampan.kube.usage import Measured, Used

METRICS = "/apis/metrics.k8s.io/v1beta1"
PODS = "/api/v1/namespaces/a/pods"
AT = 1_700_000_000.0


class Meter:
    """Each container of a known pod uses a tenth of a CPU and a mebibyte."""

    def __init__(self) -> None:
        self.uids: list[str] = []
        self.asked = 0
        self.broken = False

    async def measure(self) -> Measured:
        self.asked += 1
        if self.broken:
            raise ServiceUnavailable("the node cannot measure what is used")
        return self.latest()

    def latest(self) -> Measured:
        used = Used(0.1, 1 << 20, AT, 15.0)
        return Measured("n", used, {uid: {"c": used} for uid in self.uids})


class Node:
    def __init__(self) -> None:
        self.meter = Meter()


async def start(client: Any) -> Meter:
    node = Node()
    client.server.attach(node)
    for name in ("p", "q", "unmeasured"):
        spec = {"containers": [{"name": "c", "image": "busybox"}]}
        body = {"metadata": {"name": name, "labels": {"app": name}}, "spec": spec}
        pod = (await client.post(PODS, body)).body
        if name != "unmeasured":
            node.meter.uids.append(pod["metadata"]["uid"])
    return node.meter


def test_pods_are_listed_with_what_they_use(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        meter = await start(client)
        found = (await client.get(f"{METRICS}/namespaces/a/pods")).body
        assert (found["kind"], found["apiVersion"]) == ("PodMetricsList", METRICS[6:])
        assert [each["metadata"]["name"] for each in found["items"]] == ["p", "q"]
        first = found["items"][0]
        assert first["containers"] == [
            {"name": "c", "usage": {"cpu": "100000000n", "memory": "1024Ki"}}
        ]
        assert (first["timestamp"], first["window"]) == ("2023-11-14T22:13:20Z", "15.000s")
        assert first["metadata"]["labels"] == {"app": "p"}
        assert meter.asked == 1
        one = (await client.get(f"{METRICS}/namespaces/a/pods/q")).body
        assert (one["kind"], one["metadata"]["name"]) == ("PodMetrics", "q")

    serve(scenario)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("namespaces/a/pods?labelSelector=app%3Dq", ["q"]),
        ("namespaces/a/pods?labelSelector=app%3Dz", []),
        ("namespaces/a/pods?fieldSelector=metadata.name%3Dp", ["p"]),
        ("namespaces/b/pods", []),
        ("pods", ["p", "q"]),
        ("nodes", ["n"]),
    ],
)
def test_selectors_select(serve: Callable[..., None], path: str, found: list[str]) -> None:
    async def scenario(client: Any) -> None:
        await start(client)
        items = (await client.get(f"{METRICS}/{path}")).body["items"]
        assert [each["metadata"]["name"] for each in items] == found

    serve(scenario)


def test_tables_add_up_containers(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await start(client)
        accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
        table = (await client.get(f"{METRICS}/pods", accept=accept)).body
        assert table["rows"][0]["cells"] == ["p", "100m", "1Mi", "15.000s"]

    serve(scenario)


def test_nothing_can_be_written_or_watched(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        await start(client)
        path = f"{METRICS}/namespaces/a/pods"
        answers = [
            await client.post(path, {"metadata": {"name": "x"}}),
            await client.merge(f"{path}/p", {"metadata": {"labels": {"a": "b"}}}),
            await client("PUT", f"{path}/p", {"metadata": {"name": "p"}}),
            await client("DELETE", f"{path}/p"),
            await client("DELETE", path),
            await client.get(f"{path}?watch=true"),
        ]
        assert [answer.code for answer in answers] == [405] * 6
        assert (await client.get(f"{path}/nonesuch")).code == 404

    serve(scenario)


def test_a_node_that_cannot_measure_is_no_empty_list(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        assert (await client.get(f"{METRICS}/pods")).code == 400  # no node at all
        (await start(client)).broken = True
        answer = await client.get(f"{METRICS}/pods")
        assert (answer.code, answer.body["reason"]) == (503, "ServiceUnavailable")

    serve(scenario)


def test_controllers_read_the_last_measurement(serve: Callable[..., None]) -> None:
    async def scenario(client: Any) -> None:
        meter = await start(client)
        api = client.server.inprocess
        assert api.has_kind(names.POD_METRICS)
        found = api.list(names.POD_METRICS, "a")
        assert [each["metadata"]["name"] for each in found] == ["p", "q"]
        assert api.get(Key(names.POD_METRICS, "a", "p"))["window"] == "15.000s"
        assert meter.asked == 0

    serve(scenario)
