"""A start from what an earlier Experiment tried: its trials, as trials of the new one's history.

They are read once, with the first question, and kept in the Suggestion (`status.warmStart`), so
that what comes of the earlier Experiment later, its deletion as well, changes no answer. Those
count that told each objective of the new Experiment, and that are points of its space: the same
parameters, with values that each of them may have. Of very many the best are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sampan.engine.cluster import Cluster
from sampan.kinds.katib import phases
from sampan.kinds.katib.extensions.question import Question
from sampan.kube import meta, names
from sampan.kube.keys import Key, Manifest
from sampan.kube.searching import Assignment, Earlier, Tried
from sampan.kube.selectors import parse_labels
from sampan.lib.search import outcomes, space
from sampan.lib.search.problem import Problem, Refused, Trial

MOST = 200
"""Trials: they are written anew with each suggestion."""


def find(cluster: Cluster, namespace: str, asked: Question, problem: Problem) -> Earlier:
    """Raises Refused where there is no such Experiment, or the problem is none."""
    where = Key(names.KATIB_EXPERIMENT, namespace, asked.earlier)
    experiment = cluster.get(where)
    if experiment is None:
        raise Refused(f'warm_start: there is no Experiment "{asked.earlier}" in this namespace')
    searched = space.of(problem.parameters)
    tried = {each.name: each for each in _tried(cluster, where, asked)}
    told = outcomes.told(problem, read(tuple(tried.values()), asked))
    fitting = [each for each in told if searched.has(each.assignments)]
    kept = {each.name for each in outcomes.ranked(problem, fitting)[:MOST]}
    return Earlier(
        experiment=asked.earlier,
        uid=meta.uid_of(experiment),
        trialsSeen=len(told),
        trials=tuple(tried[each.name] for each in fitting if each.name in kept),
    )


def read(listed: tuple[Tried, ...], asked: Question) -> tuple[Trial, ...]:
    """As the algorithms read them. Raises ValueError where they were written by somebody else."""
    return tuple(_trial(each, asked) for each in listed)


def _trial(tried: Tried, asked: Question) -> Trial:
    known = {each.name: float(each.value) for each in tried.metrics}
    return Trial(
        name=tried.name,
        assignments={each.name: each.value for each in tried.parameterAssignments},
        state="succeeded",
        values=tuple(known.get(each.metric) for each in asked.objectives),
        constraints=tuple(each.excess(known.get(each.metric)) for each in asked.constraints),
    )


def _tried(cluster: Cluster, experiment: Key, asked: Question) -> Iterator[Tried]:
    """Its trials that have metrics, in the order in which they were suggested."""
    ours = parse_labels(f"{names.LABEL_KATIB_EXPERIMENT}={experiment.name}")
    made = cluster.list(names.TRIAL, experiment.namespace, ours)
    suggestion = cluster.get(experiment.as_kind(names.SUGGESTION)) or {}
    listed = (suggestion.get("status") or {}).get("suggestions") or ()
    places = {str(each.get("name")): place for place, each in enumerate(listed)}
    for trial in sorted(made, key=lambda each: _order(each, places)):
        if phases.phase_of(trial) in phases.MEASURED:
            yield _as_tried(trial, asked)


def _order(trial: Manifest, places: Mapping[str, int]) -> tuple[int, str, str]:
    name = meta.name_of(trial)
    return places.get(name, len(places)), str(trial["metadata"].get("creationTimestamp")), name


def _as_tried(trial: Manifest, asked: Question) -> Tried:
    spec: Mapping[str, Any] = trial.get("spec") or {}
    observation = (trial.get("status") or {}).get("observation")
    values = {metric: asked.value(metric, observation) for metric in asked.metrics}
    return Tried(
        name=meta.name_of(trial),
        parameterAssignments=tuple(
            Assignment(name=str(each.get("name")), value=str(each.get("value", "")))
            for each in spec.get("parameterAssignments") or ()
        ),
        metrics=tuple(
            Assignment(name=name, value=repr(value))
            for name, value in values.items()
            if value is not None
        ),
    )
