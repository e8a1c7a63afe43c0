"""Counts and lists of trials, and the best of them: the part of the status that is looked up.

One pass over the trials, in the order of their suggestions. Of trials with a text for a value, as
those that search architectures have, the latest is the best. One that breaks a constraint is never
the best, and reaches no goal. Of several objectives the best is one of the front.
Upstream: pkg/controller.v1beta1/experiment/util/status_util.go updateTrialsSummary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from sampan.kinds.katib import phases
from sampan.kinds.katib.experiment import front
from sampan.kinds.katib.experiment.snapshot import Search, Trial
from sampan.kinds.katib.phases import Phase

_FIELDS: dict[Phase, tuple[str, str]] = {
    "Running": ("runningTrialList", "trialsRunning"),
    "Pending": ("pendingTrialList", "trialsPending"),
    "Failed": ("failedTrialList", "trialsFailed"),
    "Succeeded": ("succeededTrialList", "trialsSucceeded"),
    "Killed": ("killedTrialList", "trialsKilled"),
    "EarlyStopped": ("earlyStoppedTrialList", "trialsEarlyStopped"),
    "MetricsUnavailable": ("metricsUnavailableTrialList", "trialMetricsUnavailable"),
}

_INFEASIBLE = "infeasibleTrialList", "trialsInfeasible"
"""Of trials with metrics, those that break constraints. Not upstream's."""


class Tally(Struct, frozen=True, kw_only=True):
    by: dict[Phase, list[str]]
    infeasible: list[str]
    best: Trial | None
    front: dict[str, Any]  # fields of the status
    reached: bool  # the goal

    def count(self, *of: Phase) -> int:
        return sum(len(self.by.get(phase, ())) for phase in of)

    @property
    def total(self) -> int:
        return self.count(*_FIELDS)

    @property
    def completed(self) -> int:
        return self.total - self.count(*phases.ACTIVE)

    @property
    def failed(self) -> int:
        return self.count("Failed", "MetricsUnavailable")


def of(search: Search) -> Tally:
    by: dict[Phase, list[str]] = {}
    for trial in search.trials:
        by.setdefault(trial.phase, []).append(trial.name)
    several = front.of(search) if search.question.several else None
    best, value = _best(search.trials if several is None else several.trials, _minimizes(search))
    objective = search.spec.objective
    goal = objective.goal if objective else None
    reached = (
        goal is not None and value is not None
        and (value <= goal if _minimizes(search) else value >= goal)
    )  # fmt: skip
    infeasible = [
        trial.name for trial in search.trials if trial.broken and trial.phase in phases.MEASURED
    ]
    said = front.fields(search, several) if several is not None else {}
    return Tally(by=by, infeasible=infeasible, best=best, front=said, reached=reached)


def _best(trials: Sequence[Trial], minimize: bool) -> tuple[Trial | None, float | None]:
    """The best trial, and the best number, which may be another one's."""
    best: Trial | None = None
    best_value: float | None = None
    for trial in trials:
        if trial.broken or not phases.is_usable(trial.value):
            continue
        value = phases.number(trial.value)
        if value is None:
            best = trial
        elif best_value is None or (value < best_value if minimize else value > best_value):
            best, best_value = trial, value
    return best, best_value


def _minimizes(search: Search) -> bool:
    return search.spec.objective is not None and search.spec.objective.type == "minimize"


def fields(tally: Tally) -> dict[str, Any]:
    """Of the status. Nothing is said of what there is none of, as upstream."""
    said: dict[str, Any] = {"currentOptimalTrial": _optimal(tally.best)}
    for phase, (listed, counted) in _FIELDS.items():
        if names := tally.by.get(phase):
            said |= {listed: names, counted: len(names)}
    if tally.infeasible:
        said |= {_INFEASIBLE[0]: tally.infeasible, _INFEASIBLE[1]: len(tally.infeasible)}
    return said | tally.front | ({"trials": tally.total} if tally.total else {})


def _optimal(best: Trial | None) -> dict[str, Any]:
    """`observation` is always there: upstream's SDK reads it without looking."""
    if best is None:
        return {"observation": {}}
    return {
        "bestTrialName": best.name,
        "parameterAssignments": list(best.assignments),
        "observation": {"metrics": list(best.metrics)},
    }


_LISTS = tuple(_FIELDS[phase][0] for phase in phases.ACTIVE)
_BEGUN = frozenset({"trials", *(name for phase in phases.ACTIVE for name in _FIELDS[phase])})


def begun(before: Mapping[str, Any], after: Mapping[str, Any]) -> int | None:
    """How many trials have begun, or are a step further, between two statuses; None when something
    else has happened as well."""
    one, other = (
        {field: value for field, value in each.items() if field not in _BEGUN}
        for each in (before, after)
    )
    if one != other:
        return None
    return sum(len({*before.get(each, ())} ^ {*after.get(each, ())}) for each in _LISTS)


WRITTEN = frozenset(
    {
        "currentOptimalTrial",
        "trials",
        *_INFEASIBLE,
        *front.WRITTEN,
        *(name for pair in _FIELDS.values() for name in pair),
    }
)
"""Fields of the status that `fields` says."""
