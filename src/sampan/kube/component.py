"""A Component: one API group's knowledge, ready to be plugged in.

`sampan.app` collects components from the entry point group `sampan.components`, so a third party
can add one, and `sampan up --without NAME` leaves one out. A component is data: controllers, CRDs,
objects to create at start, and the admission rules of its kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from sampan.kube.access import User
from sampan.kube.errors import ApiStatus, Problem
from sampan.kube.keys import Manifest
from sampan.kube.plan import Controller, View
from sampan.lib.prometheus import Part


class Contained(Struct, frozen=True, kw_only=True):
    """An object of one of Kubernetes' own kinds that is written inside another one. `refused` makes
    the answer of what is wrong with it."""

    manifest: Manifest
    refused: Callable[[str], ApiStatus]


class Rules(Struct, frozen=True, kw_only=True):
    """What admission does beyond the schema for one kind. All pure; `default` and `prepare` change
    the manifest they are given, which belongs to the request.

    default(manifest): fills in defaults; on create, update and patch.
    author(manifest, user): writes into a new object who asked for it.
    inject(view, manifest): what a new object gets because of other objects, before it is judged, as
        from a mutating webhook; whether it got anything. May raise ApiStatus. Components may have
        this for kinds of others.
    prepare(manifest, old): what a strategy does before validation (old is None on create).
    validate(manifest, old): problems with fields -> 422.
    parts: the same for what is written to a subresource of this name, instead of `validate`.
    warn(manifest): what the writer should know, though it is no fault.
    admit(view, manifest, old): checks and changes that need other objects; may raise ApiStatus.
    contains(view, manifest): objects in it, which may have no field that their kinds do not have.
    """

    default: Callable[[Manifest], None] | None = None
    author: Callable[[Manifest, User], None] | None = None
    inject: Callable[[View, Manifest], bool] | None = None
    prepare: Callable[[Manifest, Manifest | None], None] | None = None
    validate: Callable[[Manifest, Manifest | None], list[Problem]] | None = None
    parts: Mapping[str, Callable[[Manifest, Manifest | None], list[Problem]]] = {}
    admit: Callable[[View, Manifest, Manifest | None], None] | None = None
    contains: Callable[[View, Manifest], Iterable[Contained]] | None = None
    warn: Callable[[Manifest], list[str]] | None = None


class Component(Struct, frozen=True, kw_only=True):
    """`crds` are CustomResourceDefinitions; `objects` are applied at start, in order; `figures` are
    what /metrics says of the objects as they are when it is asked."""

    name: str
    controllers: tuple[Controller, ...] = ()
    crds: tuple[Manifest, ...] = ()
    objects: tuple[Manifest, ...] = ()
    rules: Mapping[str, Rules] = {}
    figures: Callable[[View], Iterable[Part]] | None = None
