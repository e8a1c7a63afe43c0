"""ApiServer: the parts put together. This is what `sampan.app` starts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sampan.apiserver import aggregation, metrics, observe, snapshot
from sampan.apiserver.access import Access
from sampan.apiserver.accounts import AccountSecrets, IssueLasting, IssueToken, TokenRequests
from sampan.apiserver.admitting import late
from sampan.apiserver.authority import Authority
from sampan.apiserver.backend import Backend
from sampan.apiserver.certificates import Certificates
from sampan.apiserver.customresources import Definitions
from sampan.apiserver.dispatch import Dispatcher
from sampan.apiserver.endpoints import Endpoints
from sampan.apiserver.expiry import Expiry
from sampan.apiserver.inprocess import InProcess
from sampan.apiserver.observe import Audit, Collect, Exposition, Requests
from sampan.apiserver.paths import Paths
from sampan.apiserver.posting import Posting
from sampan.apiserver.quotas.report import Quotas
from sampan.apiserver.resources import Resources
from sampan.apiserver.reviews import Reviews, ReviewToken
from sampan.apiserver.server import Server
from sampan.apiserver.signing import Sign, Signing
from sampan.apiserver.snapshot import Snapshot
from sampan.apiserver.streams import Streams
from sampan.apiserver.subresources import Subresources
from sampan.apiserver.watch import Watches
from sampan.kube import names
from sampan.kube.access import Authenticator, Authorizer
from sampan.kube.component import Component, Rules
from sampan.kube.streams import NodeAgent
from sampan.lib.clock import Clock, SystemClock
from sampan.store.objects import Store


class ApiServer:
    """An API server on a store. Make it inside the running event loop.

    issue, audience, review: for serviceaccounts/token and TokenReviews with audiences.
    sign: makes the certificates of clients that CertificateSigningRequests ask for.
    issue_lasting: for Secrets that hold a service account's token.
    published: documents that everybody with discovery rights may read, by path
    (`/openid/v1/jwks`).
    """

    def __init__(
        self,
        store: Store,
        *,
        authenticator: Authenticator,
        authorizer: Authorizer,
        components: Iterable[Component] = (),
        node: NodeAgent | None = None,
        issue: IssueToken | None = None,
        issue_lasting: IssueLasting | None = None,
        audience: str = "",
        sign: Sign | None = None,
        review: ReviewToken | None = None,
        published: Mapping[str, Any] | None = None,
        clock: Clock | None = None,
        audit: Audit | None = None,
        collect: Collect = tuple,
    ) -> None:
        rules: dict[str, Sequence[Rules]] = {}
        for component in components:
            for kind, given in component.rules.items():
                rules[kind] = (*rules.get(kind, ()), given)
        self.backend = Backend(store, Resources(), rules, clock or SystemClock())
        self.watches = Watches(self.backend)
        self._definitions = Definitions(self.backend, self.watches.end)
        self._signing = Signing(self.backend, sign)
        own = {
            names.CRD: self._definitions.rules,
            names.SIGNING_REQUEST: self._signing.rules,
            **late.rules(lambda: self.backend),
        }
        for kind, given in own.items():
            rules[kind] = (*rules.get(kind, ()), given)
        posting = Posting(self.backend, TokenRequests(self.backend, issue, audience))
        reviews = Reviews(authenticator, authorizer, review)
        self._streams = Streams(self.backend, node)
        for source in (
            metrics.Metrics(self.backend, self._streams),
            aggregation.ApiServices(self.backend),
        ):
            self.backend.computed.update(dict.fromkeys(source.kinds, source))
        for resource in metrics.resources():
            self.backend.resources.add(resource)
        requests = Requests(audit)
        exposition = Exposition(self.backend, self.watches, requests, collect)
        served = {snapshot.PATH: Snapshot(store).serve, observe.PATH: exposition.serve}
        self._paths = Paths(self.backend.resources, self.backend.clock, published or {}, served)
        endpoints = Endpoints(self.backend, self.watches, posting, reviews)
        self.asgi = Dispatcher(
            self.backend,
            Access(authenticator, authorizer),
            self._paths,
            endpoints,
            Subresources(self.backend, endpoints, posting, self._streams),
            requests,
        )
        self.inprocess = InProcess(self.backend, posting)
        self._server = Server(self.asgi)
        self._definitions.start()
        self.hooks = late.LateHooks(self.backend, authorizer, self._streams.agent)
        self._quotas = Quotas(self.backend)
        self._secrets = AccountSecrets(self.backend, issue_lasting) if issue_lasting else None
        authority = Authority(self.backend, authorizer)
        self.backend.gate.may_create = authority.may_create
        self.backend.gate.may_grant = authority.may_grant
        self._expiry = asyncio.create_task(Expiry(self.backend).run())

    async def start(self, host: str, port: int, certificates: Certificates | None) -> int:
        """Listen (with TLS when there are certificates); answers with the port."""
        return await self._server.start(host, port, certificates)

    def attach(self, node: NodeAgent) -> None:
        """Logs and commands of pods go to this node, which itself needs the API to exist."""
        self._streams.node = node

    def ready(self, ready: bool = True) -> None:
        """What /readyz and /healthz say; the program is ready when its parts are."""
        self._paths.ready = ready

    async def stop(self) -> None:
        """End watches, finish what is under way, close the sockets. The store stays open."""
        self._expiry.cancel()
        self.watches.close()
        await self._server.stop()
        if self._secrets is not None:
            await self._secrets.close()
        await self._signing.close()
        await self._quotas.close()
        await self._definitions.close()
        self.hooks.close()
