"""What every write passes: mutating webhooks in their order, then all others at once.

What is configured is read when it changes. Which of it could concern a resource is remembered per
operation, so a write that nobody asks about pays for one look-up. Configurations themselves, and
questions of who may do what, are never sent to webhooks, or nobody could mend a broken one.
Upstream: k8s.io/apiserver pkg/admission/plugin/webhook/generic/webhook.go.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import msgspec

from sampan.apiserver.admitting import definitions, policy_definitions, webhooks
from sampan.apiserver.admitting.policies import BINDING, POLICY, Policies
from sampan.apiserver.admitting.transport import Transport
from sampan.apiserver.admitting.webhooks import Caller, Webhook
from sampan.apiserver.attempts import Attempt
from sampan.apiserver.backend import Backend
from sampan.apiserver.resources import Resource, Resources
from sampan.kube.access import Authorizer
from sampan.kube.component import Rules
from sampan.kube.errors import ApiStatus
from sampan.kube.keys import Manifest
from sampan.kube.streams import NodeAgent
from sampan.lib.cel.faults import CelError

_log = logging.getLogger(__name__)
_GROUP = "admissionregistration.k8s.io"
MUTATING = f"MutatingWebhookConfiguration.{_GROUP}"
VALIDATING = f"ValidatingWebhookConfiguration.{_GROUP}"
_EXEMPT_GROUPS = frozenset({_GROUP, "authentication.k8s.io", "authorization.k8s.io"})


def of(backend: Backend, authorizer: Authorizer, node: Callable[[], NodeAgent]) -> OutsideHooks:
    """Hooks that ask what is configured. `node` answers with the agent that reaches pods."""
    return OutsideHooks(Caller(backend, authorizer, Transport(backend, node)))


@cache
def rules_of(kind: str, resources: Resources) -> Rules:
    """What a configuration of this kind must say."""
    if kind == POLICY:
        return policy_definitions.policy_rules(resources)
    if kind == BINDING:
        return policy_definitions.BINDING_RULES
    return definitions.webhook_rules(mutating=kind == MUTATING)


class OutsideHooks:
    """`Hooks`. `active` is False while nothing is configured."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._policies = Policies(caller.backend, caller.authorizer, self._forget)
        self._read: dict[str, list[Webhook]] = {MUTATING: [], VALIDATING: []}
        self._known: dict[tuple[str, str, str, str], list[Webhook]] = {}
        self.active = False
        store = caller.backend.store
        self._stops: list[Callable[[], None]] = [
            store.subscribe(kind, lambda _: self._reread(MUTATING, VALIDATING))
            for kind in (MUTATING, VALIDATING)
        ]
        self._reread(MUTATING, VALIDATING)

    def close(self) -> None:
        for stop in self._stops:
            stop()
        self._policies.close()

    # -- what is configured -------------------------------------------------------------------

    def _reread(self, *kinds: str) -> None:
        for kind in kinds:
            self._read[kind] = list(self._stored(kind))
        self._forget()

    def _stored(self, kind: str) -> Iterator[Webhook]:
        """By the names of their configurations, as upstream."""
        backend = self._caller.backend
        for record in sorted(backend.store.records(kind), key=lambda record: record.key.name):
            try:
                yield from webhooks.read(backend.manifest(record))
            except (CelError, ApiStatus, KeyError, TypeError, ValueError):
                _log.exception("the webhooks of %s cannot be read", record.key)

    def _forget(self) -> None:
        self._known.clear()
        self.active = any(self._read.values()) or self._policies.any

    def _candidates(self, kind: str, attempt: Attempt) -> list[Webhook]:
        """Those whose rules name the resource, in any version."""
        resource = attempt.resource
        if resource.group in _EXEMPT_GROUPS:
            return []
        key = (kind, attempt.operation, resource.kind, attempt.subresource)
        found = self._known.get(key)
        if found is None:
            found = [webhook for webhook in self._read[kind] if _could(webhook, resource, attempt)]
            self._known[key] = found
        return found

    # -- asking -------------------------------------------------------------------------------

    async def mutate(self, attempt: Attempt) -> Manifest:
        hooks = self._candidates(MUTATING, attempt)
        seen: list[tuple[Webhook, Manifest | None]] = []
        for hook in hooks:
            attempt = await self._turn(hook, attempt)
            seen.append((hook, attempt.object))
        for hook, left in seen:
            if hook.again and left != attempt.object:
                attempt = await self._turn(hook, attempt)
        return attempt.object or {}

    async def _turn(self, hook: Webhook, attempt: Attempt) -> Attempt:
        resource = self._caller.wanted(hook, attempt)
        if resource is None:
            return attempt
        changed = await self._caller.change(hook, attempt, resource)
        if attempt.object is None or changed is attempt.object:
            return attempt
        return msgspec.structs.replace(attempt, object=changed)

    async def validate(self, attempt: Attempt) -> None:
        if attempt.resource.group in _EXEMPT_GROUPS:
            return
        self._policies.judge(attempt)
        hooks = self._candidates(VALIDATING, attempt)
        wanted = [(hook, found) for hook in hooks if (found := self._caller.wanted(hook, attempt))]
        asked = [self._caller.ask(hook, attempt, resource) for hook, resource in wanted]
        answers: Sequence[Any] = await asyncio.gather(*asked, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer


def _could(webhook: Webhook, resource: Resource, attempt: Attempt) -> bool:
    for rule in webhook.rules:
        texts = {text.partition("/")[0] for text in rule["resources"]}
        groups = rule.get("apiGroups") or ()
        if texts & {"*", resource.plural} and ("*" in groups or resource.group in groups):
            operations = rule.get("operations") or ()
            if "*" in operations or attempt.operation in operations:
                return True
    return False
