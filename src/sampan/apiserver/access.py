"""Who asks, and whether they may: tokens and certificates in, `sampan.kube.access` decides.

No header but Authorization says who somebody is: X-Remote-User and its like are not looked at. Who
sends none is whom the certificate of the TLS connection names, which our CA has signed. (Upstream
looks at the certificate first; here `kubectl --token` means that token.) Impersonate-* is honoured
when the real user may `impersonate`. Who has neither is anonymous and may read the version and the
health, whatever the roles say.
Upstream: k8s.io/apiserver pkg/endpoints/filters/{authentication,authorization,impersonation}.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct

from sampan.apiserver import impersonation
from sampan.apiserver.http import Request
from sampan.kube import names
from sampan.kube.access import ANONYMOUS, Attributes, Authenticator, Authorizer, User
from sampan.kube.errors import Forbidden, Unauthorized

_PUBLIC = frozenset({"/version", "/healthz", "/livez", "/readyz"})


class Access(Struct, frozen=True):
    authenticator: Authenticator
    authorizer: Authorizer

    def user(self, request: Request) -> User:
        """The user of the request. Raises Unauthorized, Forbidden."""
        header = request.headers.get(b"authorization")
        if header is None:
            user = _certified(request.scope.get("sampan.certificate")) or ANONYMOUS
        else:
            token = _bearer(header)
            found = self.authenticator.user(token) if token else None
            if found is None:
                raise Unauthorized("Unauthorized")
            user = found
        if any(header.startswith(impersonation.PREFIX) for header in request.headers):
            wanted = impersonation.wish(request.scope["headers"])
            for right in wanted.rights:
                self.check(user, right)
            request.impersonator = user
            return wanted.user
        return user

    def check(self, user: User, asks: Attributes) -> None:
        """Raise Forbidden unless the user may."""
        if self.authorizer.allowed(user, asks) or (
            asks.path.rstrip("/") in _PUBLIC and asks.verb in ("get", "head")
        ):
            return
        raise refused(user, asks)


def _certified(certificate: Mapping[str, Any] | None) -> User | None:
    """The user that a certificate (as `ssl` shows it) names."""
    if not certificate:
        return None
    said = [attribute for parts in certificate["subject"] for attribute in parts]
    name = next((value for key, value in said if key == "commonName"), "")
    groups = [value for key, value in said if key == "organizationName"]
    return User(name, (*groups, names.GROUP_AUTHENTICATED)) if name else None


@lru_cache(100)
def _bearer(header: bytes) -> str:
    """The token in an Authorization header, "" when there is none. Remembered, because clients
    repeat theirs, and a long text is dear to decode and to hash."""
    scheme, _, token = header.decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def refused(user: User, asks: Attributes) -> Forbidden:
    """403, in the words of a real server."""
    if not asks.resource:
        text = f'User "{user.name}" cannot {asks.verb} path "{asks.path}"'
        return Forbidden(f"forbidden: {text}")
    label = f"{asks.resource}.{asks.group}" if asks.group else asks.resource
    wanted = f"{asks.resource}/{asks.subresource}" if asks.subresource else asks.resource
    named = f'{label} "{asks.name}" is forbidden' if asks.name else f"{label} is forbidden"
    where = f'in the namespace "{asks.namespace}"' if asks.namespace else "at the cluster scope"
    details = {"name": asks.name, "group": asks.group, "kind": asks.resource}
    return Forbidden(
        f'{named}: User "{user.name}" cannot {asks.verb} resource "{wanted}" in API group'
        f' "{asks.group}" {where}',
        {key: value for key, value in details.items() if value},
    )
