"""What the gateway says to anybody, and that it says no more."""

import asyncio
import json

import pytest

from sampan.gateway.routes import Gateway, Health

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
