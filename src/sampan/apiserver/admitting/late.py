"""Keeps the rest of this package, and CEL with it, unloaded until something is configured.

Most clusters have no webhook and no policy; loading what judges them would cost each start fifteen
milliseconds. Until the first configuration is stored the backend has `NoHooks`, then those of
`hooks`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

from sampan.apiserver.attempts import Hooks, NoHooks
from sampan.apiserver.backend import Backend
from sampan.kube.access import Authorizer
from sampan.kube.component import Rules
from sampan.kube.errors import Problem
from sampan.kube.keys import Manifest
from sampan.kube.streams import NodeAgent
from sampan.lib.later import later

_GROUP = "admissionregistration.k8s.io"
KINDS = (
    f"MutatingWebhookConfiguration.{_GROUP}",
    f"ValidatingWebhookConfiguration.{_GROUP}",
    f"ValidatingAdmissionPolicy.{_GROUP}",
    f"ValidatingAdmissionPolicyBinding.{_GROUP}",
)


class LateHooks:
    """Gives the backend its hooks as soon as there is something to ask."""

    def __init__(
        self, backend: Backend, authorizer: Authorizer, node: Callable[[], NodeAgent]
    ) -> None:
        self._backend = backend
        self._authorizer = authorizer
        self._node = node
        self._made: Hooks | None = None
        self._stops = [backend.store.subscribe(kind, lambda event: self._make()) for kind in KINDS]
        if any(backend.store.count(kind) for kind in KINDS):
            self._make()

    def close(self) -> None:
        for stop in self._stops:
            stop()
        if self._made is not None:
            self._made.close()

    @contextlib.contextmanager
    def held_open(self) -> Iterator[None]:
        """While the cluster's own objects are founded, before anything runs that could answer."""
        self._backend.hooks = NoHooks()
        try:
            yield
        finally:
            self._backend.hooks = self._made or NoHooks()

    def _make(self) -> None:
        if self._made is None:
            made = later("sampan.apiserver.admitting.hooks")
            self._made = made.of(self._backend, self._authorizer, self._node)
            assert self._made is not None
            self._backend.hooks = self._made


def rules(backend: Callable[[], Backend]) -> Mapping[str, Rules]:
    """The admission rules of the four kinds."""
    return {kind: _rules(kind, backend) for kind in KINDS}


def _rules(kind: str, backend: Callable[[], Backend]) -> Rules:
    def loaded() -> Rules:
        found: Rules = later("sampan.apiserver.admitting.hooks").rules_of(kind, backend().resources)
        return found

    def default(manifest: Manifest) -> None:
        if (given := loaded().default) is not None:
            given(manifest)

    def prepare(manifest: Manifest, old: Manifest | None) -> None:
        if (given := loaded().prepare) is not None:
            given(manifest, old)

    def validate(manifest: Manifest, old: Manifest | None) -> list[Problem]:
        given = loaded().validate
        return [] if given is None else given(manifest, old)

    return Rules(default=default, prepare=prepare, validate=validate)
