"""What is only posted to an object: bindings and evictions of pods, tokens of service accounts.

None of these is stored. They change another object or answer a question.
Upstream: k8s.io/kubernetes pkg/registry/core/{pod/storage,serviceaccount/storage/token.go}.
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

_LEAST_SECONDS, _DEFAULT_SECONDS, _MOST_SECONDS = 600, 3600, 1 << 32


class Posting(Struct, frozen=True):
    """Answers for the subresources that are only posted."""

    backend: Backend
    issue: IssueToken | None = None

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


def _seconds_problem(seconds: int) -> Problem | None:
    field = "spec.expirationSeconds"
    if seconds < _LEAST_SECONDS:
        return invalid(field, seconds, "may not specify a duration less than 10 minutes")
    if seconds > _MOST_SECONDS:
        return invalid(field, seconds, "may not specify a duration larger than 2^32 seconds")
    return None
