"""A webhook: what its configuration says, read once, and one call of it.

Upstream: k8s.io/apiserver pkg/admission/plugin/webhook/{mutating,validating}/dispatcher.go.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from msgspec import Struct

from sampan.apiserver.admitting import matching, reviews
from sampan.apiserver.admitting.matching import Condition, Selectors
from sampan.apiserver.admitting.reviews import Answer, BadAnswer
from sampan.apiserver.admitting.transport import Place, Transport
from sampan.apiserver.attempts import Attempt
from sampan.apiserver.backend import Backend
from sampan.apiserver.resources import Resource
from sampan.kube.access import Authorizer
from sampan.kube.errors import InternalError
from sampan.kube.keys import Manifest
from sampan.lib.cel.environment import Budget

_log = logging.getLogger(__name__)
_STEPS = 2_500_000  # for the conditions of one webhook on one attempt
_VERSIONS = ("v1", "v1beta1")


class Webhook(Struct, frozen=True):
    """`again`: it wants to be asked once more when a later one changes the object."""

    name: str
    place: Place
    rules: tuple[Mapping[str, Any], ...]
    selectors: Selectors
    conditions: tuple[Condition, ...]
    equivalent: bool
    fails: bool
    again: bool
    seconds: int
    version: str


def read(configuration: Manifest) -> Iterator[Webhook]:
    """The webhooks of a configuration, which has been validated, in their order."""
    for spec in configuration.get("webhooks") or ():
        known = [v for v in spec.get("admissionReviewVersions") or () if v in _VERSIONS]
        yield Webhook(
            name=spec["name"],
            place=Place.of(spec["clientConfig"]),
            rules=tuple(spec.get("rules") or ()),
            selectors=Selectors.of(spec),
            conditions=matching.conditions(spec.get("matchConditions")),
            equivalent=spec.get("matchPolicy", "Equivalent") == "Equivalent",
            fails=spec.get("failurePolicy", "Fail") == "Fail",
            again=spec.get("reinvocationPolicy") == "IfNeeded",
            seconds=spec.get("timeoutSeconds") or 10,
            version=known[0] if known else "v1",
        )


class Caller(Struct, frozen=True):
    """Asks webhooks."""

    backend: Backend
    authorizer: Authorizer
    transport: Transport

    def wanted(self, webhook: Webhook, attempt: Attempt) -> Resource | None:
        """The version in which the webhook wants to see the attempt; None when it does not.
        Raises Forbidden when its conditions cannot be judged."""
        resource = matching.chosen(
            webhook.rules, attempt, self.backend, equivalent=webhook.equivalent
        )
        if resource is None or not webhook.selectors.match(attempt, self.backend):
            return None
        if not webhook.conditions:
            return resource
        request = reviews.request_of(attempt, resource)
        variables = matching.variables(attempt, request, self.backend, self.authorizer)
        holds, fault = matching.all_hold(webhook.conditions, variables, Budget(_STEPS))
        if fault and webhook.fails:
            text = f'admission webhook "{webhook.name}": matchConditions: {fault}'
            raise attempt.resource.forbidden(attempt.name, text)
        return resource if holds else None

    async def ask(self, webhook: Webhook, attempt: Attempt, resource: Resource) -> Answer:
        """The answer; one that allows when the webhook fails and may. Warnings are passed on.
        Raises Denied, InternalError."""
        request = reviews.request_of(attempt, resource)
        review = {
            "kind": "AdmissionReview",
            "apiVersion": f"{reviews.GROUP}/{webhook.version}",
            "request": request,
        }
        try:
            body = await self.transport.post(webhook.place, orjson.dumps(review), webhook.seconds)
        except BadAnswer as error:
            return self._failed(webhook, f"failed to call webhook: {error}")
        try:
            answer = reviews.read(body, webhook.version, request["uid"])
        except BadAnswer as error:
            return self._failed(webhook, str(error))
        for text in answer.warnings:
            attempt.call.warn(text)
        if not answer.allowed:
            raise reviews.denial(webhook.name, answer.status)
        return answer

    async def change(self, webhook: Webhook, attempt: Attempt, resource: Resource) -> Manifest:
        """The object as the webhook wants it. Raises Denied, InternalError."""
        answer = await self.ask(webhook, attempt, resource)
        given = reviews.converted(attempt, attempt.object, resource)
        if answer.patch is None or given is None or attempt.object is None:
            return attempt.object or {}
        try:
            changed = reviews.patched(given, answer.patch)
        except BadAnswer as error:
            self._failed(webhook, str(error))
            return attempt.object
        if attempt.kind is None and changed.get("apiVersion") == resource.api_version:
            changed["apiVersion"] = attempt.object["apiVersion"]
        return changed

    def _failed(self, webhook: Webhook, text: str) -> Answer:
        """Raises InternalError unless the webhook may fail."""
        if webhook.fails:
            raise InternalError(
                f'Internal error occurred: failed calling webhook "{webhook.name}": {text}'
            )
        _log.warning('failed calling webhook "%s", failing open: %s', webhook.name, text)
        return Answer(True)
