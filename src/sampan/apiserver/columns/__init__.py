"""Columns: what `kubectl get` shows of each kind.

    columns(resource), row(resource, manifest, now)      for whatever is served
    printer("apps", "Deployment")                        .columns and .cells of an own kind
    crd_columns(additionalPrinterColumns)                the same for a custom resource

One file per family of kinds; a kind that is in none of them has a name and an age. Times come in as
`now`, so cells are functions of the manifest. Upstream: kubernetes pkg/printers/internalversion.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from sampan.apiserver.columns import core, network, pods, storage, workloads
from sampan.apiserver.columns.custom import crd_columns
from sampan.apiserver.columns.printer import Column, Printer
from sampan.kube.keys import Manifest

__all__ = ["Column", "Printer", "cells", "columns", "crd_columns", "printer", "row"]

_PRINTERS: dict[tuple[str, str], Printer] = {
    **pods.PRINTERS,
    **workloads.PRINTERS,
    **core.PRINTERS,
    **storage.PRINTERS,
    **network.PRINTERS,
}
_PLAIN = crd_columns(())


class CustomPart(Protocol):
    @property
    def columns(self) -> tuple[Mapping[str, Any], ...]: ...


class Resource(Protocol):
    """What is needed of a served resource (`resources.Resource` has it)."""

    @property
    def group(self) -> str: ...

    @property
    def object_kind(self) -> str: ...

    @property
    def custom(self) -> CustomPart | None: ...


def printer(group: str, kind: str) -> Printer:
    """The columns of one of Kubernetes' own kinds; Name and Age when it has no others."""
    return _PRINTERS.get((group, kind), _PLAIN)


def cells(group: str, kind: str, manifest: Manifest, now: datetime) -> list[Any]:
    """The cells of an object of an own kind."""
    return printer(group, kind).cells(manifest, now)


def columns(resource: Resource) -> list[dict[str, Any]]:
    """The columnDefinitions of a Table of this resource."""
    return [column.written() for column in _of(resource).columns]


def row(resource: Resource, manifest: Manifest, now: datetime) -> list[Any]:
    """The cells of one object, in the order of `columns`."""
    return _of(resource).cells(manifest, now)


_CUSTOM: WeakKeyDictionary[Any, Printer] = WeakKeyDictionary()


def _of(resource: Resource) -> Printer:
    if resource.custom is None:
        return printer(resource.group, resource.object_kind)
    known = _CUSTOM.get(resource)
    if known is None:
        known = _CUSTOM[resource] = crd_columns(resource.custom.columns)
    return known
