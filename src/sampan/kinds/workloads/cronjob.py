"""CronJob: a Job for each activation of a schedule.

Only the latest activation that was missed is made up for; startingDeadlineSeconds says for how
long. What concurrencyPolicy means is in `_start`: Allow starts anyway, Forbid waits for the next
activation, Replace deletes what runs. Jobs that are over are kept as the history limits say.
Upstream: kubernetes pkg/controller/cronjob.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sampan.kinds.workloads import pods
from sampan.kinds.workloads.cronjobs import (
    Made,
    Series,
    Spec,
    Status,
    beginning,
    build,
    job_name,
    look,
    read,
)
from sampan.kinds.workloads.types import view
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Action, Apply, Controller, Delete, Emit, Plan, View
from sampan.kube.times import rfc3339

TOO_MANY = 100
"""More missed activations than this are worth a warning: a clock that jumped, a long sleep."""


def see(cluster: View, key: Key) -> Series | None:
    manifest = cluster.get(key)
    if manifest is None:
        return None
    spec, status = view(Spec, manifest["spec"]), view(Status, manifest.get("status"))
    schedule, fault = read(spec)
    now, due = cluster.now(), None
    if schedule is not None:
        due = schedule.latest(beginning(manifest, spec, status, now), now)
    owned = cluster.owned(manifest, names.JOB)
    return Series(
        manifest=manifest,
        spec=spec,
        status=status,
        jobs=tuple(look(job) for job in owned if meta.is_controlled_by(job, manifest)),
        schedule=schedule,
        fault=fault,
        due=due,
        occupied=due is not None
        and cluster.get(_key(manifest, job_name(manifest, due))) is not None,
        now=now,
    )


def decide(series: Series) -> Plan:
    if meta.deleting(series.manifest):
        return Plan()
    active, told = _active(series)
    actions = [*told, *_forget(series)]
    last = series.status.lastScheduleTime
    if series.fault:
        given = series.spec.timeZone if series.fault == "UnknownTimeZone" else series.spec.schedule
        actions.append(Emit("Warning", series.fault, f"cannot be understood: {given}"))
    elif series.due is not None and not series.spec.suspend:
        started, active, begun = _start(series, series.due, active)
        actions += started
        last = rfc3339(series.due) if begun else last
    return Plan(
        status=_status(series, active, last), actions=tuple(actions), again_in=_wait(series)
    )


def _active(series: Series) -> tuple[list[Made], list[Action]]:
    """The Jobs that run, and what is new about those that ran before."""
    known = {each.uid: each.name for each in series.status.active}
    found = {job.uid: job for job in series.jobs}
    told: list[Action] = []
    for uid, name in known.items():
        if uid not in found:
            told.append(Emit("Normal", "MissingJob", f"Active job went missing: {name}"))
        elif outcome := found[uid].outcome:
            text = f"Saw completed job: {name}, condition: {outcome}"
            told.append(Emit("Normal", "SawCompletedJob", text))
    for job in series.jobs:
        if job.uid not in known and not job.outcome and not _ours(series, job):
            text = f"Saw a job that the controller did not create or forgot: {job.name}"
            told.append(Emit("Warning", "UnexpectedJob", text))
    running = [
        job for job in series.jobs if not job.outcome and (job.uid in known or _ours(series, job))
    ]
    return running, told


def _ours(series: Series, job: Made) -> bool:
    """Made for an activation, though perhaps not yet in the status."""
    return names.ANNOTATION_SCHEDULED_AT in meta.annotations_of(job.manifest)


def _start(
    series: Series, due: datetime, active: list[Made]
) -> tuple[list[Action], list[Made], bool]:
    """What to do about a due activation, what is active then, whether it is done with."""
    if series.occupied:  # by the Job of the round before, or by somebody else's
        return [], active, True
    actions = list(_warn(series))
    if series.spec.concurrencyPolicy == "Forbid" and active:
        text = (
            "Not starting job because prior execution is running and concurrency policy is Forbid"
        )
        return [*actions, Emit("Normal", "JobAlreadyActive", text)], active, False
    if series.spec.concurrencyPolicy == "Replace":
        for job in active:
            actions += _delete(series, job)
        active = []
    manifest = build(series, due)
    told = Emit("Normal", "SuccessfulCreate", f"Created job {meta.name_of(manifest)}")
    return [*actions, Apply(manifest), told], active, True


def _warn(series: Series) -> Iterator[Action]:
    assert series.schedule is not None
    moment: datetime | None = series.since
    missed = 0
    while missed <= TOO_MANY and moment is not None and moment <= series.now:
        moment = series.schedule.following(moment)
        missed += 1
    if missed > TOO_MANY:
        text = (
            "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check"
            " clock skew"
        )
        yield Emit("Warning", "TooManyMissedTimes", text)


def _forget(series: Series) -> Iterator[Action]:
    """Delete the oldest of the Jobs that are over, beyond the limits."""
    limits = (
        ("Complete", series.spec.successfulJobsHistoryLimit),
        ("Failed", series.spec.failedJobsHistoryLimit),
    )
    for outcome, limit in limits:
        over = sorted(
            (job for job in series.jobs if job.outcome == outcome), key=lambda job: job.began
        )
        for job in over[: max(0, len(over) - limit)]:
            yield from _delete(series, job)


def _delete(series: Series, job: Made) -> tuple[Action, Action]:
    told = Emit("Normal", "SuccessfulDelete", f"Deleted job {job.name}")
    return Delete(_key(series.manifest, job.name), job.uid), told


def _key(manifest: Manifest, name: str) -> Key:
    return Key(names.JOB, meta.namespace_of(manifest), name)


def _status(series: Series, active: list[Made], last: str) -> dict[str, Any]:
    before = (series.manifest.get("status") or {}).get("active") or ()
    known = {each.get("uid"): each for each in before}
    ends = [job.succeeded_at for job in series.jobs if job.succeeded_at]
    return pods.compact(
        {
            "active": [known.get(job.uid) or _reference(job.manifest) for job in active],
            "lastScheduleTime": last,
            "lastSuccessfulTime": max([*ends, series.status.lastSuccessfulTime], default=""),
        }
    )


def _reference(job: Manifest) -> dict[str, Any]:
    about = job["metadata"]
    fields = ("name", "namespace", "uid", "resourceVersion")
    return {
        "kind": "Job",
        "apiVersion": "batch/v1",
        **{field: about[field] for field in fields if field in about},
    }


def _wait(series: Series) -> float | None:
    if series.schedule is None or series.spec.suspend:
        return None
    following = series.schedule.following(series.now)
    return (following - series.now).total_seconds() if following else None


CRON_JOB = Controller(name="cronjob", of=names.CRON_JOB, see=see, decide=decide)
