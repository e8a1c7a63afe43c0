"""Of several objectives: the trials that no other one is better than, and what they are worth.

The Pareto front has those trials that keep the constraints and told all objectives, and that no
other one is as good as in each and better in some. The hypervolume is how much of the space of
objectives they leave behind, as far as a point of reference: the setting `reference_point`, or the
worst that any trial has told of each. Deb et al. 2002; Zitzler and Thiele 1998.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct

from sampan.kinds.katib.experiment.snapshot import Search, Trial
from sampan.kinds.katib.phases import MEASURED
from sampan.lib.search import pareto

MOST = 100
"""Trials in the list; of more, those that have the most room around them."""
_MEASURED_LOSSES = 3
"""Objectives, of which the volume is not too much work."""
_KEPT = 64
_COUNTED, _LISTED, _VOLUME = "trialsParetoOptimal", "paretoFront", "hypervolume"
WRITTEN = (_COUNTED, _LISTED, _VOLUME)
"""Fields of the status. Not upstream's."""
Losses = tuple[float, ...]


class Front(Struct, frozen=True, kw_only=True):
    """`trials`: best first in the objective that the spec names. `volume` is None where it was not
    measured; `reference` has losses."""

    trials: tuple[Trial, ...]
    volume: float | None
    reference: Losses


def of(search: Search) -> Front:
    able = [
        (each, each.losses)
        for each in search.trials
        if each.losses is not None and not each.broken and each.phase in MEASURED
    ]
    points = tuple(losses for _, losses in able)
    numbers = _best(points)
    main = _main(search)
    ordered = sorted(numbers, key=lambda each: (points[each][main], each))
    given = search.question.reference
    reference = search.question.lost(given) if given else _worst(points)
    volume = None
    if points and len(reference) <= _MEASURED_LOSSES:
        volume = _volume(tuple(points[each] for each in ordered), reference)
    return Front(
        trials=tuple(able[each][0] for each in ordered), volume=volume, reference=reference
    )


def _main(search: Search) -> int:
    """The place of the objective that the spec names."""
    name = search.spec.objective.objectiveMetricName if search.spec.objective else None
    places = enumerate(search.question.objectives)
    return next((place for place, each in places if each.metric == name), 0)


@lru_cache(maxsize=_KEPT)
def _best(points: tuple[Losses, ...]) -> Sequence[int]:
    return pareto.front(points)


def _worst(points: Sequence[Losses]) -> Losses:
    return tuple(map(max, zip(*points, strict=True)))


@lru_cache(maxsize=_KEPT)
def _volume(points: tuple[Losses, ...], reference: Losses) -> float:
    return pareto.hypervolume(points, reference)


def fields(search: Search, front: Front) -> dict[str, Any]:
    """Of the status; nothing where there is no front yet."""
    if not front.trials:
        return {}
    said: dict[str, Any] = {
        _COUNTED: len(front.trials),
        _LISTED: [_entry(each) for each in _roomiest(front.trials)],
    }
    if front.volume is not None:
        objectives = search.question.objectives
        values = search.question.lost(front.reference)  # twice turned round
        said[_VOLUME] = {
            "value": repr(front.volume),
            "referencePoint": [
                {"name": each.metric, "value": repr(value)}
                for each, value in zip(objectives, values, strict=True)
            ],
        }
    return said


def _roomiest(trials: Sequence[Trial]) -> Sequence[Trial]:
    if len(trials) <= MOST:
        return trials
    room = pareto.crowding([each.losses or () for each in trials])
    kept = sorted(range(len(trials)), key=lambda each: -room[each])[:MOST]
    return [trials[each] for each in sorted(kept)]


def _entry(trial: Trial) -> dict[str, Any]:
    return {
        "trialName": trial.name,
        "parameterAssignments": list(trial.assignments),
        "observation": {"metrics": list(trial.metrics)},
    }
