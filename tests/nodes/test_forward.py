"""The proxy by which helper processes reach services of the cluster."""

from __future__ import annotations

import asyncio
import base64
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sampan.kube import names, nets
from sampan.kube.keys import Key, Manifest
from sampan.kube.locations import LOCAL_ENDPOINT
from sampan.nodes.forward import Forward


class Few:
    """A cluster that is only looked at."""

    def __init__(self, *manifests: Manifest) -> None:
        self._all = manifests

    def get(self, key: Key) -> Manifest | None:
        return next((m for m in self.list(key.kind, key.namespace)
                     if m["metadata"]["name"] == key.name), None)  # fmt: skip

    def list(self, kind: str, namespace: str = "", selector: Any = None) -> list[Manifest]:
        return [m for m in self._all
                if m["kind"] == kind.partition(".")[0]
                and namespace in ("", m["metadata"]["namespace"])]  # fmt: skip


class Open:
    """All pods are in the machine's network; the API and the artifacts are ours."""

    def serves(self, service: Key) -> bool:
        return service.name in ("kubernetes", "minio-service")

    async def open(self, host: str, port: int) -> Any:
        return await asyncio.open_connection(host, port)


def test_the_api_is_found_by_its_name_and_no_other_port_of_the_machine() -> None:
    found = service("kubernetes", 443, 6443), service("web", 443, 6443)
    for each in (one for pair in found for one in pair):
        each["metadata"] = {**each["metadata"], "namespace": "default"}
        for end in each.get("endpoints") or ():
            end["addresses"] = [nets.GATEWAY]
    forward = Forward(Few(*found[0], *found[1]), Open())  # type: ignore[arg-type]
    assert forward._place("kubernetes.default.svc", 443, "ns") == ("127.0.0.1", 6443)
    assert forward._place("web.default.svc", 443, "ns") == (nets.GATEWAY, 6443)


def service(name: str, port: int, to: int, ip: str = "10.96.0.9", **spec: Any) -> list[Manifest]:
    about = {"name": name, "namespace": "ns"}
    labels = {names.LABEL_SERVICE_NAME: name}
    return [
        {"kind": "Service", "metadata": about,
         "spec": {"clusterIP": ip, "ports": [{"port": port}], **spec}},
        {"kind": "EndpointSlice", "metadata": {**about, "labels": labels}, "addressType": "IPv4",
         "ports": [{"port": to}],
         "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}]},
    ]  # fmt: skip


@asynccontextmanager
async def web() -> AsyncIterator[tuple[int, list[str]]]:
    """A server that says what it was asked, and keeps its connections open."""
    seen: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        seen.append(head)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], seen


def get(url: str, proxy: str, headers: Mapping[str, str] = {}) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy}))
    with opener.open(urllib.request.Request(url, headers=dict(headers)), timeout=5) as answer:
        return bytes(answer.read())


@pytest.mark.parametrize(
    "host", ["minio", "minio.ns", "MINIO.ns.svc", "minio.ns.svc.cluster.local.", "10.96.0.9"]
)
def test_a_service_is_found_as_a_pod_finds_it(host: str) -> None:
    async def check() -> None:
        async with web() as (port, seen):
            forward = Forward(Few(*service("minio", 9000, port)), Open())  # type: ignore[arg-type]
            forward.start()
            proxy = await asyncio.to_thread(forward.route, host, 9000, "ns")
            assert await asyncio.to_thread(get, f"http://{host}:9000/a?b=c", proxy) == b"hi"
            await forward.close()
            assert seen[0].startswith("GET /a?b=c HTTP/1.1\r\n")
            assert f"host: {host}:9000".lower() in seen[0].lower()
            assert "proxy-" not in seen[0].lower()

    asyncio.run(check())


def test_the_artifacts_by_their_name_are_the_local_repository() -> None:
    async def check() -> None:
        found = service("minio-service", 9000, 1)
        for each in found:
            each["metadata"] = {**each["metadata"], "namespace": "kubeflow"}
        forward = Forward(Few(*found), Open())  # type: ignore[arg-type]
        forward.start()
        host = "minio-service.kubeflow"
        assert await asyncio.to_thread(forward.route, host, 9000, "ns") == LOCAL_ENDPOINT

    asyncio.run(check())


@pytest.mark.parametrize("host", ["example.com", "minio.other", "a.b.c.d", "1.2.3.4", "127.0.0.1"])
def test_others_need_no_way(host: str) -> None:
    async def check() -> None:
        forward = Forward(Few(*service("minio", 9000, 1)), Open())  # type: ignore[arg-type]
        forward.start()
        assert await asyncio.to_thread(forward.route, host, 9000, "ns") == ""
        assert await asyncio.to_thread(forward.route, "minio", 9000, "elsewhere") == ""

    asyncio.run(check())


def test_a_service_may_stand_for_the_local_repository() -> None:
    async def check() -> None:
        other = {"type": "ExternalName", "externalName": "artifacts.sampan", "clusterIP": ""}
        forward = Forward(Few(*service("minio", 9000, 1, **other)), Open())  # type: ignore[arg-type]
        forward.start()
        assert await asyncio.to_thread(forward.route, "minio", 9000, "ns") == "artifacts.sampan"

    asyncio.run(check())


def test_who_was_told_nothing_gets_nowhere() -> None:
    async def check() -> None:
        async with web() as (port, seen):
            forward = Forward(Few(*service("minio", 80, port)), Open())  # type: ignore[arg-type]
            forward.start()
            proxy = await asyncio.to_thread(forward.route, "minio", 80, "ns")
            place = proxy.rpartition("@")[2]
            for wrong in (f"http://{place}", f"http://ns:guess@{place}"):
                with pytest.raises(urllib.error.HTTPError, match="407"):
                    await asyncio.to_thread(get, "http://minio/", wrong)
            with pytest.raises(urllib.error.HTTPError, match="502: no endpoints of service"):
                await asyncio.to_thread(get, "http://minio:81/", proxy)
            await forward.close()
            assert seen == []

    asyncio.run(check())


def test_tls_goes_through_as_it_is() -> None:
    async def check() -> None:
        async with web() as (port, seen):
            cluster = Few(*service("minio", 443, port, ip="None"))
            forward = Forward(cluster, Open())  # type: ignore[arg-type]
            forward.start()
            proxy = await asyncio.to_thread(forward.route, "minio", port, "ns")
            word, _, place = proxy.removeprefix("http://").rpartition("@")
            host, _, number = place.partition(":")
            reader, writer = await asyncio.open_connection(host, int(number))
            told = base64.b64encode(word.encode()).decode()
            writer.write(f"CONNECT minio:{port} HTTP/1.1\r\n"
                         f"Proxy-Authorization: Basic {told}\r\n\r\n".encode())  # fmt: skip
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 200 OK\r\n\r\n"
            writer.write(b"any bytes\r\n\r\n")
            assert (await reader.read()).endswith(b"hi")
            assert seen == ["any bytes\r\n\r\n"]
            writer.close()
            await forward.close()

    asyncio.run(check())
