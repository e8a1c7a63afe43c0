from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from sampan.apiserver import certificates
from sampan.lib.clock import SystemClock
from sampan.nodes.executor.http import Answer, body_of, canonical, judge, request
from sampan.nodes.executor.job import Failed

TEMPLATE: dict[str, Any] = {"url": "http://x/", "method": "PUT", "body": "ask"}


def said(status: int = 200, body: str = "hello", **template: Any) -> dict[str, Any]:
    answer = Answer(status, {"Content-Type": ["text/plain"]}, body)
    return judge({**TEMPLATE, **template}, [("x-one", "1"), ("X-One", "2")], answer)


@pytest.mark.parametrize(
    ("status", "phase", "message"),
    [
        (200, "Succeeded", ""),
        (204, "Succeeded", ""),
        (302, "Failed", "received non-2xx response code: 302"),
        (404, "Failed", "received non-2xx response code: 404"),
    ],
)
def test_an_answer_is_judged_by_its_status(status: int, phase: str, message: str) -> None:
    outputs = {"result": "hello"}
    assert said(status) == {"phase": phase, "message": message, "outputs": outputs}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("response.statusCode == 500", True),
        ('response.body contains "ell"', True),
        ('response.headers["Content-Type"][0] == "text/plain"', True),
        ('request.method == "PUT" && request.url == "http://x/"', True),
        ('request.headers["X-One"] == ["1", "2"]', True),
        ('request.body == "ask" && string(request.bodyBytes) != ""', True),
        ("response.statusCode < 500", False),
    ],
)
def test_a_condition_is_all_that_counts(condition: str, holds: bool) -> None:
    found = said(500, successCondition=condition)
    assert found["phase"] == ("Succeeded" if holds else "Failed")
    if not holds:
        assert found["message"] == f"successCondition '{condition}' evaluated false"


@pytest.mark.parametrize("condition", ["response.", "nobody", "response.statusCode"])
def test_a_condition_that_says_nothing_is_told(condition: str) -> None:
    with pytest.raises(Failed):
        said(successCondition=condition)


def test_bodies() -> None:
    assert body_of({"body": "é"}) == "é".encode()
    assert body_of({"bodyFrom": {"bytes": "AAE="}}) == b"\x00\x01"
    assert body_of({}) == b""
    with pytest.raises(Failed, match="no base64"):
        body_of({"bodyFrom": {"bytes": "?"}})


@pytest.mark.parametrize(("name", "shown"), [("x-one", "X-One"), ("ETAG", "Etag"), ("a", "A")])
def test_headers_have_names_as_Go_writes_them(name: str, shown: str) -> None:
    assert canonical(name) == shown


def test_who_a_server_is_matters_unless_a_template_says_otherwise(tmp_path: Path) -> None:
    held = certificates.ensure(tmp_path, SystemClock())
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(held.certificate, held.key)
    job: Any = SimpleNamespace(manifest={"metadata": {"namespace": "a"}}, route=lambda *_: "")

    async def answers(asked: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def scenario() -> None:
        runner = web.ServerRunner(web.Server(answers))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        template = {"url": f"https://127.0.0.1:{runner.addresses[0][1]}/"}
        try:
            with pytest.raises(Failed, match="certificate"):
                await request(job, template)
            found = await request(job, {**template, "insecureSkipVerify": True})
        finally:
            await runner.cleanup()
        assert found["outputs"] == {"result": "hello"}

    asyncio.run(scenario())
