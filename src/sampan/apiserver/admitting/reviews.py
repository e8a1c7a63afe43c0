"""The question that a webhook is asked (AdmissionReview), and what its answer says.

Upstream: k8s.io/apiserver pkg/admission/plugin/webhook/request, k8s.io/api admission/v1.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import orjson
from msgspec import Struct

from sampan.apiserver.attempts import Attempt
from sampan.apiserver.metadata import new_uid
from sampan.apiserver.resources import Resource
from sampan.kube import patches
from sampan.kube.errors import ApiStatus, from_status
from sampan.kube.keys import Manifest

GROUP = "admission.k8s.io"
_OPTIONS = {"CREATE": "CreateOptions", "UPDATE": "UpdateOptions", "DELETE": "DeleteOptions"}


class BadAnswer(Exception):
    """The webhook did not answer as it should; the text says how."""


class Denied(ApiStatus):
    """What the webhook says, whatever code and reason it gives."""

    def __init__(self, status: Mapping[str, Any], message: str) -> None:
        known = from_status({"reason": status.get("reason"), "code": status.get("code") or 400})
        super().__init__(message, dict(status.get("details") or {}))
        code = status.get("code") or known.code
        self.code = code if code >= 400 else 400  # type: ignore[misc]
        self.reason = status.get("reason") or ""  # type: ignore[misc]


class Answer(Struct, frozen=True):
    allowed: bool
    status: Mapping[str, Any] = {}
    patch: list[Any] | None = None
    warnings: tuple[str, ...] = ()


def request_of(attempt: Attempt, resource: Resource, uid: str = "") -> dict[str, Any]:
    """The request, with the objects in the version of `resource`, which the webhook asked for."""
    asked, user = attempt.resource, attempt.call.user
    group, version, kind = attempt.object_kind
    if attempt.kind is None:
        version = resource.version
    request: dict[str, Any] = {
        "uid": uid or new_uid(),
        "kind": {"group": group, "version": version, "kind": kind},
        "resource": _resource(resource),
        "requestKind": dict(zip(("group", "version", "kind"), attempt.object_kind, strict=True)),
        "requestResource": _resource(asked),
        "name": attempt.name,
        "namespace": attempt.namespace,
        "operation": attempt.operation,
        "userInfo": _user(user),
        "object": converted(attempt, attempt.object, resource),
        "oldObject": converted(attempt, attempt.old, resource),
        "dryRun": attempt.call.dry_run,
        "options": _options(attempt),
    }
    if attempt.subresource:
        request["subResource"] = request["requestSubResource"] = attempt.subresource
    if attempt.resource.kind == "Namespace" and not attempt.subresource:
        request["namespace"] = attempt.name
    for field in ("name", "namespace"):
        if not request[field]:
            del request[field]
    return request


def converted(attempt: Attempt, manifest: Manifest | None, resource: Resource) -> Manifest | None:
    """Versions differ in their name only (conversion None)."""
    if manifest is None or attempt.kind is not None:
        return manifest
    if manifest.get("apiVersion") == resource.api_version:
        return manifest
    return manifest | {"apiVersion": resource.api_version}


def _resource(resource: Resource) -> dict[str, str]:
    return {"group": resource.group, "version": resource.version, "resource": resource.plural}


def _user(user: Any) -> dict[str, Any]:
    found = {"username": user.name, "uid": user.uid, "groups": list(user.groups),
             "extra": user.extra}  # fmt: skip
    return {name: value for name, value in found.items() if value}


def _options(attempt: Attempt) -> dict[str, Any] | None:
    kind = _OPTIONS.get(attempt.operation)
    if kind is None:
        return None
    options = {"kind": kind, "apiVersion": "meta.k8s.io/v1", **attempt.options}
    if attempt.call.dry_run:
        options["dryRun"] = ["All"]
    if kind != "DeleteOptions" and attempt.call.manager:
        options["fieldManager"] = attempt.call.manager
    return options


def read(body: bytes, version: str, uid: str) -> Answer:
    """Raises BadAnswer."""
    try:
        review = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadAnswer(f"the webhook answered with no JSON: {error}") from None
    said = review if isinstance(review, dict) else {}
    wanted = (f"{GROUP}/{version}", "AdmissionReview")
    if (said.get("apiVersion"), said.get("kind")) != wanted and (
        version == "v1" or said.get("kind")
    ):
        got = f"{said.get('apiVersion') or ''}, Kind={said.get('kind') or ''}"
        text = f"expected webhook response of {wanted[0]}, Kind={wanted[1]}, got {got}"
        raise BadAnswer(text)
    response = said.get("response")
    if not isinstance(response, dict):
        raise BadAnswer("webhook response is missing `response`")
    if version == "v1" and response.get("uid") != uid:
        raise BadAnswer(f'expected response.uid="{uid}", got "{response.get("uid") or ""}"')
    return _answer(response)


def _answer(response: Mapping[str, Any]) -> Answer:
    status, warnings = response.get("status") or {}, response.get("warnings") or ()
    if not isinstance(status, dict) or not all(isinstance(one, str) for one in warnings):
        raise BadAnswer("response.status must be an object, response.warnings a list of strings")
    if response.get("allowed") is not True:
        return Answer(False, status, None, tuple(warnings))
    return Answer(True, {}, _patch(response), tuple(warnings))


def _patch(response: Mapping[str, Any]) -> list[Any] | None:
    encoded, kind = response.get("patch"), response.get("patchType")
    if not encoded:
        return None
    if kind not in ("JSONPatch", None):
        raise BadAnswer(f'unsupported patch type "{kind}"')
    try:
        found = orjson.loads(base64.b64decode(encoded, validate=True))
    except (orjson.JSONDecodeError, binascii.Error, TypeError, ValueError) as error:
        raise BadAnswer(f"response.patch is no JSON patch in base64: {error}") from None
    if not isinstance(found, list):
        raise BadAnswer("response.patch is no JSON patch")
    return found


def patched(manifest: Manifest, patch: list[Any]) -> Manifest:
    """Raises BadAnswer."""
    try:
        found = patches.json_patch(manifest, patch)
    except ApiStatus as error:
        raise BadAnswer(f"the patch cannot be applied: {error.message}") from None
    if not isinstance(found, dict):
        raise BadAnswer("the patch leaves no object")
    copy: Manifest = orjson.loads(orjson.dumps(found))
    return copy


def denial(webhook: str, status: Mapping[str, Any]) -> Denied:
    """In the words of a real server."""
    said = f'admission webhook "{webhook}" denied the request'
    text = status.get("message") or status.get("reason")
    return Denied(status, f"{said}: {text}" if text else f"{said} without explanation")
