"""The API server as a pod's service account sees it.

Requests carry a token of the account, bound to the pod, so that roles, admission and the audit
trail are those of a program in the pod. How a request gets there is the owner's affair: `Server` is
`sampan.apiserver.loopback`, which needs no socket, or anything like it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import orjson

from sampan.engine.cluster import Cluster
from sampan.kube import names
from sampan.kube.errors import Unauthorized, from_status
from sampan.kube.keys import Key, Manifest

JSON = "application/json"
SECONDS = 3600
"""How long a token is good for."""


class Reply(Protocol):
    code: int

    async def read(self) -> bytes: ...


class Server(Protocol):
    def open(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> AbstractAsyncContextManager[Reply]:
        """`target` is a path with its query, quoted."""
        ...


class Api:
    """`mint` makes a token, and is called again when one has become too old."""

    def __init__(self, server: Server, mint: Callable[[], Awaitable[str]]) -> None:
        self._server = server
        self._mint = mint
        self._token = ""

    async def request(
        self, method: str, path: str, body: Any = None, *, accept: str = JSON,
        content_type: str = JSON,
    ) -> Any:  # fmt: skip
        """The decoded answer. Raises ApiStatus. `path` has its query and is quoted."""
        data = b"" if body is None else orjson.dumps(body)
        headers = {"Accept": accept, "User-Agent": "argoexec"}
        if data:
            headers |= {"Content-Type": content_type, "Content-Length": str(len(data))}
        fresh = not self._token
        self._token = self._token or await self._mint()
        try:
            return await self._asked(method, path, headers, data)
        except Unauthorized:
            if fresh:
                raise
        self._token = await self._mint()
        return await self._asked(method, path, headers, data)

    async def _asked(self, method: str, path: str, headers: Mapping[str, str], data: bytes) -> Any:
        whole = {**headers, "Authorization": f"Bearer {self._token}"}
        async with self._server.open(method, path, whole, data) as reply:
            content = await reply.read()
        answer = orjson.loads(content) if content else None
        if reply.code >= 300:
            status = answer if isinstance(answer, dict) else {}
            raise from_status(status, reply.code)
        return answer


async def token_of(cluster: Cluster, pod: Manifest) -> str:
    """A token of the pod's service account, good as long as the pod. ApiStatus."""
    about, spec = pod["metadata"], pod["spec"]
    account = spec.get("serviceAccountName") or "default"
    bound = {"apiVersion": "v1", "kind": "Pod", "name": about["name"], "uid": about["uid"]}
    request = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"audiences": [], "expirationSeconds": SECONDS, "boundObjectRef": bound},
    }
    key = Key(names.SERVICE_ACCOUNT, about["namespace"], account)
    answer = await cluster.post(key, "token", request)
    return str(answer["status"]["token"])
