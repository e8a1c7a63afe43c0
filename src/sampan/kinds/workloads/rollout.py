"""Rollout arithmetic: how many pods each ReplicaSet of a Deployment should have next.

Every function takes numbers and answers with the sizes that change. The two promises of a rolling
update live here: never more than replicas + maxSurge pods asked for, never fewer than replicas -
maxUnavailable available because of us. Upstream: kubernetes pkg/controller/deployment rolling.go,
sync.go, util/deployment_util.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor

from msgspec import Struct


class Member(Struct, frozen=True, kw_only=True):
    """One ReplicaSet, as a rollout counts it. `asked` is spec.replicas."""

    name: str
    asked: int
    available: int = 0
    created: str = ""

    @property
    def up(self) -> int:
        """Available pods that are not about to be given up."""
        return min(self.asked, self.available)


class Limits(Struct, frozen=True, kw_only=True):
    """`replicas` is wanted; `most` may be asked for at once, `least` must stay available."""

    replicas: int
    surge: int
    unavailable: int

    @property
    def most(self) -> int:
        return self.replicas + self.surge

    @property
    def least(self) -> int:
        return self.replicas - self.unavailable


Sizes = dict[str, int]


def limits(replicas: int, surge: int | str, unavailable: int | str) -> Limits:
    """Percentages become numbers: surge is rounded up, unavailable down; both 0 cannot move."""
    up = amount(surge, replicas, up=True)
    down = min(amount(unavailable, replicas, up=False), replicas)
    if up == 0 and down == 0:
        down = 1
    return Limits(replicas=replicas, surge=up if replicas else 0, unavailable=down)


def amount(value: int | str, total: int, *, up: bool) -> int:
    """`"25%"` of `total`, rounded, or the number itself."""
    if isinstance(value, int):
        return value
    exact = int(value.removesuffix("%")) * total / 100
    return ceil(exact) if up else floor(exact)


def rolling(new: Member, old: Sequence[Member], bounds: Limits) -> Sizes:
    """The next step of a rolling update; {} when there is nothing to do but to wait."""
    grown = _grow(new, old, bounds)
    return grown or _shrink(new, old, bounds)


def _grow(new: Member, old: Sequence[Member], bounds: Limits) -> Sizes:
    if new.asked > bounds.replicas:
        return {new.name: bounds.replicas}
    room = bounds.most - new.asked - sum(member.asked for member in old)
    step = min(room, bounds.replicas - new.asked)
    return {new.name: new.asked + step} if step > 0 else {}


def _shrink(new: Member, old: Sequence[Member], bounds: Limits) -> Sizes:
    """Give up old pods: first those that do not serve, then as many as may be spared."""
    asked = new.asked + sum(member.asked for member in old)
    spare = asked - bounds.least - (new.asked - new.up)
    sizes: Sizes = {}
    for member in _oldest_first(old):
        dead = min(spare, member.asked - member.up)
        if dead > 0:
            sizes[member.name] = member.asked - dead
            spare -= dead
    available = new.up + sum(member.up for member in old)
    spare = min(spare, available - bounds.least)
    for member in _oldest_first(old):
        size = sizes.get(member.name, member.asked)
        step = min(spare, size)
        if step > 0:
            sizes[member.name] = size - step
            spare -= step
    return sizes


def recreate(new: Member, old: Sequence[Member], replicas: int, *, old_pods: bool) -> Sizes:
    """All old pods go; when none is left, the new ones come."""
    sizes = {member.name: 0 for member in old if member.asked}
    if sizes or old_pods:
        return sizes
    return {new.name: replicas} if new.asked != replicas else {}


def scaled(members: Sequence[Member], before: int, bounds: Limits) -> Sizes:
    """A new `spec.replicas` in the middle of a rollout or of a pause: shares stay as they were.

    before: the most that could be asked for when the shares were made.
    """
    active = [member for member in members if member.asked]
    if len(active) <= 1:
        only = active or members[:1]
        return {m.name: bounds.replicas for m in only if m.asked != bounds.replicas}
    total = sum(member.asked for member in active)
    most = bounds.most
    shares = {m.name: min(m.asked * most // max(before, total, 1), most) for m in active}
    largest = max(active, key=lambda member: (member.asked, member.created))
    shares[largest.name] += most - sum(shares.values())
    return {m.name: shares[m.name] for m in active if shares[m.name] != m.asked}


def _oldest_first(members: Sequence[Member]) -> list[Member]:
    return sorted(members, key=lambda member: (member.created, member.name))
