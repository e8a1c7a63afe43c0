"""Which activation of a CronWorkflow is due, and which comes next.

Several schedules are one: the latest activation of any of them counts. Only one that was missed is
ever made up for, and only within startingDeadlineSeconds; none that lies before the schedule that
holds now was first used. Upstream: argo-workflows workflow/cron/operator.go
shouldOutstandingWorkflowsBeRun; robfig/cron.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sampan.kinds.workflows.cron.types import Spec, Status
from sampan.kinds.workflows.validate import schedules
from sampan.kube import meta, names
from sampan.kube.keys import Manifest
from sampan.kube.times import parse
from sampan.lib.cron import Schedule

ON_TIME = timedelta(seconds=30)
"""An activation that old is still on time: a loaded machine, a short restart."""


def read(spec: Spec) -> list[Schedule]:
    """The schedules. ValueError in upstream's words."""
    return schedules.read(spec.schedules, spec.timezone)


def due(
    schedules: list[Schedule], manifest: Manifest, spec: Spec, status: Status, now: datetime
) -> datetime | None:
    """The activation that a Workflow should be made for now."""
    created = manifest["metadata"].get("creationTimestamp")
    since = (
        parse(status.lastScheduledTime or created) if status.lastScheduledTime or created else now
    )
    passed = [found for each in schedules if (found := each.latest(since, now)) is not None]
    if not passed:
        return None
    latest = max(passed)
    notes = meta.annotations_of(manifest)
    skipped = notes.get(names.ANNOTATION_CRON_PASSED_OVER)
    if now - latest <= ON_TIME and not (skipped and latest <= parse(skipped)):
        return latest
    known = notes.get(names.ANNOTATION_CRON_SCHEDULE) == ",".join(spec.zoned)
    if not known or not status.lastScheduledTime or spec.startingDeadlineSeconds is None:
        return None
    late = (now - latest).total_seconds()
    return latest if late < spec.startingDeadlineSeconds else None


def following(schedules: list[Schedule], now: datetime) -> datetime | None:
    found = [moment for each in schedules if (moment := each.following(now)) is not None]
    return min(found, default=None)
