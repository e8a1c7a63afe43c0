"""Keys of namespaces: made when they are first needed, found by the access key alone."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from sampan.engine.local import LocalCluster
from sampan.kube import names
from sampan.kube.keys import Key, Manifest
from sampan.services.s3.credentials import Credentials
from sampan.testing.memory import MemoryApi

USER = names.DEFAULT_USER_NAMESPACE


def a_secret(namespace: str, access: str, secret: str) -> Manifest:
    data = {"accesskey": access, "secretkey": secret}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": names.ARTIFACT_SECRET, "namespace": namespace},
        "data": {name: base64.b64encode(text.encode()).decode() for name, text in data.items()},
    }


async def made(cluster: LocalCluster, *namespaces: str) -> Credentials:
    for name in namespaces:
        about = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        await cluster.create(about)
    credentials = Credentials(cluster)
    await credentials.start()
    return credentials


async def until(cluster: LocalCluster, namespace: str) -> dict[str, str]:
    """The keys, when they are there."""
    key, there = Key(names.SECRET, namespace, names.ARTIFACT_SECRET), asyncio.Event()
    stop = cluster.subscribe(names.SECRET, lambda _: cluster.get(key) and there.set())
    if cluster.get(key) is None:
        await asyncio.wait_for(there.wait(), 5)
    stop()
    found = cluster.get(key)
    assert found is not None
    return {name: base64.b64decode(text).decode() for name, text in found["data"].items()}


def play(story: Any) -> None:
    asyncio.run(story(LocalCluster(MemoryApi())))


def test_the_first_user_has_keys_and_whoever_runs_a_pipeline() -> None:
    async def story(cluster: LocalCluster) -> None:
        credentials = await made(cluster, USER, "team", "idle")
        mine = await until(cluster, USER)
        assert credentials.find(mine["accesskey"]) == (USER, mine["secretkey"])
        run = {"apiVersion": "pipelines.kubeflow.org/v2beta1", "kind": "Run"}
        await cluster.create({**run, "metadata": {"name": "r", "namespace": "team"}, "spec": {}})
        theirs = await until(cluster, "team")
        assert credentials.find(theirs["accesskey"]) == ("team", theirs["secretkey"])
        assert theirs["secretkey"] != mine["secretkey"]
        assert cluster.get(Key(names.SECRET, "idle", names.ARTIFACT_SECRET)) is None
        await credentials.stop()

    play(story)


def test_keys_that_an_owner_has_set_count_as_long_as_they_are_nobody_else_s() -> None:
    async def story(cluster: LocalCluster) -> None:
        credentials = await made(cluster, USER, "team")
        await cluster.create(a_secret("team", "minio", "minio123"))
        assert credentials.find("minio") == ("team", "minio123")
        await until(cluster, USER)
        await cluster.apply(a_secret(USER, "minio", "other"), manager="owner")
        assert credentials.find("minio") is None
        assert credentials.find("") is None
        await credentials.stop()

    play(story)


def test_another_secret_s_access_key_is_nobody_s() -> None:
    async def story(cluster: LocalCluster) -> None:
        credentials = await made(cluster, USER, "team")
        other = a_secret("team", "team.x", "secret")
        other["metadata"]["name"] = "other"
        await cluster.create(other)
        assert credentials.find("team.x") is None
        await credentials.stop()

    play(story)
