"""`authorizer` in expressions: asks whether somebody may do something.

authorizer.group("apps").resource("deployments").namespace("a").check("create").allowed()

Upstream: k8s.io/apiserver pkg/cel/library/authz.go.
"""

from __future__ import annotations

from typing import Any

import msgspec

from sampan.kube import names
from sampan.kube.access import Attributes, Authorizer, User

AUTHORIZER_TYPE = "kubernetes.authorization.Authorizer"
_AUTHORIZER, _PATH = AUTHORIZER_TYPE, "kubernetes.authorization.PathCheck"
_GROUP, _RESOURCE = "kubernetes.authorization.GroupCheck", "kubernetes.authorization.ResourceCheck"
_DECISION = "kubernetes.authorization.Decision"


class Asking:
    """A question that is not complete yet: all steps of the chain are this one class."""

    __slots__ = ("asks", "authorizer", "cel_type", "user")

    def __init__(
        self, authorizer: Authorizer, user: User, asks: Attributes, cel_type: str = _AUTHORIZER
    ) -> None:
        self.authorizer = authorizer
        self.user = user
        self.asks = asks
        self.cel_type = cel_type

    def more(self, cel_type: str, **changes: Any) -> Asking:
        asks = msgspec.structs.replace(self.asks, **changes)
        return Asking(self.authorizer, self.user, asks, cel_type)

    def account(self, namespace: str, name: str) -> Asking:
        accounts = names.GROUP_SERVICE_ACCOUNTS
        groups = (accounts, f"{accounts}:{namespace}", names.GROUP_AUTHENTICATED)
        user = User(f"system:serviceaccount:{namespace}:{name}", groups)
        return Asking(self.authorizer, user, self.asks)

    def check(self, verb: str) -> Decision:
        asks = msgspec.structs.replace(self.asks, verb=verb)
        return Decision(self.authorizer.allowed(self.user, asks))


class Decision:
    __slots__ = ("allowed",)
    cel_type = _DECISION

    def __init__(self, allowed: bool) -> None:
        self.allowed = allowed


def _setting(field: str, cel_type: str) -> Any:
    return lambda asking, value: asking.more(cel_type, **{field: value})


AUTHORIZER: list[tuple[Any, ...]] = [
    ("path", _setting("path", _PATH), f"{_AUTHORIZER} . string -> {_PATH}"),
    ("group", _setting("group", _GROUP), f"{_AUTHORIZER} . string -> {_GROUP}"),
    ("serviceAccount", Asking.account, f"{_AUTHORIZER} . string, string -> {_AUTHORIZER}"),
    ("resource", _setting("resource", _RESOURCE), f"{_GROUP} . string -> {_RESOURCE}"),
    ("subresource", _setting("subresource", _RESOURCE), f"{_RESOURCE} . string -> {_RESOURCE}"),
    ("namespace", _setting("namespace", _RESOURCE), f"{_RESOURCE} . string -> {_RESOURCE}"),
    ("name", _setting("name", _RESOURCE), f"{_RESOURCE} . string -> {_RESOURCE}"),
    ("check", Asking.check, f"{_PATH} . string -> {_DECISION}",
     f"{_RESOURCE} . string -> {_DECISION}"),
    ("allowed", lambda decision: decision.allowed, f"{_DECISION} . -> bool"),
    ("errored", lambda decision: False, f"{_DECISION} . -> bool"),
    ("error", lambda decision: "", f"{_DECISION} . -> string"),
    ("reason", lambda decision: "", f"{_DECISION} . -> string"),
]  # fmt: skip
