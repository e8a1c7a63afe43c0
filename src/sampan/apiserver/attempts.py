"""Attempt: a write on its way to the store, as admission webhooks and policies see it; and Hooks,
which ask them.

The verbs ask the hooks of the backend. An attempt is described only where some webhook or policy is
configured at all (`Hooks.active`), so without any a write pays for one look at a flag.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

from msgspec import Struct

from sampan.apiserver.calls import Call
from sampan.apiserver.resources import Resource
from sampan.kube.keys import Manifest

Operation = Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]
Kind = tuple[str, str, str]
"""(group, version, kind)."""


class Attempt(Struct, kw_only=True):
    """`object` is what the write would store (None for a DELETE), `old` what is stored now. `kind`
    is that of the object, where a subresource has one of its own (Scale, Eviction)."""

    operation: Operation
    resource: Resource
    namespace: str
    name: str
    call: Call
    object: Manifest | None = None
    old: Manifest | None = None
    subresource: str = ""
    kind: Kind | None = None
    options: Mapping[str, Any] = {}

    @property
    def object_kind(self) -> Kind:
        resource = self.resource
        return self.kind or (resource.group, resource.version, resource.object_kind)


class Hooks(Protocol):
    """`active` tells whether anything is configured that an attempt could concern."""

    active: bool

    async def mutate(self, attempt: Attempt) -> Manifest:
        """The object as the webhooks want it: the same one when none of them changes it. For a
        DELETE the result means nothing. Raises ApiStatus when one of them refuses."""
        ...

    async def validate(self, attempt: Attempt) -> None:
        """Raises ApiStatus when a webhook or a policy refuses."""
        ...

    def close(self) -> None:
        """Hear of no more changes."""
        ...


class NoHooks:
    """Lets everything through."""

    active = False

    async def mutate(self, attempt: Attempt) -> Manifest:
        return attempt.object or {}

    async def validate(self, attempt: Attempt) -> None:
        return None

    def close(self) -> None:
        return None


async def admit(hooks: Hooks, attempt: Attempt) -> None:
    """Both steps, for what nobody can change: DELETE, CONNECT, and what is only posted."""
    if hooks.active:
        await hooks.mutate(attempt)
        await hooks.validate(attempt)
