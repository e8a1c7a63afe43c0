"""What the gateway says to anybody, and that it says no more."""

import asyncio
import json

import pytest

from sampan.gateway.routes import Gateway, Health, knows

HEALTH = {"api": Health(True), "node": Health(False, "<starting>")}


def ask(path, method="GET", health=HEALTH):
    sent = []

    async def send(message):
        sent.append(message)

    gateway = Gateway(lambda: health, "https://127.0.0.1:6443")
    asyncio.run(gateway({"type": "http", "path": path, "method": method}, None, send))
    return sent[0]["status"], sent[1]["body"]


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        pytest.param("/healthz", "GET", 200, id="alive"),
        pytest.param("/readyz", "GET", 503, id="not-ready"),
        pytest.param("/pipeline", "GET", 404, id="not-yet"),
        pytest.param("/../etc/passwd", "GET", 404, id="no-files"),
        pytest.param("/", "POST", 405, id="read-only"),
    ],
)
def test_status(path, method, status):
    assert ask(path, method)[0] == status


def test_components_say_what_is_wrong():
    assert json.loads(ask("/readyz.json")[1])["node"] == {"ready": False, "message": "<starting>"}


def test_the_front_page_escapes_messages():
    assert b"&lt;starting&gt;" in ask("/")[1]


def test_head_has_no_body():
    assert ask("/", "HEAD") == (200, b"")


def test_ready_when_all_are():
    assert ask("/readyz", health={"api": Health(True)}) == (200, b"ok")


@pytest.mark.parametrize(
    ("host", "known"),
    [
        pytest.param("127.0.0.1:8080", True, id="address"),
        pytest.param("localhost:8080", True, id="localhost"),
        pytest.param("LocalHost.", True, id="spelled-otherwise"),
        pytest.param("a.localhost", True, id="below-localhost"),
        pytest.param("[::1]:8080", True, id="six"),
        pytest.param("box.example:80", True, id="configured"),
        pytest.param("evil.example", False, id="rebound"),
        pytest.param("127.0.0.1.evil.example", False, id="looks-like-an-address"),
        pytest.param("localhost.evil.example", False, id="looks-like-localhost"),
    ],
)
def test_only_names_of_this_machine_are_served(host, known):
    assert knows([(b"host", host.encode())], ["box.example"]) is known


def test_a_product_is_asked_below_its_prefix_only():
    asked = []

    async def product(scope, receive, send):
        asked.append(scope["path"])
        await send({"status": 200})
        await send({"body": b""})

    gateway = Gateway(lambda: HEALTH, "", {"/argo": product})
    for path in ("/argo", "/argo/api", "/argos", "/"):
        asyncio.run(gateway({"type": "http", "path": path, "method": "GET"}, None, _nowhere))
    assert asked == ["/argo", "/argo/api"]


def test_there_are_no_websockets():
    """One that nobody answers is a fault of the server's."""
    sent = []

    async def send(message):
        sent.append(message)

    gateway = Gateway(dict, "")
    asyncio.run(gateway({"type": "websocket", "path": "/pipeline/x", "headers": []}, None, send))
    assert [each["type"] for each in sent] == ["websocket.close"]


async def _nowhere(message):
    pass
