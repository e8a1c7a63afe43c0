"""What is only posted to an object: bindings and evictions of pods, tokens of service accounts.

None of these is stored. They change another object or answer a question.
Upstream: k8s.io/kubernetes pkg/registry/core/{pod/storage,serviceaccount/storage/token.go}.
"""

from __future__ import annotations

import msgspec
import orjson
from msgspec import Struct

from sampan.apiserver.accounts import TokenRequests
from sampan.apiserver.attempts import Attempt
from sampan.apiserver.backend import Backend
from sampan.apiserver.calls import Call
from sampan.apiserver.delete import success
from sampan.apiserver.eviction import evict
from sampan.apiserver.resources import Resource
from sampan.kube.errors import (
    Invalid,
    required,
)
from sampan.kube.keys import Key, Manifest


class Posting(Struct, frozen=True):
    """Answers for the subresources that are only posted."""

    backend: Backend
    tokens: TokenRequests

    async def subresource(
        self, resource: Resource, key: Key, subresource: str, body: Manifest, call: Call
    ) -> Manifest:
        """POST to an object's subresource. Raises NotFound, Conflict, Invalid…"""
        if self.backend.hooks.active:
            attempt = _attempt(resource, key, subresource, body, call)
            body = await self.backend.hooks.mutate(attempt)
            await self.backend.hooks.validate(msgspec.structs.replace(attempt, object=body))
        match subresource:
            case "binding":
                return await self._bind(resource, key, body, call)
            case "eviction":
                return await evict(self.backend, resource, key, body, call)
            case "token":
                return self.tokens.answer(resource, key, body)
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


def _attempt(resource: Resource, key: Key, subresource: str, body: Manifest, call: Call) -> Attempt:
    sub = resource.subresources.get(subresource)
    kind = (sub.group, sub.version, sub.kind) if sub else ("", "v1", "")
    api_version = f"{kind[0]}/{kind[1]}" if kind[0] else kind[1]
    return Attempt(
        operation="CREATE",
        resource=resource,
        namespace=key.namespace,
        name=key.name,
        call=call,
        object={"kind": kind[2], "apiVersion": api_version} | body,
        subresource=subresource,
        kind=kind,
    )
