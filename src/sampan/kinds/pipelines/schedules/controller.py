"""ScheduledWorkflow: the decision.

    what became of the runs → is the next one's time past, and are few enough running → it is made

Its name is made of the schedule's and the index, which the status counts up when the run is there.
Each look makes one: status and run lead to the next look, until the schedule has caught up. The
kind has no status subresource: status and labels are one patch.
Upstream: kubeflow/pipelines backend/src/crd/controller/scheduledworkflow/controller.go.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from msgspec.structs import replace

from sampan.kinds.pipelines import legacy
from sampan.kinds.pipelines.schedules import children, sources, status, timing
from sampan.kinds.pipelines.schedules.timing import Moments
from sampan.kinds.pipelines.schedules.types import (
    Series,
    Spec,
    Status,
    children_of,
    spec_of,
    status_of,
)
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.plan import Action, Controller, Create, Plan, View
from sampan.kube.times import parse
from sampan.lib import cron

_SETTINGS = Key(names.CONFIG_MAP, "kubeflow", "pipeline-install-config")
"""Upstream's manifests hand its `cronScheduleTimezone` to the controller."""


def see(cluster: View, key: Key) -> Series | None:
    manifest = cluster.get(key)
    if manifest is None or meta.deleting(manifest):
        return None
    owned = [*cluster.owned(manifest, names.RUN), *cluster.owned(manifest, names.WORKFLOW)]
    blank = Series(
        manifest=manifest,
        spec=Spec(),
        status=Status(),
        children=children_of(manifest, owned),
        scheduled=None,
        following=None,
        due=None,
        fault="",
        now=cluster.now(),
    )
    try:
        series = replace(blank, spec=spec_of(manifest), status=status_of(manifest))
        return _scheduled(cluster, series)
    except ValueError as wrong:
        return replace(blank, fault=str(wrong))


def _scheduled(cluster: View, series: Series) -> Series:
    """With the next run's time and, if that has come, the run. ValueError: nothing can be made."""
    manifest, spec = series.manifest, series.spec
    next_after = timing.timetable(spec, _zone(cluster, spec))
    moments = Moments(
        created=parse(manifest["metadata"]["creationTimestamp"]),
        last=timing.moment(series.status.last, "status.trigger.lastTriggeredTime"),
        now=series.now.replace(microsecond=0),
    )
    series = replace(series, scheduled=next_after(moments))
    made = _made(cluster, series)
    if made is not None:
        at = timing.moment(children_of(manifest, [made])[0].scheduled, "scheduled")
        series = replace(series, due=made, scheduled=at)
    elif series.scheduled is not None and _is_due(series, series.scheduled):
        series = replace(series, due=_build(cluster, series, series.scheduled))
    if series.due is not None:
        following = next_after(Moments(moments.created, series.scheduled, None))
        series = replace(series, following=following)
    return series


def _zone(cluster: View, spec: Spec) -> tzinfo:
    """Of the cron schedules of this cluster: UTC unless its operator set another."""
    if spec.trigger is None or spec.trigger.cronSchedule is None:
        return UTC
    settings = cluster.get(_SETTINGS) or {}
    return cron.zone((settings.get("data") or {}).get("cronScheduleTimezone") or "UTC")


def _made(cluster: View, series: Series) -> Manifest | None:
    """The run of the next index, which a look before made without living to count it."""
    for key in children.keys_for(series.manifest, series.status.index + 1):
        found = cluster.get(key)
        if found is not None and meta.is_controlled_by(found, series.manifest):
            return found
    return None


def _is_due(series: Series, scheduled: datetime) -> bool:
    few = len(series.active) < series.spec.concurrency
    return bool(series.spec.enabled) and scheduled <= series.now and few


def _build(cluster: View, series: Series, scheduled: datetime) -> Manifest:
    namespace = meta.namespace_of(series.manifest)
    source = sources.find(cluster, namespace, series.spec)
    runner = legacy.is_workflow(source.pipeline) and cluster.get(
        Key(names.SERVICE_ACCOUNT, namespace, legacy.RUNNER)
    )
    occasion = children.Occasion(
        index=series.status.index + 1, scheduled=scheduled, now=series.now, runner=bool(runner)
    )
    return children.build(series.manifest, series.spec, source, occasion)


def decide(series: Series) -> Plan:
    actions: list[Action] = []
    if series.due is not None and not series.due["metadata"].get("uid"):
        actions.append(Create(series.due))
    if (patch := status.patch(series)) is not None:
        actions.append(patch)
    return Plan(actions=tuple(actions), again_in=_wait(series), refusal="Error")


def _wait(series: Series) -> float | None:
    """Until the next run's time, if nothing but that is missing."""
    awaited = series.scheduled if series.due is None else series.following
    if awaited is None or not series.spec.enabled or awaited <= series.now:
        return None
    return (awaited - series.now).total_seconds()


SCHEDULED_WORKFLOW = Controller(
    name="scheduledworkflow", of=names.SCHEDULED_WORKFLOW, see=see, decide=decide
)
