"""Acts: carrying out one Plan against a cluster.

Actions run in order and the first failure ends the round, before the status is written; the next
round repeats them, so each must bear that. Only Creates in a row run side by side. An `Apply` that
says what it said last time is skipped while its result is still the live state (status apart): the
common case in a level-triggered loop.
When the round ends, the cluster's reads show all that it wrote.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from itertools import groupby
from typing import Any

import orjson
from msgspec import Struct

from sampan.engine.cluster import Cluster, NotMirrored, PatchType
from sampan.engine.events import Events
from sampan.engine.measures import Measures
from sampan.engine.reads import Job
from sampan.kube import meta, names
from sampan.kube.conditions import get_condition, without_condition
from sampan.kube.errors import AlreadyExists, ApiStatus, Conflict, NotFound
from sampan.kube.keys import Key, Manifest, key_of
from sampan.kube.plan import Action, Apply, Create, Delete, Emit, Measure, Patch, Plan
from sampan.kube.times import rfc3339
from sampan.lib.clock import Clock

_AT_ONCE = 32
"""Creates that wait for one commit: more of them gain nothing."""


class Applied(Struct, frozen=True):
    """What was asked for last time, and what the object was right after it."""

    asked: bytes
    uid: str
    version: str
    state: bytes


class Refused(Exception):
    """The cluster refused an action; with the words of an Event about it."""

    def __init__(self, error: ApiStatus, reason: str, message: str) -> None:
        super().__init__(message)
        self.error = error
        self.reason = reason


def _is_final(error: ApiStatus) -> bool:
    """Whether the same action would be refused again, whatever others do."""
    return error.code in (400, 403, 422) and "exceeded quota" not in error.message


class Acts:
    def __init__(self, cluster: Cluster, events: Events, clock: Clock) -> None:
        self._cluster = cluster
        self._clock = clock
        self._events = events
        self.measures = Measures(clock)
        self._applied: dict[Key, dict[str, Applied]] = {}

    async def carry_out(self, job: Job, observed: Manifest | None, plan: Plan) -> None:
        """`observed` is the job's object as `see` saw it. Raises Refused for the first action that
        fails, ApiStatus if the status cannot be written."""
        written: dict[Key, Manifest] = {}
        try:
            for group in _together(plan.actions):
                await self._act_all(job, observed, plan, group, written)
            observed = written.get(job.key, observed)
            if plan.status is not None and observed is not None:
                await self._report(observed, plan.status, written)
        finally:
            for manifest in written.values():
                await self._cluster.settled(manifest)

    def _told(self, action: Action, error: ApiStatus) -> Refused:
        if isinstance(action, Delete):
            return Refused(error, "FailedDelete", f"Error deleting: {error.message}")
        if isinstance(action, Apply | Create) and self._live(key_of(action.manifest)) is None:
            return Refused(error, "FailedCreate", f"Error creating: {error.message}")
        return Refused(error, "FailedWrite", error.message)

    async def _refused(
        self,
        observed: Manifest | None,
        plan: Plan,
        error: ApiStatus,
        written: dict[Key, Manifest],
    ) -> None:
        """Let the status say why nothing goes on; a conflict is nobody's refusal."""
        if not plan.refusal or observed is None or error.code == 409:
            return
        condition = {
            "type": plan.refusal,
            "status": "True",
            "reason": "FailedCreate",
            "message": error.message,
        }
        known = (observed.get("status") or {}).get("conditions")
        if plan.status is None:
            await self._complain(observed, known, condition)
            return
        said = plan.status.get("conditions")
        before = get_condition(known, plan.refusal)
        since = (before or {}).get("lastTransitionTime") or rfc3339(self._clock.now())
        conditions = [*(said or ()), {**condition, "lastTransitionTime": since}]
        await self._report(observed, {**plan.status, "conditions": conditions}, written)

    async def _complain(self, observed: Manifest, known: Any, condition: dict[str, Any]) -> None:
        """Patch the condition into a kind without a status subresource."""
        wanted = [*without_condition(known, condition["type"]), condition]
        body = {"metadata": {"uid": meta.uid_of(observed)}, "status": {"conditions": wanted}}
        with suppress(NotFound, Conflict):
            await self._cluster.patch(key_of(observed), body, manager=names.MANAGER)

    def forget(self, key: Key) -> None:
        """The object is gone: what was applied to it is no longer of interest."""
        self._applied.pop(key, None)
        self.measures.forget(key)

    async def _act_all(
        self,
        job: Job,
        observed: Manifest | None,
        plan: Plan,
        group: Sequence[Action],
        written: dict[Key, Manifest],
    ) -> None:
        if len(group) == 1:
            outcomes = [await self._outcome(job, observed, group[0])]
        else:
            outcomes = await asyncio.gather(*(self._outcome(job, observed, it) for it in group))
        failed: list[tuple[Action, ApiStatus]] = []
        for action, outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, ApiStatus):
                failed.append((action, outcome))
            elif outcome is not None:
                written[key_of(outcome)] = outcome
        if not failed:
            return
        await self._refused(observed, plan, failed[0][1], written)
        for action, error in failed:
            if plan.instead is not None and _is_final(error):
                for other in plan.instead(action, error.message):
                    await self._act(job, observed, other)
        action, error = failed[0]
        raise self._told(action, error) from error

    async def _outcome(
        self, job: Job, observed: Manifest | None, action: Action
    ) -> Manifest | ApiStatus | None:
        try:
            return await self._act(job, observed, action)
        except ApiStatus as error:
            return error

    async def _act(self, job: Job, observed: Manifest | None, action: Action) -> Manifest | None:
        match action:
            case Apply(manifest):
                return await self._apply(job.controller, manifest)
            case Create(manifest):
                return await self._create(manifest)
            case Patch(key, patch, subresource):
                return await self._patch(job.controller, key, patch, subresource)
            case Delete():
                await self._delete(action)
            case Emit():
                about = action.about or observed
                if about is not None:
                    self._events.emit(job.controller, about, action)
            case Measure():
                if (fault := self.measures.take(job.key, action)) and observed is not None:
                    told = Emit("Warning", "MetricsError", fault)
                    self._events.emit(job.controller, observed, told)
        return None

    async def _apply(self, controller: str, manifest: Manifest) -> Manifest | None:
        key = key_of(manifest)
        asked = _digest(manifest)
        before = self._applied.get(key, {}).get(controller)
        live = self._live(key)
        if before is not None and live is not None and before.asked == asked:
            if before.version == live["metadata"]["resourceVersion"]:
                return None
            if before.uid == meta.uid_of(live) and before.state == _state(live):
                self._remember(controller, key, asked, live)
                return None
        result = await self._cluster.apply(manifest, manager=manager(controller))
        self._remember(controller, key, asked, result)
        return result

    async def _create(self, manifest: Manifest) -> Manifest | None:
        if self._live(key_of(manifest)) is not None:
            return None
        try:
            return await self._cluster.create(manifest)
        except AlreadyExists:
            return None

    def _remember(self, controller: str, key: Key, asked: bytes, live: Manifest) -> None:
        version = live["metadata"]["resourceVersion"]
        applied = Applied(asked, meta.uid_of(live), version, _state(live))
        self._applied.setdefault(key, {})[controller] = applied

    async def _patch(
        self, controller: str, key: Key, patch: Manifest | list[Manifest], subresource: str
    ) -> Manifest | None:
        kind: PatchType = "json" if isinstance(patch, list) else "merge"
        by = manager(controller)
        try:
            return await self._cluster.patch(
                key, patch, type=kind, subresource=subresource, manager=by
            )
        except NotFound:
            return None

    async def _delete(self, action: Delete) -> None:
        live = self._live(action.key)
        if live is not None and action.uid and meta.uid_of(live) != action.uid:
            return
        if live is not None and meta.deleting(live) and action.propagation == "Background":
            return
        try:
            await self._cluster.delete(action.key, uid=action.uid, propagation=action.propagation)
        except NotFound:
            return
        except Conflict:
            if not action.uid:
                raise

    async def _report(
        self, observed: Manifest, status: Manifest, written: dict[Key, Manifest]
    ) -> None:
        if (observed.get("status") or {}) == status:
            return
        try:
            result = await self._cluster.replace(
                {**observed, "status": status}, subresource="status"
            )
        except NotFound:
            return
        written[key_of(result)] = result

    def _live(self, key: Key) -> Manifest | None:
        try:
            return self._cluster.get(key)
        except NotMirrored:
            return None


def _together(actions: Sequence[Action]) -> Iterator[Sequence[Action]]:
    """The actions in order, those that may run side by side in one group."""
    for creates, run in groupby(actions, lambda each: isinstance(each, Create)):
        if creates:
            group = list(run)
            for start in range(0, len(group), _AT_ONCE):
                yield group[start : start + _AT_ONCE]
        else:
            yield from ((each,) for each in run)


def manager(controller: str) -> str:
    """The field manager of a controller: each holds its own fields, none takes another's away."""
    return f"{names.MANAGER}-{controller}"


def _digest(value: Any) -> bytes:
    return blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()


_BOOKKEEPING = ("resourceVersion", "managedFields", "generation")


def _state(manifest: Manifest) -> bytes:
    """A digest of the object without its status and the server's bookkeeping."""
    rest = {field: value for field, value in manifest.items() if field != "status"}
    rest["metadata"] = {
        field: value for field, value in manifest["metadata"].items() if field not in _BOOKKEEPING
    }
    return _digest(rest)
