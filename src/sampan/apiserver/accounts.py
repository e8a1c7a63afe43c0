"""Tokens of service accounts: those that are asked for, and those that lie in Secrets.

A TokenRequest gets a token that lives for some time, and no longer than the account and the object
that it is bound to. A Secret of the type `kubernetes.io/service-account-token` that names an
account is given a token that is good as long as the Secret is there; it goes with the account.
Upstream: kubernetes pkg/registry/core/serviceaccount/storage/token.go,
pkg/controller/serviceaccount/tokens_controller.go.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sampan.apiserver.backend import Backend
from sampan.apiserver.calls import Call
from sampan.apiserver.chores import Chores
from sampan.apiserver.delete import DeleteOptions, delete
from sampan.apiserver.resources import Resource
from sampan.apiserver.update import replace
from sampan.kube import meta, names
from sampan.kube.errors import (
    BadRequest,
    Invalid,
    MethodNotAllowed,
    Problem,
    invalid,
)
from sampan.kube.keys import Key, Manifest
from sampan.kube.times import rfc3339
from sampan.store.records import Event

IssueToken = Callable[[Manifest, Sequence[str], int, Manifest | None], tuple[str, datetime]]
"""(service account, audiences, seconds, what it is bound to) -> (token, when it expires)."""
IssueLasting = Callable[[Manifest, Manifest], str]
"""(service account, Secret) -> a token that is good while both exist."""

_LEAST_SECONDS, _DEFAULT_SECONDS, _MOST_SECONDS = 600, 3600, 1 << 32
_BOUND = {"Pod": names.POD, "Secret": names.SECRET}


class TokenRequests:
    """`audience` is whom a token is for that names none: the API server."""

    def __init__(self, backend: Backend, issue: IssueToken | None, audience: str) -> None:
        self._backend = backend
        self._issue = issue
        self._audience = audience

    def answer(self, resource: Resource, key: Key, request: Manifest) -> Manifest:
        """POST to serviceaccounts/token. Raises NotFound, Conflict, Invalid, BadRequest."""
        account = self._backend.get(key)
        if account is None:
            raise resource.not_found(key.name)
        if self._issue is None:
            raise MethodNotAllowed("this server issues no tokens")
        _check_identity(request, key)
        spec = request.get("spec") or {}
        seconds = spec.get("expirationSeconds")
        seconds = _DEFAULT_SECONDS if seconds is None else seconds
        audiences = spec.get("audiences") or ([self._audience] if self._audience else [])
        if not isinstance(seconds, int) or not isinstance(audiences, list):
            raise BadRequest(
                "TokenRequest.spec: expirationSeconds must be an integer, audiences a list"
            )
        if fault := _seconds_problem(seconds):
            raise Invalid.of("TokenRequest", "authentication.k8s.io", key.name, [fault])
        bound = self._bound(key, spec.get("boundObjectRef"))
        token, expires = self._issue(account, audiences, seconds, bound)
        return {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {
                "name": key.name,
                "namespace": key.namespace,
                "creationTimestamp": self._backend.now(),
            },
            "spec": {**spec, "audiences": audiences, "expirationSeconds": seconds},
            "status": {"token": token, "expirationTimestamp": rfc3339(expires)},
        }

    def _bound(self, account: Key, ref: Any) -> Manifest | None:
        """The object that the token shall not outlive."""
        if not ref:
            return None
        kind = _BOUND.get(ref.get("kind") or "")
        if kind is None:
            raise BadRequest(f"cannot bind token to object of type {ref.get('kind') or ''}")
        resource = self._backend.resources.stored(kind)
        assert resource is not None
        name = ref.get("name") or ""
        found = self._backend.get(Key(kind, account.namespace, name))
        if found is None:
            raise resource.not_found(name)
        if kind == names.POD and found["spec"].get("serviceAccountName") != account.name:
            raise BadRequest(
                f'cannot bind token for serviceaccount "{account.name}" to pod running with'
                " different serviceaccount name."
            )
        if ref.get("uid") and ref["uid"] != found["metadata"]["uid"]:
            raise resource.conflict(
                name,
                f"the UID in the bound object reference ({ref['uid']}) does not match the UID in"
                " record. The object might have been deleted and then recreated",
            )
        return found


class AccountSecrets:
    """Fills Secrets in, and deletes those of accounts that are gone. Make it in the event loop."""

    def __init__(self, backend: Backend, issue: IssueLasting) -> None:
        self._backend = backend
        self._issue = issue
        self._chores = Chores(self._settle)
        store = backend.store
        self._stops = (
            store.subscribe(names.SECRET, self._secret_changed),
            store.subscribe(names.SERVICE_ACCOUNT, self._account_changed),
        )
        for record in store.records(names.SECRET):
            if _is_token(record.index.fields):
                self._chores.later(record.key)

    async def close(self) -> None:
        for stop in self._stops:
            stop()
        await self._chores.close()

    def _secret_changed(self, event: Event) -> None:
        if event.type != "DELETED" and _is_token(event.record.index.fields):
            self._chores.later(event.record.key)

    def _account_changed(self, event: Event) -> None:
        for record in self._backend.store.records(names.SECRET, event.record.key.namespace):
            if _is_token(record.index.fields):
                self._chores.later(record.key)

    async def _settle(self, key: Key) -> None:
        resource = self._backend.resources.stored(names.SECRET)
        assert resource is not None
        record, secret = self._backend.newest(resource, key.namespace, key.name)
        annotations = secret["metadata"].get("annotations") or {}
        name = annotations.get(names.ANNOTATION_ACCOUNT_NAME) or ""
        account = self._backend.view.get(Key(names.SERVICE_ACCOUNT, key.namespace, name))
        wanted = annotations.get(names.ANNOTATION_ACCOUNT_UID)
        if account is None or wanted not in (None, "", meta.uid_of(account)):
            how = DeleteOptions(uid=meta.uid_of(secret))
            await delete(self._backend, resource, key.namespace, key.name, how, _call())
            return
        data = secret.get("data") or {}
        missing = {k: v for k, v in self._contents(account, secret).items() if not data.get(k)}
        if missing or not wanted:
            uid = {names.ANNOTATION_ACCOUNT_UID: meta.uid_of(account)}
            new = {
                **secret,
                "metadata": {**secret["metadata"], "annotations": {**annotations, **uid}},
                "data": {**data, **missing},
            }
            await replace(self._backend, resource, record, secret, new, _call())

    def _contents(self, account: Manifest, secret: Manifest) -> Mapping[str, str]:
        system = Key(names.CONFIG_MAP, names.SYSTEM_NAMESPACE, names.ROOT_CA)
        authority = self._backend.get(system) or {}
        plain = {
            "token": self._issue(account, secret),
            "ca.crt": (authority.get("data") or {}).get("ca.crt", ""),
            "namespace": meta.namespace_of(secret),
        }
        return {name: b64encode(text.encode()).decode() for name, text in plain.items() if text}


def _is_token(fields: Mapping[str, str]) -> bool:
    return fields.get("type") == names.ACCOUNT_TOKEN


def _call() -> Call:
    return Call(manager=f"{names.MANAGER}-account-tokens")


def _check_identity(request: Manifest, key: Key) -> None:
    """What a body says of whom it is about must be what the URL says."""
    given = request.get("metadata") or {}
    for field, wanted in (("name", key.name), ("namespace", key.namespace)):
        if given.get(field) and given[field] != wanted:
            raise BadRequest(
                f"metadata.{field} must match the {field} on the request: {given[field]} is not"
                f" {wanted}"
            )


def _seconds_problem(seconds: int) -> Problem | None:
    field = "spec.expirationSeconds"
    if seconds < _LEAST_SECONDS:
        return invalid(field, seconds, "may not specify a duration less than 10 minutes")
    if seconds > _MOST_SECONDS:
        return invalid(field, seconds, "may not specify a duration larger than 2^32 seconds")
    return None
