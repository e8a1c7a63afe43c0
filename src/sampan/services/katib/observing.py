"""What was observed of trials: kept as it is reported, told to the controller of Trials when it
asks, and forgotten with the Trial.

A controller asks when the job is done, and again when its question has changed, which it does by
the Trial's annotation: that counts how often there was news for who has asked. It is written with
the last report of a collector, and for others some seconds after the first that nobody was told of,
so that who reports in a loop does not write objects in one.
Upstream: cmd/db-manager, pkg/controller.v1beta1/trial/managerclient, medianstop/service.py.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from sampan.engine.cluster import Change, Cluster
from sampan.kube import meta, names
from sampan.kube.conditions import is_true
from sampan.kube.errors import ApiStatus, Conflict, NotFound, SampanError
from sampan.kube.katib import NEVER, Batch
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Unanswered
from sampan.kube.searching import ObservationAnswer, ObservationQuestion
from sampan.kube.times import rfc3339
from sampan.lib.clock import Clock
from sampan.records.katib.log import Entry, Of, micros
from sampan.records.katib.store import Store

log = logging.getLogger(__name__)

NEWS = 5.0
"""Seconds in which reports gather before the Trial says that there are some."""
_OVER = ("Succeeded", "Failed", "Killed", "EarlyStopped", "MetricsUnavailable")
_TRIES = 5


class Observing:
    """`kube.katib.Observations` for the node, and a source for controllers (`answer`)."""

    def __init__(self, cluster: Cluster, store: Store, clock: Clock, *, news: float = NEWS) -> None:
        self._cluster = cluster
        self._store = store
        self._clock = clock
        self._news = news
        self._waiting: dict[str, asyncio.TimerHandle] = {}
        self._asked: set[str] = set()  # the uids of trials that somebody has asked for
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop: Callable[[], None] = lambda: None

    async def start(self) -> None:
        if self._cluster.has_kind(names.TRIAL):
            await self._cluster.mirror(names.TRIAL)
            self._stop = self._cluster.subscribe(names.TRIAL, self._heard)

    async def stop(self) -> None:
        unsubscribe, self._stop = self._stop, lambda: None
        unsubscribe()
        for handle in self._waiting.values():
            handle.cancel()
        self._waiting.clear()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._store.close()

    # -- whoever collects -------------------------------------------------------------------------
    async def report(self, namespace: str, trial: str, batch: Batch) -> None:
        key = Key(names.TRIAL, namespace, trial)
        found = self._cluster.get(key)
        if found is None:
            return
        of = Of(namespace, trial, meta.uid_of(found))
        entries = [Entry(_time(each.time), each.metric, each.value) for each in batch.logs]
        new = await self._store.keep(of, entries, batch.source, batch.first)
        if batch.final:
            await self._store.note(of, batch.why)
        if self._find(key, of.uid) is None:  # it went while this was written
            await self._store.delete([of.uid])
        elif of.uid not in self._asked:
            return  # who asks from now on finds it
        elif batch.final:
            await self._tell(key, of.uid)
        elif new:
            self._tell_later(key, of.uid)

    async def retract(self, namespace: str, trial: str, source: str) -> None:
        found = self._cluster.get(Key(names.TRIAL, namespace, trial))
        if found is not None and source:
            await self._store.retract(meta.uid_of(found), source)

    async def stopped(self, namespace: str, trial: str) -> None:
        """A Trial that is over already stays what it is."""
        key = Key(names.TRIAL, namespace, trial)
        for _ in range(_TRIES):
            found = self._cluster.get(key)
            if found is None or _is_over(found):
                return
            try:
                await self._cluster.patch(key, _stopped(found, self._now()), subresource="status")
            except NotFound:
                return
            except Conflict:
                continue
            return
        raise Conflict(f"the status of {key} changes all the time")

    # -- the controller of Trials -----------------------------------------------------------------
    async def answer(self, questions: Sequence[ObservationQuestion]) -> Sequence[Any]:
        trials = [
            self._find(Key(names.TRIAL, each.namespace, each.trial), each.uid) for each in questions
        ]
        known = [each for each in trials if each is not None]
        self._asked.update(map(meta.uid_of, known))  # before the look: then nothing is missed
        answers = await self._store.summaries(
            [(meta.uid_of(each), _metrics(each)) for each in known]
        )
        found = iter(answers)
        return [
            Unanswered("the trial is gone") if trial is None else _answer(*next(found))
            for trial in trials
        ]

    # -- news -------------------------------------------------------------------------------------
    def _tell_later(self, trial: Key, uid: str) -> None:
        if uid not in self._waiting:
            loop = asyncio.get_running_loop()
            self._waiting[uid] = loop.call_later(self._news, self._due, trial, uid)

    def _due(self, trial: Key, uid: str) -> None:
        del self._waiting[uid]
        self._begin(self._tell(trial, uid))

    async def _tell(self, trial: Key, uid: str) -> None:
        waiting = self._waiting.pop(uid, None)
        if waiting is not None:
            waiting.cancel()
        found = self._find(trial, uid)
        if found is None or (_is_over(found) and "observation" in (found.get("status") or {})):
            return
        said = meta.annotations_of(found).get(names.ANNOTATION_REPORTS) or ""
        count = int(said) if said.isdecimal() and len(said) < 16 else 0
        news = {names.ANNOTATION_REPORTS: str(count + 1)}
        try:
            await self._cluster.patch(trial, {"metadata": {"uid": uid, "annotations": news}})
        except (NotFound, Conflict):
            return
        except ApiStatus as error:
            log.warning("%s is not told of what was reported: %s", trial, error)

    # -- what is gone -----------------------------------------------------------------------------
    def _heard(self, change: Change) -> None:
        if change.type != "DELETED":
            return
        uid = meta.uid_of(change.manifest)
        self._asked.discard(uid)
        if (waiting := self._waiting.pop(uid, None)) is not None:
            waiting.cancel()
        self._begin(self._forget(uid))

    async def _forget(self, uid: str) -> None:
        try:
            await self._store.delete([uid])
        except SampanError as error:
            log.warning("what was reported of a trial that is gone stays: %s", error)

    def _begin(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _find(self, trial: Key, uid: str) -> Manifest | None:
        found = self._cluster.get(trial)
        return found if found is not None and meta.uid_of(found) == uid else None

    def _now(self) -> str:
        return rfc3339(self._clock.now())


def present(cluster: Cluster) -> Callable[[], frozenset[str]]:
    """The uids of the trials that there are."""
    return lambda: frozenset(meta.uid_of(each) for each in cluster.list(names.TRIAL))


def _time(text: str) -> int:
    try:
        return micros(text)
    except ValueError:
        return micros(NEVER)


def _answer(metrics: Any, why: str) -> ObservationAnswer:
    return ObservationAnswer(metrics=metrics, why=why)


def _metrics(trial: Manifest) -> list[str]:
    """The names of what a Trial wants to be measured, the objective first."""
    objective = (trial.get("spec") or {}).get("objective") or {}
    strategies = [each.get("name") for each in objective.get("metricStrategies") or ()]
    more = objective.get("additionalMetricNames") or ()
    found = [objective.get("objectiveMetricName"), *more, *strategies]
    return [each for each in dict.fromkeys(found) if isinstance(each, str) and each]


def _is_over(trial: Manifest) -> bool:
    said = (trial.get("status") or {}).get("conditions")
    return any(is_true(said, each) for each in _OVER)


def _stopped(trial: Manifest, now: str) -> dict[str, Any]:
    said = (trial.get("status") or {}).get("conditions") or ()
    condition = {
        "type": "EarlyStopped",
        "status": "True",
        "reason": "TrialEarlyStopped",
        "message": "Trial is early stopped",
        "lastUpdateTime": now,
        "lastTransitionTime": now,
    }
    same = {name: trial["metadata"][name] for name in ("uid", "resourceVersion")}
    kept = [each for each in said if each.get("type") != "EarlyStopped"]
    return {"metadata": same, "status": {"conditions": [*kept, condition]}}
