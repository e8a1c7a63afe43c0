"""Who asks for what: the words of authentication and authorisation, and RBAC's matching rule.

The API server knows only the two protocols; `sampan.auth` answers them from tokens and from the
Roles and bindings in the cluster. Upstream: k8s.io/apiserver pkg/authentication, plugin/pkg/auth/
authorizer/rbac.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from msgspec import Struct

from sampan.kube import names


class User(Struct, frozen=True):
    """An authenticated identity. `groups` holds system:authenticated already."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: dict[str, list[str]] = {}


ANONYMOUS = User(names.USER_ANONYMOUS, (names.GROUP_UNAUTHENTICATED,))
SYSTEM = User(names.USER_SYSTEM, (names.GROUP_MASTERS, names.GROUP_AUTHENTICATED))


class Attributes(Struct, frozen=True):
    """One request, as an authoriser sees it. Non-resource requests set only verb and path."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


class Authenticator(Protocol):
    def user(self, token: str) -> User | None:
        """The user that a bearer token belongs to; None when it is not (or no longer) valid."""
        ...


class Authorizer(Protocol):
    def allowed(self, user: User, asks: Attributes) -> bool: ...

    def reason(self, user: User, asks: Attributes) -> str:
        """Why a user who may may, in a sentence; "" when there is none to give."""
        ...

    def rules(self, user: User, namespace: str) -> list[Mapping[str, Any]]:
        """All RBAC PolicyRules that hold for the user in the namespace (`auth can-i --list`)."""
        ...


def rule_allows(rule: Mapping[str, Any], asks: Attributes) -> bool:
    """Whether one RBAC PolicyRule covers the request."""
    if not _has(rule.get("verbs", ()), asks.verb):
        return False
    if not asks.resource:
        return any(_path_matches(pattern, asks.path) for pattern in rule.get("nonResourceURLs", ()))
    if not _has(rule.get("apiGroups", ()), asks.group):
        return False
    wanted = f"{asks.resource}/{asks.subresource}" if asks.subresource else asks.resource
    resources = rule.get("resources", ())
    if not (_has(resources, wanted) or (asks.subresource and f"*/{asks.subresource}" in resources)):
        return False
    only = rule.get("resourceNames") or ()
    return not only or asks.name in only


def _has(values: Iterable[str], wanted: str) -> bool:
    return any(value in ("*", wanted) for value in values)


def _path_matches(pattern: str, path: str) -> bool:
    if pattern.endswith("*"):
        return path.startswith(pattern[:-1])
    return pattern == path
