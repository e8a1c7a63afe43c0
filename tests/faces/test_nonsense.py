"""Ten thousand requests that are almost right: no 5xx, no traceback, no hang, and then it works."""

import asyncio
import json
import random
import ssl
import time

import aiohttp
import pytest

import nonsense

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

REQUESTS = 10_000
AT_ONCE = 16
PATIENCE = 20  # seconds that one answer may take
FAIR = {504}  # a revision that is still to come; a real server says it so


class Run:
    """One seed's requests. `faults` says what should not have been."""

    def __init__(self, sampan, seed):
        self.url = sampan.state["api"]
        self.headers = {"Authorization": f"Bearer {sampan('token').strip()}"}
        self.tls = ssl.create_default_context(cafile=sampan.home / "keys" / "ca.crt")
        print("seed", seed)
        self.random = random.Random(seed)
        self.resources = nonsense.resources()
        self.left = REQUESTS
        self.codes = {}
        self.faults = []

    async def go(self):
        connector = aiohttp.TCPConnector(ssl=self.tls, limit=AT_ONCE)
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, headers=self.headers
        ) as session:
            await asyncio.gather(*(self._some(session) for _ in range(AT_ONCE)))

    async def _some(self, session):
        while self.left:
            self.left -= 1
            resource = self.random.choice(self.resources)
            name = f"n{self.random.randrange(8)}"
            method, path, body, kind = nonsense.request(resource, self.random, "nonsense", name)
            sent = {"Content-Type": kind} if kind else {}
            try:
                async with session.request(
                    method, self.url + path, data=body, headers=sent
                ) as answer:
                    text = await answer.read()
            except (TimeoutError, aiohttp.ClientError) as error:
                self.faults.append(f"{method} {path} {body!r:.2000}: {error!r}")
                continue
            self._judge(f"{method} {path} {body!r:.2000}", answer.status, text)

    def _judge(self, what, code, text):
        self.codes[code] = self.codes.get(code, 0) + 1
        fair = code < 500 or code in FAIR or b"resourceVersion should not be set" in text
        if b"Traceback" in text or not fair:
            self.faults.append(f"{what}: {code} {text[:500]!r}")
        elif code >= 400 and text.startswith(b"{"):
            status = json.loads(text)
            if not status.get("message") or status.get("kind") != "Status":
                self.faults.append(f"{what}: {code} without words: {text[:500]!r}")


def test_nonsense_is_refused_and_stops_nothing(own_sampan):
    own_sampan.up()
    own_sampan("apply", "-f", "-", text=json.dumps(namespace("nonsense")))
    own_sampan("apply", "-f", "-", text=json.dumps(namespace("sense")))
    run = Run(own_sampan, seed=time.time_ns())
    asyncio.run(run.go())
    print(run.codes)
    assert not run.faults, "\n".join(run.faults[:5])
    assert sum(run.codes.values()) == REQUESTS
    assert {201, 200, 404, 409, 422, 400} <= set(run.codes)
    log = (own_sampan.home / "sampan.log").read_text()
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:4000]
    own_sampan("apply", "-f", "-", text=json.dumps(deployment()))
    own_sampan("wait", "-n", "sense", "deployment/fine", "--for", "condition=Available")


def namespace(name):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def deployment():
    labels = {"app": "fine"}
    container = {"name": "c", "image": "busybox", "command": ["sleep", "1000"]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    meta = {"name": "fine", "namespace": "sense"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}
