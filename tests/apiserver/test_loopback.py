"""The API server asked without a socket: whole answers, streams, and who leaves early."""

import asyncio

import orjson
import pytest

from sampan.apiserver.loopback import Loopback

ADMIN = {"Authorization": "Bearer admin"}
PODS = "/api/v1/namespaces/a/pods"


def pod(name):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "c", "image": "x"}]},
    }


async def ask(server, method, target, body=None, headers=ADMIN):
    data = b"" if body is None else orjson.dumps(body)
    sent = {**headers, "Content-Type": "application/json"}
    async with Loopback(server.asgi).open(method, target, sent, data) as reply:
        return reply.code, orjson.loads(await reply.read())


def test_an_answer_is_that_of_the_network(serve):
    async def scenario(client):
        assert (await ask(client.server, "POST", PODS, pod("p")))[0] == 201
        code, found = await ask(client.server, "GET", f"{PODS}?labelSelector=x%3Dy")
        assert (code, found["items"]) == (200, [])
        over_tls = (await client.get(f"{PODS}/p")).body
        assert (await ask(client.server, "GET", f"{PODS}/p"))[1] == over_tls

    serve(scenario)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        pytest.param({}, 403, id="nobody"),
        pytest.param({"Authorization": "Bearer forged"}, 401, id="forged"),
        pytest.param({"Authorization": "Bearer reader"}, 403, id="no-right"),
    ],
)
def test_nobody_is_trusted_for_being_in_the_process(serve, headers, code):
    async def scenario(client):
        assert (await ask(client.server, "POST", PODS, pod("p"), headers))[0] == code

    serve(scenario)


def test_a_watch_comes_bit_by_bit_and_ends_when_it_is_left(serve):
    async def scenario(client):
        loopback = Loopback(client.server.asgi)
        async with loopback.open("GET", f"{PODS}?watch=true", ADMIN) as reply:
            assert reply.code == 200
            pieces = reply.pieces()
            for name in ("p", "q"):
                await ask(client.server, "POST", PODS, pod(name))
                event = orjson.loads(await asyncio.wait_for(anext(pieces), 5))
                assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", name)
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not any("Dispatcher" in repr(task) for task in tasks)

    serve(scenario)


def test_who_does_not_read_is_cut_off(serve, monkeypatch):
    async def scenario(client):
        monkeypatch.setattr("sampan.apiserver.http.MOST_UNSENT", 1000)
        loopback = Loopback(client.server.asgi)
        async with loopback.open("GET", f"{PODS}?watch=true", ADMIN) as reply:
            for number in range(20):
                await ask(client.server, "POST", PODS, pod(f"p{number}"))
            assert await asyncio.wait_for(reply.read(), 5)
            assert reply.is_closing()

    serve(scenario)
