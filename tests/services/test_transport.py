"""Kube over both of its transports: the same answers, in the process and over TLS."""

import asyncio

import pytest

from sampan.apiserver import certificates
from sampan.apiserver.api import ApiServer
from sampan.apiserver.loopback import Loopback
from sampan.kinds.core import COMPONENT as CORE
from sampan.kube import names
from sampan.kube.access import User
from sampan.kube.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    ServiceUnavailable,
    Unauthorized,
)
from sampan.lib.clock import SystemClock
from sampan.services.kube import CONFIG_MAP, SECRET, Kube
from sampan.services.wire import Wire
from sampan.store.objects import Store


class Doors:
    def user(self, token):
        return User(token, (names.GROUP_AUTHENTICATED,)) if token in ("ada", "bob") else None

    def allowed(self, user, asks):
        return user.name == "ada" or asks.resource.startswith("selfsubject")

    def reason(self, user, asks):
        return ""

    def rules(self, user, namespace):
        return []


@pytest.fixture(params=["loopback", "wire"])
def serve(request, tmp_path):
    """Run a scenario with a way to make the Kube of somebody."""

    async def run(scenario):
        store, doors = Store(tmp_path / "objects.db"), Doors()
        api = ApiServer(store, authenticator=doors, authorizer=doors, components=(CORE,))
        certs = certificates.ensure(tmp_path / "keys", SystemClock())
        port = await api.start("127.0.0.1", 0, certs)
        made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}
        await api.inprocess.create(made, manager="test")
        wire = Wire(f"https://127.0.0.1:{port}", certs.ca.read_text())
        transport = wire if request.param == "wire" else Loopback(api.asgi)
        try:
            await scenario(lambda token: Kube(transport, f"Bearer {token}" if token else ""))
        finally:
            await wire.close()
            await api.stop()
            await store.close()

    return lambda scenario: asyncio.run(run(scenario))


def test_verbs(serve):
    async def scenario(kube):
        ada = kube("ada")
        made = await ada.create(CONFIG_MAP, "a", {"metadata": {"name": "c"}, "data": {"x": "ü"}})
        assert (await ada.get(CONFIG_MAP, "a", "c"))["data"] == {"x": "ü"}
        patched = await ada.patch(CONFIG_MAP, "a", "c", {"data": {"y": "1"}})
        assert patched["data"] == {"x": "ü", "y": "1"}
        with pytest.raises(Conflict):
            await ada.replace(CONFIG_MAP, "a", made)
        found = await ada.list(CONFIG_MAP, "a", {"fieldSelector": "metadata.name=c"})
        assert [each["metadata"]["name"] for each in found["items"]] == ["c"]
        await ada.delete(CONFIG_MAP, "a", "c")
        with pytest.raises(NotFound):
            await ada.get(CONFIG_MAP, "a", "c")

    serve(scenario)


def test_everybody_is_who_he_is(serve):
    async def scenario(kube):
        assert (await kube("bob").who_am_i())["username"] == "bob"
        assert await kube("ada").may_i("get", SECRET, "a")
        assert not await kube("bob").may_i("get", SECRET, "a")
        with pytest.raises(Forbidden):
            await kube("bob").list(SECRET, "a")
        for nobody in ("eve", ""):
            with pytest.raises(Unauthorized):
                await kube(nobody).who_am_i()

    serve(scenario)


def test_a_watch_goes_on_until_it_is_left(serve):
    async def scenario(kube):
        ada = kube("ada")
        async with ada.watch(CONFIG_MAP, "a", {"labelSelector": "mine=1"}) as events:
            for number in range(3):
                meta = {"name": f"c{number}", "labels": {"mine": "1"}}
                await ada.create(CONFIG_MAP, "a", {"metadata": meta})
                type, found = await asyncio.wait_for(anext(events), 5)
                assert (type, found["metadata"]["name"]) == ("ADDED", f"c{number}")
        with pytest.raises(Forbidden):
            async with kube("bob").watch(CONFIG_MAP, "a"):
                pass

    serve(scenario)


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "a\x00"])
def test_no_name_leads_out_of_its_path(serve, name):
    async def scenario(kube):
        with pytest.raises(BadRequest):
            await kube("ada").get(SECRET, "a", name)

    serve(scenario)


def test_a_large_object_comes_whole(serve):
    async def scenario(kube):
        data = {"x": "y" * 900_000}
        await kube("ada").create(CONFIG_MAP, "a", {"metadata": {"name": "c"}, "data": data})
        assert (await kube("ada").get(CONFIG_MAP, "a", "c"))["data"] == data

    serve(scenario)


def test_nobody_there_is_told_as_such():
    async def scenario():
        wire = Wire("http://127.0.0.1:1")
        with pytest.raises(ServiceUnavailable):
            await Kube(wire, "Bearer x").who_am_i()
        await wire.close()

    asyncio.run(scenario())
