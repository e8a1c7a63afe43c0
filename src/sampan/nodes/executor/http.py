"""A request of an `http` template, and what its answer means.

Hosts are found as a pod of the namespace finds them: services of the cluster by their names, pods
by their addresses, everything else as this machine does. Redirects are followed, each of them
looked at anew; one to another host is told no credentials. A body has a limit.
Upstream: argo-workflows workflow/executor/agent.go executeHTTPTemplate.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from sampan.kube import names
from sampan.kube.keys import Key, Manifest
from sampan.lib import expr
from sampan.lib.later import later
from sampan.nodes.account import Api, token_of
from sampan.nodes.executor.job import Failed, Job

LARGEST = 1 << 20
"""Bytes of an answer: no status could hold more."""
_REDIRECTS = 10
_CONNECT = 30.0
_SECRET_HEADERS = ("authorization", "www-authenticate", "cookie", "cookie2")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})

Result = dict[str, Any]


class Answer:
    def __init__(self, status: int, headers: Mapping[str, list[str]], body: str) -> None:
        self.status = status
        self.headers = headers
        self.body = body


async def request(job: Job, template: Manifest) -> Result:
    """What is to be said of the node. Raises Failed."""
    headers = [await _header(job, each) for each in template.get("headers") or ()]
    seconds = template.get("timeoutSeconds")
    try:
        async with asyncio.timeout(None if seconds is None else float(seconds)):
            answer = await _ask(job, template, headers)
    except TimeoutError:
        method, url = template.get("method") or "GET", template.get("url")
        raise Failed(f'{method.capitalize()} "{url}": context deadline exceeded') from None
    return await asyncio.to_thread(judge, template, headers, answer)


def judge(template: Manifest, headers: list[tuple[str, str]], answer: Answer) -> Result:
    """Whether an answer is a success. Raises Failed."""
    result: Result = {"phase": "Succeeded", "message": "", "outputs": {"result": answer.body}}
    condition = template.get("successCondition")
    if not condition:
        if not 200 <= answer.status < 300:
            result["phase"] = "Failed"
            result["message"] = f"received non-2xx response code: {answer.status}"
        return result
    env = {
        "request": {
            "method": template.get("method") or "",
            "url": template.get("url") or "",
            "body": template.get("body") or "",
            "bodyBytes": body_of(template),
            "headers": _listed(headers),
        },
        "response": {
            "statusCode": answer.status,
            "body": answer.body,
            "headers": answer.headers,
        },
    }
    try:
        holds = expr.compile(condition).run(env)
    except expr.Mistake as mistake:
        raise Failed(str(mistake)) from mistake
    if not isinstance(holds, bool):
        raise Failed(f"unable to cast expression result '{expr.show(holds)}' to bool")
    if not holds:
        result["phase"] = "Failed"
        result["message"] = f"successCondition '{condition}' evaluated false"
    return result


def body_of(template: Manifest) -> bytes:
    """Raises Failed."""
    source = template.get("bodyFrom")
    if source is None:
        return str(template.get("body") or "").encode()
    try:
        return base64.b64decode(source.get("bytes") or "", validate=True)
    except binascii.Error as error:
        raise Failed(f"bodyFrom.bytes is no base64: {error}") from error


def canonical(name: str) -> str:
    """As Go writes names of headers: `Content-Type`."""
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


def _listed(pairs: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(canonical(name), []).append(value)
    return found


async def _header(job: Job, header: Manifest) -> tuple[str, str]:
    """Its value may lie in a Secret that the pod's service account may read."""
    name = str(header.get("name") or "")
    source = (header.get("valueFrom") or {}).get("secretKeyRef")
    value = str(header.get("value") or "") if source is None else await _secret(job, source)
    if not name or any(sign in name + value for sign in "\r\n\0"):
        raise Failed(f"net/http: invalid header field {name!r}")
    return name, value


async def _secret(job: Job, source: Manifest) -> str:
    if job.server is None:
        raise Failed("this node does not know its API server")
    namespace = job.manifest["metadata"]["namespace"]
    api = Api(job.server, lambda: token_of(job.cluster, job.manifest))
    key = Key(names.SECRET, namespace, str(source.get("name") or ""))
    found = await api.request("GET", f"/api/v1/namespaces/{key.namespace}/secrets/{key.name}")
    data = (found.get("data") or {}).get(source.get("key"))
    if data is None:
        raise Failed(f"secret {key.name!r} does not have the key {source.get('key')!r}")
    return base64.b64decode(data).decode(errors="replace")


async def _ask(job: Job, template: Manifest, headers: list[tuple[str, str]]) -> Answer:
    method = str(template.get("method") or "GET")
    if method.upper() not in _METHODS:
        raise Failed(f"net/http: invalid method {method!r}")
    url, body = str(template.get("url") or ""), body_of(template)
    asking = headers
    checked = not template.get("insecureSkipVerify")
    aiohttp = later("aiohttp")
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT)
    async with aiohttp.ClientSession(timeout=timeout, auto_decompress=True) as session:
        for _ in range(_REDIRECTS + 1):
            proxy = await _way(job, url)
            try:
                async with session.request(
                    method, url, data=body or None, headers=asking, proxy=proxy, ssl=checked,
                    allow_redirects=False,
                ) as reply:  # fmt: skip
                    if proxy and "Proxy-Authenticate" in reply.headers:  # our own word
                        raise Failed(f'{method.capitalize()} "{url}": dial tcp: {reply.reason}')
                    onward = reply.headers.get("Location")
                    if reply.status not in (301, 302, 303, 307, 308) or not onward:
                        return await _answer(reply)
                    status = reply.status
            except aiohttp.ClientHttpProxyError as error:  # its own text has our word in it
                raise Failed(f'{method.capitalize()} "{url}": dial tcp: {error.message}') from None
            except (aiohttp.ClientError, OSError, ValueError) as error:
                raise Failed(f'{method.capitalize()} "{url}": {_reason(error)}') from error
            before, url = url, urljoin(url, onward)
            if status not in (307, 308):
                method, body = ("HEAD" if method == "HEAD" else "GET"), b""
            if urlsplit(url).netloc != urlsplit(before).netloc:
                asking = [each for each in asking if each[0].lower() not in _SECRET_HEADERS]
                asking = [each for each in asking if each[0].lower() != "host"]
    raise Failed(f'{method.capitalize()} "{url}": stopped after {_REDIRECTS} redirects')


async def _way(job: Job, url: str) -> str | None:
    """The proxy to what only pods can reach. Raises Failed for what is no URL of HTTP."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise Failed(f'parse "{url}": {error}') from error
    if parts.scheme not in ("http", "https") or not host:
        raise Failed(f'Get "{url}": unsupported protocol scheme "{parts.scheme}"')
    port = port or (443 if parts.scheme == "https" else 80)
    namespace = job.manifest["metadata"]["namespace"]
    return await asyncio.to_thread(job.route, host, port, namespace) or None


async def _answer(reply: Any) -> Answer:
    parts: list[bytes] = []
    size = 0
    async for chunk in reply.content.iter_any():
        parts.append(chunk)
        size += len(chunk)
        if size > LARGEST:
            raise Failed(f"the body of the answer is longer than {LARGEST} bytes")
    text = b"".join(parts).decode(errors="replace")
    return Answer(reply.status, _listed(reply.headers.items()), text)


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__
