"""Events go after their time; what was written again, and everything else, stays."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sampan.apiserver.api import ApiServer
from sampan.apiserver.expiry import Expiry
from sampan.kube import names
from sampan.kube.access import Attributes, User
from sampan.kube.keys import Key
from sampan.store.objects import Store

KEY = Key(names.EVENT, "default", "e")


class Anybody:
    def user(self, token: str) -> User | None:
        return None

    def allowed(self, user: User, asks: Attributes) -> bool:
        return True

    def rules(self, user: User, namespace: str) -> list[Any]:
        return []


def event(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": "default"},
        "involvedObject": {"kind": "Pod", "namespace": "default", "name": "p"},
    }


async def story(directory: Path) -> None:
    store = Store(directory / "objects.db")
    api = ApiServer(store, authenticator=Anybody(), authorizer=Anybody())
    cluster = api.inprocess
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}
    await cluster.create(namespace, manager="test")
    await cluster.create(event("e"), manager="test")
    patient = Expiry(api.backend, seconds=3600)
    hasty = Expiry(api.backend, seconds=0)
    await patient.sweep()
    assert cluster.get(KEY)
    again = event("e") | {"message": "again"}
    await cluster.patch(KEY, again, type="merge", subresource="", manager="test", force=False)
    late = Expiry(api.backend, seconds=3600)
    await late.sweep()
    assert cluster.get(KEY)["message"] == "again"  # type: ignore[index]
    await cluster.create(event("other"), manager="test")
    await hasty.sweep()
    assert cluster.list(names.EVENT) == []
    assert cluster.get(Key(names.NAMESPACE, "", "default"))
    await api.stop()
    await store.close()


async def flood(directory: Path) -> None:
    store = Store(directory / "objects.db")
    api = ApiServer(store, authenticator=Anybody(), authorizer=Anybody())
    cluster = api.inprocess
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}
    await cluster.create(namespace, manager="test")
    expiry = Expiry(api.backend, seconds=3600)
    for number in range(6):
        kind = "Warning" if number == 0 else "Normal"
        await cluster.create(event(f"e{number}") | {"type": kind}, manager="test")
    await expiry.sweep()
    assert [each["metadata"]["name"] for each in cluster.list(names.EVENT)] == ["e0", "e4", "e5"]
    hasty = Expiry(api.backend, seconds=0)
    await hasty.sweep()
    assert cluster.list(names.EVENT) == []
    await api.stop()
    await store.close()


def test_of_many_events_warnings_and_the_latest_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sampan.apiserver.expiry.MOST", 2)
    asyncio.run(flood(tmp_path))


def test_events_expire(tmp_path: Path) -> None:
    asyncio.run(story(tmp_path))
