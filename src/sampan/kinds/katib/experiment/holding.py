"""What its owner does to an Experiment that is searched: hold it for a while, or end it.

    suspend: true         no more trials begin, those that run go on; the condition Suspended
    shutdown: Stop        the same, and when the last one has ended the Experiment has succeeded
    shutdown: Terminate   what runs is deleted first

What was suggested and is no trial yet waits, so that a search that goes on has lost nothing.
Neither field is upstream's: their words are those of Jobs and Workflows.
"""

from __future__ import annotations

from typing import Any

from sampan.kinds.katib import conditions, phases
from sampan.kinds.katib.conditions import SUSPENDED
from sampan.kinds.katib.experiment.snapshot import Search, Trial
from sampan.kube.conditions import is_true
from sampan.kube.plan import Action, Emit

STOP, TERMINATE = "Stop", "Terminate"
Status = dict[str, Any]


def is_held(search: Search) -> bool:
    """No more trials begin."""
    return bool(search.spec.suspend) or is_ending(search)


def is_ending(search: Search) -> bool:
    return search.spec.shutdown in (STOP, TERMINATE)


def doomed(search: Search) -> list[Trial]:
    """Trials that are not to go on."""
    if search.spec.shutdown != TERMINATE:
        return []
    return [each for each in search.trials if each.phase in phases.ACTIVE and not each.deleting]


def told(search: Search, status: Status, *, ends: bool) -> tuple[Status, list[Action]]:
    """The status with the condition, as it is or was, and an event where that is new. `ends`: the
    Experiment ends with this look."""
    said = status.get("conditions")
    was = is_true(said, SUSPENDED)
    if bool(search.spec.suspend) and not ends:
        reason, what = "ExperimentSuspended", "Experiment is suspended: no more trials begin"
        marked = conditions.ended(said, SUSPENDED, reason, what, search.now)
        event = [] if was else [Emit("Normal", reason, what)]
        return {**status, "conditions": marked}, list(event)
    if not was:
        return status, []
    reason, what = "ExperimentResumed", "Experiment is not suspended"
    marked = conditions.marked(said, SUSPENDED, reason, what, search.now, status="False")
    return {**status, "conditions": marked}, [Emit("Normal", reason, what)]
