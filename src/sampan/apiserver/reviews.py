"""Reviews: questions about who somebody is and what he may do. Asked by a POST, never stored.

Upstream: k8s.io/kubernetes pkg/registry/{authentication,authorization}, pkg/apis/authorization/
validation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from sampan.apiserver import admission
from sampan.apiserver.calls import Call
from sampan.apiserver.resources import Resource
from sampan.kube.access import Attributes, Authenticator, Authorizer, User
from sampan.kube.errors import BadRequest, Problem, invalid
from sampan.kube.keys import Manifest

ReviewToken = Callable[[str, Sequence[str]], tuple[User, list[str]] | None]
"""(token, audiences; none: the API server's) -> (user, those audiences that it is good for)."""

_RESOURCE, _PATH = "spec.resourceAttributes", "spec.nonResourceAttributes"
_SHOWN = ("verbs", "apiGroups", "resources", "resourceNames")


class Reviews(Struct, frozen=True):
    authenticator: Authenticator
    authorizer: Authorizer
    review: ReviewToken | None = None

    def reviewed(self, resource: Resource, namespace: str, body: Manifest, call: Call) -> Manifest:
        """The same object with its status. Raises Invalid, BadRequest."""
        body.setdefault("apiVersion", resource.api_version)
        body.setdefault("kind", resource.object_kind)
        admission.check(resource, body, call)
        spec, meta = body.get("spec") or {}, body.get("metadata") or {}
        kind = resource.object_kind
        if kind.endswith("SubjectAccessReview"):
            if faults := _problems(kind, namespace, spec):
                raise resource.invalid("", faults)
            user = call.user if kind == "SelfSubjectAccessReview" else _subject(spec)
            status = self._allowed(user, spec)
        elif kind == "SelfSubjectRulesReview":
            status = self._rules(call.user, spec)
        elif kind == "SelfSubjectReview":
            status = {"userInfo": _info(call.user)}
        elif kind == "TokenReview":
            status = self._token(resource, spec)
        else:
            raise resource.no_such_verb()
        meta = {"creationTimestamp": None, **meta}
        return body | {"metadata": meta, "spec": spec, "status": status}

    def _allowed(self, user: User, spec: Mapping[str, Any]) -> dict[str, Any]:
        asks = _attributes(spec)
        allowed = self.authorizer.allowed(user, asks)
        reason = self.authorizer.reason(user, asks) if allowed else ""
        return {"allowed": allowed} | ({"reason": reason} if reason else {})

    def _rules(self, user: User, spec: Mapping[str, Any]) -> dict[str, Any]:
        namespace = spec.get("namespace") or ""
        if not namespace:
            raise BadRequest("no namespace on request")
        rules = self.authorizer.rules(user, namespace)
        return {
            "resourceRules": [
                {name: rule[name] for name in _SHOWN if rule.get(name)}
                for rule in rules
                if rule.get("resources")
            ],
            "nonResourceRules": [
                {"verbs": rule["verbs"], "nonResourceURLs": rule["nonResourceURLs"]}
                for rule in rules
                if rule.get("nonResourceURLs")
            ],
            "incomplete": False,
        }

    def _token(self, resource: Resource, spec: Mapping[str, Any]) -> dict[str, Any]:
        token, audiences = spec.get("token") or "", spec.get("audiences") or []
        if not isinstance(token, str) or not isinstance(audiences, list):
            raise BadRequest("TokenReview.spec: token must be a string, audiences a list")
        if not token:
            raise BadRequest("token is required for TokenReview in authentication")
        if self.review is not None:
            found = self.review(token, audiences)
            user, good_for = found or (None, [])
        else:
            user, good_for = self.authenticator.user(token), []
        if user is None:
            return {"user": {}, "error": "invalid bearer token"}
        status: dict[str, Any] = {"authenticated": True, "user": _info(user)}
        return status | ({"audiences": good_for} if good_for else {})


def _problems(kind: str, namespace: str, spec: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with the question."""
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    found = []
    for name, given in ((_RESOURCE, resource), (_PATH, path)):
        if given is not None and not isinstance(given, dict):
            raise BadRequest(f"{kind}.{name} must be an object")
    if resource is not None and path is not None:
        fault = "cannot be specified in combination with resourceAttributes"
        found.append(invalid(_PATH, path, fault))
    elif resource is None and path is None:
        fault = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        found.append(invalid(_RESOURCE, None, fault))
    if kind != "SelfSubjectAccessReview" and not (spec.get("user") or spec.get("groups")):
        fault = "at least one of user or group must be specified"
        found.append(invalid("spec.user", spec.get("user") or "", fault))
    if kind == "LocalSubjectAccessReview":
        if resource is not None and resource.get("namespace") != namespace:
            asked = resource.get("namespace") or ""
            fault = f"must match metadata.namespace: {namespace}"
            found.append(invalid(f"{_RESOURCE}.namespace", asked, fault))
        if path is not None:
            found.append(invalid(_PATH, path, "disallowed on this kind of request"))
    return found


def _attributes(spec: Mapping[str, Any]) -> Attributes:
    if path := spec.get("nonResourceAttributes"):
        return Attributes(path.get("verb") or "", path=path.get("path") or "")
    asked = spec.get("resourceAttributes") or {}
    return Attributes(
        asked.get("verb") or "",
        asked.get("group") or "",
        asked.get("resource") or "",
        asked.get("subresource") or "",
        asked.get("namespace") or "",
        asked.get("name") or "",
    )


def _subject(spec: Mapping[str, Any]) -> User:
    return User(
        spec.get("user") or "",
        tuple(spec.get("groups") or ()),
        spec.get("uid") or "",
        spec.get("extra") or {},
    )


def _info(user: User) -> dict[str, Any]:
    found = {
        "username": user.name,
        "uid": user.uid,
        "groups": list(user.groups),
        "extra": user.extra,
    }
    return {name: value for name, value in found.items() if value}
