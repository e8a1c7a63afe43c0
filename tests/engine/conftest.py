"""A real API server in a directory of its own, in process and over TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from msgspec import Struct

from sampan.apiserver import certificates
from sampan.apiserver.api import ApiServer
from sampan.auth.keys import SigningKey
from sampan.auth.rbac import Rbac
from sampan.auth.tokens import Tokens
from sampan.engine import kubeconfig
from sampan.engine.kubeconfig import Access
from sampan.engine.local import LocalCluster
from sampan.kinds.core import COMPONENT
from sampan.kube import names
from sampan.lib.clock import SystemClock
from sampan.store.objects import Store


class Served(Struct, frozen=True):
    """`api` is the server; `cluster` calls it as functions, `access` is the way over HTTP."""

    api: ApiServer
    cluster: LocalCluster
    access: Access


Serve = Callable[[], AbstractAsyncContextManager[Served]]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Starts the server; what it stored stays in `tmp_path` for the next start."""

    @asynccontextmanager
    async def serving() -> AsyncIterator[Served]:
        clock = SystemClock()
        held = certificates.ensure(tmp_path / "keys", clock)
        store = Store(tmp_path / "objects.db")
        tokens = Tokens(
            SigningKey.load_or_make(tmp_path / "keys" / "signing.key"),
            clock,
            lambda key: api.inprocess.get(key),
        )
        rbac = Rbac(lambda kind: api.inprocess.list(kind), lambda key: api.inprocess.get(key))
        api = ApiServer(
            store, authenticator=tokens, authorizer=rbac, components=(COMPONENT,), clock=clock
        )
        port = await api.start("127.0.0.1", 0, held)
        config = tmp_path / "kubeconfig"
        token = tokens.for_person("admin", [names.GROUP_MASTERS], 3600)
        certificates.write_kubeconfig(
            config, server=f"https://127.0.0.1:{port}", ca=held.ca, token=token, name="test"
        )
        try:
            yield Served(api, LocalCluster(api.inprocess), kubeconfig.load(config))
        finally:
            await api.stop()
            await store.close()

    return serving
