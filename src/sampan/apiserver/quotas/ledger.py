"""Ledger: what each quota has in use, at every moment, and whether more may be admitted.

`settle(key)` is called as soon as a write is queued (and again when it could not be stored), and
looks at the newest state, so that what is on its way to the disk counts. Admission and queueing
are one step of the event loop: of many creates that race, exactly those that fit get through.
What a quota's status says is not looked at; `report` writes it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Protocol

from sampan.apiserver.quotas import scopes
from sampan.apiserver.quotas.usage import (
    Usage,
    charged_on_update,
    is_special,
    unasked,
    usage,
)
from sampan.kube import names, quantities
from sampan.kube.errors import Forbidden
from sampan.kube.keys import Key, Manifest

_log = logging.getLogger(__name__)

NOTHING = Fraction(0)


class Subject(Protocol):
    """What is needed of a resource (`resources.Resource` has it)."""

    kind: str
    label: str

    def forbidden(self, name: str, text: str) -> Forbidden: ...


class Objects(Protocol):
    """The newest state of the cluster, committed or on its way."""

    def newest(self, key: Key) -> Manifest | None: ...

    def contents(self, namespace: str) -> Iterable[Key]: ...

    def label(self, kind: str) -> str | None:
        """The resource of a kind as `<plural>.<group>`; None when it is not served."""
        ...


class Quota:
    """One quota and what is charged to it, by object."""

    def __init__(self, name: str, manifest: Manifest) -> None:
        spec = manifest.get("spec") or {}
        self.name = name
        self.spec = spec
        self.hard, self.shown = _limits(spec.get("hard") or {})
        self.used = dict.fromkeys(self.hard, NOTHING)
        self._scopes = scopes.requirements(spec)
        self._charged: dict[Key, Usage] = {}

    def tracks(self, label: str) -> bool:
        """Whether objects of this resource may be counted."""
        if self._scopes:
            return label == "pods"
        return is_special(label) or f"count/{label}" in self.hard or label in self.hard

    def concerns(self, label: str, manifest: Manifest) -> bool:
        """Whether this object is counted."""
        return self.tracks(label) and all(scopes.meets(manifest, each) for each in self._scopes)

    def counted(self, label: str, manifest: Manifest) -> Usage:
        """What the object counts for in this quota; {} for one that is none of its business."""
        if not self.concerns(label, manifest):
            return {}
        every = usage(label, manifest)
        return {limit: every[limit] for limit in self.hard if limit in every}

    def charge(self, key: Key, new: Usage) -> bool:
        """Let the object count for `new` from now on; whether that made a difference."""
        old = self._charged.pop(key, {})
        if new:
            self._charged[key] = new
        if old == new:
            return False
        for limit, number in old.items():
            self.used[limit] -= number
        for limit, number in new.items():
            self.used[limit] += number
        return True

    def refusal(self, more: Usage) -> str:
        """Why so much more is too much, "" when it is not."""
        over = sorted(limit for limit in more if self.used[limit] + more[limit] > self.hard[limit])
        if not over:
            return ""
        asked = {limit: self.show(limit, more[limit]) for limit in over}
        used = {limit: self.show(limit, self.used[limit]) for limit in over}
        hard = {limit: self.shown[limit] for limit in over}
        return (
            f"exceeded quota: {self.name}, requested: {_table(asked)}, used: {_table(used)},"
            f" limited: {_table(hard)}"
        )

    def show(self, limit: str, number: Fraction) -> str:
        """A number in the style in which the quota writes its limit."""
        return quantities.format(number, quantities.style_of(self.shown[limit]))

    def status(self) -> Manifest:
        used = {limit: self.show(limit, number) for limit, number in self.used.items()}
        return {"hard": dict(self.shown), "used": used}


class Ledger:
    """All quotas. `changed(key)` is told which quota's sums, or whose limits, are different now."""

    def __init__(self, objects: Objects, changed: Callable[[Key], None]) -> None:
        self._objects = objects
        self._changed = changed
        self._quotas: dict[str, dict[Key, Quota]] = {}

    def get(self, key: Key) -> Quota | None:
        return self._quotas.get(key.namespace, {}).get(key)

    def settle(self, key: Key) -> None:
        """The object's newest state is another one than before."""
        if key.kind == names.RESOURCE_QUOTA:
            self._follow(key)
        quotas = self._quotas.get(key.namespace)
        if not quotas or not key.namespace:
            return
        label = self._objects.label(key.kind)
        manifest = self._objects.newest(key)
        for own, quota in quotas.items():
            new = quota.counted(label, manifest) if manifest is not None and label else {}
            if quota.charge(key, new):
                self._changed(own)

    def admit(self, resource: Subject, manifest: Manifest, old: Manifest | None) -> None:
        """Raise Forbidden when a quota leaves no room for the object's next state."""
        namespace = manifest["metadata"].get("namespace") or ""
        quotas = self._quotas.get(namespace)
        if not quotas or (old is not None and not charged_on_update(resource.label)):
            return
        name = manifest["metadata"].get("name") or ""
        matched = [
            each for _, each in sorted(quotas.items()) if each.concerns(resource.label, manifest)
        ]
        if old is None and resource.kind == names.POD:
            for quota in matched:
                if missing := unasked(quota.hard, manifest):
                    raise resource.forbidden(name, f"failed quota: {quota.name}: {missing}")
        for quota in matched:
            before = quota.counted(resource.label, old) if old is not None else {}
            if fault := quota.refusal(_growth(before, quota.counted(resource.label, manifest))):
                raise resource.forbidden(name, fault)

    def _follow(self, key: Key) -> None:
        """A quota came, went or changed: what it limits is counted anew when that is different."""
        manifest = self._objects.newest(key)
        home = self._quotas.setdefault(key.namespace, {})
        if manifest is None:
            home.pop(key, None)
            if not home:
                del self._quotas[key.namespace]
            return
        known = home.get(key)
        if known is None or known.spec != (manifest.get("spec") or {}):
            home[key] = self._counted(key, manifest)
        self._changed(key)

    def _counted(self, key: Key, manifest: Manifest) -> Quota:
        quota = Quota(key.name, manifest)
        for held in self._objects.contents(key.namespace):
            label = self._objects.label(held.kind)
            if label and quota.tracks(label):
                each = self._objects.newest(held)
                quota.charge(held, quota.counted(label, each) if each is not None else {})
        return quota


def _limits(hard: Mapping[str, str]) -> tuple[Usage, Mapping[str, str]]:
    """The limits as numbers and as they are written. What cannot be read (only an object from
    before it was validated has that) limits nothing."""
    numbers: Usage = {}
    for limit, amount in hard.items():
        try:
            numbers[limit] = quantities.parse(amount)
        except ValueError:
            _log.warning("a quota has a limit that is no quantity: %s: %s", limit, amount)
    return numbers, {limit: hard[limit] for limit in numbers}


def _growth(before: Usage, after: Usage) -> Usage:
    """What has become more, and by how much."""
    grown = ((limit, number - before.get(limit, NOTHING)) for limit, number in after.items())
    return {limit: number for limit, number in grown if number > 0}


def _table(amounts: Mapping[str, str]) -> str:
    return ",".join(_pairs(amounts))


def _pairs(amounts: Mapping[str, str]) -> Iterator[str]:
    return (f"{limit}={amounts[limit]}" for limit in sorted(amounts))
