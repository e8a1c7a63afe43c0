"""A webhook server with a certificate of its own CA, and configurations that lead to it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from msgspec import Struct

from sampan.apiserver import certificates
from sampan.lib.clock import SystemClock

REGISTRATION = "/apis/admissionregistration.k8s.io/v1"
SERVICE = "hook.a.svc"


class Hooks(Struct):
    """`answers` are functions from a request to a response, by path; `asked` is what was asked."""

    port: int
    bundle: str
    answers: dict[str, Callable[[Any], Any]]
    asked: list[tuple[str, Any]]

    def at(self, path: str, answer: Callable[[Any], Any], **more: Any) -> dict[str, Any]:
        """A webhook at a path of this server, for ConfigMaps unless `more` says otherwise."""
        self.answers[path] = answer
        url = f"https://127.0.0.1:{self.port}{path}"
        return hook(path.strip("/"), url=url, caBundle=self.bundle) | more

    def of(self, path: str) -> list[Any]:
        return [request for asked, request in self.asked if asked == path]


def hook(name: str, **config: Any) -> dict[str, Any]:
    return {
        "name": f"{name}.example.com",
        "clientConfig": config,
        "rules": [rule("configmaps")],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }


def rule(*resources: str, group: str = "", version: str = "*", on: str = "*") -> dict[str, Any]:
    return {
        "apiGroups": [group],
        "apiVersions": [version],
        "operations": [on],
        "resources": list(resources),
    }


def configuration(kind: str, *webhooks: dict[str, Any], name: str = "c") -> dict[str, Any]:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": list(webhooks),
    }


async def configure(client: Any, kind: str, *webhooks: dict[str, Any], name: str = "c") -> Any:
    path = f"{REGISTRATION}/{kind.lower()}webhookconfigurations"
    made = await client.post(path, configuration(kind, *webhooks, name=name))
    assert made.code == 201, made.body
    return made


def allow(request: Any) -> Any:
    return {"allowed": True}


def deny(text: str = "", **status: Any) -> Callable[[Any], Any]:
    found = ({"message": text} if text else {}) | status
    return lambda request: {"allowed": False, "status": found}


def patch(*operations: Any) -> Callable[[Any], Any]:
    encoded = base64.b64encode(orjson.dumps(list(operations))).decode()
    return lambda request: {"allowed": True, "patchType": "JSONPatch", "patch": encoded}


def config_map(name: str = "m", **data: str) -> dict[str, Any]:
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name}, "data": data}


@contextlib.asynccontextmanager
async def serving(keys: certificates.Certificates) -> AsyncIterator[Hooks]:
    bundle = base64.b64encode(keys.ca.read_bytes()).decode()
    hooks = Hooks(0, bundle, {}, [])

    async def answer(request: web.Request) -> web.Response:
        review = orjson.loads(await request.read())
        hooks.asked.append((request.path, review["request"]))
        said = hooks.answers[request.path](review["request"])
        if isinstance(said, float):
            await asyncio.sleep(said)
            said = {"allowed": True}
        if isinstance(said, web.Response):
            return said
        body = {
            "kind": "AdmissionReview",
            "apiVersion": review["apiVersion"],
            "response": {"uid": review["request"]["uid"]} | said,
        }
        return web.Response(body=orjson.dumps(body), content_type="application/json")

    app = web.Application()
    app.router.add_post("/{path}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(keys.certificate, keys.key)
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    hooks.port = runner.addresses[0][1]
    try:
        yield hooks
    finally:
        await runner.cleanup()


@pytest.fixture(scope="session")
def hook_keys(tmp_path_factory: pytest.TempPathFactory) -> certificates.Certificates:
    directory: Path = tmp_path_factory.mktemp("hooks")
    return certificates.ensure(directory, SystemClock(), ["127.0.0.1", SERVICE])


@pytest.fixture
def hooked(serve: Callable[..., None], hook_keys: certificates.Certificates) -> Callable[..., None]:
    """Run a scenario(client, hooks) against a fresh server and a webhook server."""

    def start(scenario: Any, **parts: Any) -> None:
        async def run(client: Any) -> None:
            async with serving(hook_keys) as hooks:
                await scenario(client, hooks)

        serve(run, **parts)

    return start
