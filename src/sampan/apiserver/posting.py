"""What is only posted: bindings and evictions of pods, tokens of service accounts, reviews.

None of these is stored. They change another object or answer a question.
Upstream: k8s.io/kubernetes pkg/registry/core/pod/storage, pkg/registry/authorization,
pkg/registry/core/serviceaccount/storage/token.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from msgspec import Struct

from sampan.apiserver.backend import Backend
from sampan.apiserver.calls import Call
from sampan.apiserver.delete import delete, options, success
from sampan.apiserver.resources import Resource
from sampan.kube import names
from sampan.kube.access import Attributes, Authenticator, Authorizer, User
from sampan.kube.errors import (
    BadRequest,
    Invalid,
    MethodNotAllowed,
    Problem,
    invalid,
    required,
)
from sampan.kube.keys import Key, Manifest
from sampan.kube.times import rfc3339

IssueToken = Callable[[Manifest, Sequence[str], int, Manifest | None], tuple[str, datetime]]
"""(service account, audiences, seconds, the pod it is bound to) -> (token, when it expires)."""
ReviewToken = Callable[[str, Sequence[str]], tuple[User, list[str]] | None]
"""(token, audiences; none: the API server's) -> (user, those audiences that it is good for)."""

_LEAST_SECONDS, _DEFAULT_SECONDS, _MOST_SECONDS = 600, 3600, 1 << 32


class Posting(Struct, frozen=True):
    """Answers for the kinds and subresources that are only posted."""

    backend: Backend
    authenticator: Authenticator
    authorizer: Authorizer
    issue: IssueToken | None = None
    review: ReviewToken | None = None

    # -- subresources -------------------------------------------------------------------------

    async def subresource(
        self, resource: Resource, key: Key, subresource: str, body: Manifest, call: Call
    ) -> Manifest:
        """POST to an object's subresource. Raises NotFound, Conflict, Invalid…"""
        match subresource:
            case "binding":
                return await self._bind(resource, key, body, call)
            case "eviction":
                given = body.get("deleteOptions") or {}
                how = options(given if isinstance(given, Mapping) else {})
                await delete(self.backend, resource, key.namespace, key.name, how, call)
                return success({})
            case "token":
                return self._token(resource, key, body)
        raise resource.no_such_verb()

    async def _bind(self, resource: Resource, key: Key, binding: Manifest, call: Call) -> Manifest:
        target = binding.get("target")
        node = target.get("name") if isinstance(target, dict) else None
        if not isinstance(node, str) or not node:
            raise Invalid.of("Binding", "", key.name, [required("target.name")])
        record, old = self.backend.newest(resource, key.namespace, key.name)
        if old["metadata"].get("deletionTimestamp"):
            text = f"pod {key.name} is being deleted, cannot be assigned to a host"
            raise resource.conflict(key.name, text)
        if bound := old["spec"].get("nodeName"):
            text = f'pod {key.name} is already assigned to node "{bound}"'
            raise resource.conflict(key.name, text)
        new = orjson.loads(orjson.dumps(old))
        new["spec"]["nodeName"] = node
        scheduled = {
            "type": "PodScheduled",
            "status": "True",
            "lastProbeTime": None,
            "lastTransitionTime": self.backend.now(),
        }
        status = new.setdefault("status", {})
        others = [c for c in status.get("conditions") or () if c.get("type") != "PodScheduled"]
        status["conditions"] = [*others, scheduled]
        # Past the checks of an update: only a binding may set nodeName and status together.
        await self.backend.commit("MODIFIED", resource, new, record, call)
        return success({})

    def _token(self, resource: Resource, key: Key, request: Manifest) -> Manifest:
        account = self.backend.get(key)
        if account is None:
            raise resource.not_found(key.name)
        if self.issue is None:
            raise MethodNotAllowed("this server issues no tokens")
        spec = request.get("spec") or {}
        seconds = spec.get("expirationSeconds")
        if seconds is None:
            seconds = _DEFAULT_SECONDS
        audiences = spec.get("audiences") or []
        if not isinstance(seconds, int) or not isinstance(audiences, list):
            raise BadRequest(
                "TokenRequest.spec: expirationSeconds must be an integer, audiences a list"
            )
        if fault := _seconds_problem(seconds):
            raise Invalid.of("TokenRequest", "authentication.k8s.io", key.name, [fault])
        pod = self._bound_pod(key.namespace, spec.get("boundObjectRef"))
        token, expires = self.issue(account, audiences, seconds, pod)
        return {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {
                "name": key.name,
                "namespace": key.namespace,
                "creationTimestamp": self.backend.now(),
            },
            "spec": {**spec, "audiences": audiences, "expirationSeconds": seconds},
            "status": {"token": token, "expirationTimestamp": rfc3339(expires)},
        }

    def _bound_pod(self, namespace: str, ref: Any) -> Manifest | None:
        if not ref:
            return None
        if ref.get("kind") != "Pod":
            fault = invalid("spec.boundObjectRef.kind", ref.get("kind"), "only Pod is supported")
            raise Invalid.of("TokenRequest", "authentication.k8s.io", "", [fault])
        resource = self.backend.resources.stored(names.POD)
        pod = self.backend.get(Key(names.POD, namespace, ref.get("name") or ""))
        if pod is None:
            assert resource is not None
            raise resource.not_found(ref.get("name") or "")
        if ref.get("uid") and ref["uid"] != pod["metadata"]["uid"]:
            assert resource is not None
            text = "the UID in the bound object reference does not match the UID in record"
            raise resource.conflict(ref["name"], text)
        return pod

    # -- reviews ------------------------------------------------------------------------------

    def reviewed(self, resource: Resource, namespace: str, body: Manifest, call: Call) -> Manifest:
        """POST of a review: the same object with its status."""
        body.setdefault("apiVersion", resource.api_version)
        body.setdefault("kind", resource.object_kind)
        spec = body.get("spec") or {}
        if not isinstance(spec, dict):
            raise BadRequest(f"{resource.object_kind}.spec must be an object")
        match resource.object_kind:
            case "SelfSubjectAccessReview":
                status = self._allowed(call.user, spec)
            case "SubjectAccessReview":
                status = self._allowed(_subject(resource, spec), spec)
            case "LocalSubjectAccessReview":
                asked = (spec.get("resourceAttributes") or {}).get("namespace")
                if asked != namespace:
                    fault = invalid(
                        "spec.resourceAttributes.namespace",
                        asked,
                        f"must match metadata.namespace: {namespace}",
                    )
                    raise resource.invalid("", [fault])
                status = self._allowed(_subject(resource, spec), spec)
            case "SelfSubjectRulesReview":
                status = self._rules(call.user, spec)
            case "SelfSubjectReview":
                status = {"userInfo": _info(call.user)}
            case "TokenReview":
                status = self._token_status(spec)
            case _:
                raise resource.no_such_verb()
        meta = {"creationTimestamp": None, **(body.get("metadata") or {})}
        return body | {"metadata": meta, "status": status}

    def _allowed(self, user: User, spec: Mapping[str, Any]) -> dict[str, Any]:
        asks = _attributes(spec)
        return {"allowed": self.authorizer.allowed(user, asks)}

    def _rules(self, user: User, spec: Mapping[str, Any]) -> dict[str, Any]:
        namespace = spec.get("namespace") or ""
        if not namespace:
            raise BadRequest("no namespace on request")
        rules = self.authorizer.rules(user, namespace)
        shown = ("verbs", "apiGroups", "resources", "resourceNames")
        return {
            "resourceRules": [
                {name: rule[name] for name in shown if rule.get(name)}
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

    def _token_status(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        token, audiences = spec.get("token") or "", spec.get("audiences") or []
        if not isinstance(token, str) or not isinstance(audiences, list):
            raise BadRequest("TokenReview.spec: token must be a string, audiences a list")
        if audiences and self.review is not None:
            found = self.review(token, audiences)
            user, good_for = found or (None, [])
        else:
            user, good_for = self.authenticator.user(token), []
        if user is None:
            return {"user": {}, "error": "the token is not valid"}
        status: dict[str, Any] = {"authenticated": True, "user": _info(user)}
        return status | ({"audiences": good_for} if good_for else {})


def _seconds_problem(seconds: int) -> Problem | None:
    field = "spec.expirationSeconds"
    if seconds < _LEAST_SECONDS:
        return invalid(field, seconds, "may not specify a duration less than 10 minutes")
    if seconds > _MOST_SECONDS:
        return invalid(field, seconds, "may not specify a duration larger than 2^32 seconds")
    return None


def _attributes(spec: Mapping[str, Any]) -> Attributes:
    if path := spec.get("nonResourceAttributes"):
        return Attributes(path.get("verb") or "", path=path.get("path") or "")
    asked = spec.get("resourceAttributes")
    if not isinstance(asked, dict):
        text = "spec.resourceAttributes: Invalid value: exactly one of nonResourceAttributes or"
        raise BadRequest(f"{text} resourceAttributes must be specified")
    return Attributes(
        asked.get("verb") or "",
        asked.get("group") or "",
        asked.get("resource") or "",
        asked.get("subresource") or "",
        asked.get("namespace") or "",
        asked.get("name") or "",
    )


def _subject(resource: Resource, spec: Mapping[str, Any]) -> User:
    name, groups = spec.get("user") or "", spec.get("groups") or ()
    if not name and not groups:
        fault = invalid("spec.user", name, "at least one of user or group must be specified")
        raise resource.invalid("", [fault])
    return User(name, tuple(groups), spec.get("uid") or "", spec.get("extra") or {})


def _info(user: User) -> dict[str, Any]:
    found = {
        "username": user.name,
        "uid": user.uid,
        "groups": list(user.groups),
        "extra": user.extra,
    }
    return {name: value for name, value in found.items() if value}
