"""An Experiment and what was tried of it, as `lib.search` reads them. Pure.

What can be no number is left out, or refused by the algorithm that needs it: admission has read
both before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from sampan.kinds.katib.extensions import question
from sampan.kinds.katib.extensions.question import Question
from sampan.kube import meta, names
from sampan.kube.keys import Manifest
from sampan.kube.times import parse
from sampan.lib.search import checkpoints
from sampan.lib.search.problem import (
    Architecture,
    Operation,
    Parameter,
    Problem,
    State,
    Trial,
)

_STATES: Sequence[tuple[str, State]] = (
    ("Succeeded", "succeeded"),
    ("EarlyStopped", "stopped"),
    ("MetricsUnavailable", "unavailable"),
    ("Failed", "failed"),
    ("Killed", "failed"),
    ("Running", "running"),
)
_SEED_BITS = 32
_PREFIXES = checkpoints.LABELS, names.POPULATION_PREFIX


def problem(experiment: Manifest, asked: Question, told: Mapping[str, str]) -> Problem:
    """`told`: what the algorithm answered last, which overlays the settings."""
    spec = experiment.get("spec") or {}
    own = settings(spec.get("algorithm"))
    return Problem(
        name=meta.name_of(experiment),
        parameters=tuple(
            replace(each, when=asked.condition(each.name))
            for each in _parameters(spec.get("parameters"))
        ),
        objectives=asked.objectives,
        settings={**asked.without(own), **told},
        seed=seed(meta.uid_of(experiment)),
        max_trials=spec.get("maxTrialCount"),
        parallel=spec.get("parallelTrialCount") or 1,
        architecture=_architecture(spec.get("nasConfig")),
        constraints=tuple(map(str, asked.constraints)),
    )


def settings(algorithm: Mapping[str, Any] | None) -> dict[str, str]:
    """Of an algorithm, or of early stopping."""
    return dict(question.settings(algorithm))


def seed(uid: str) -> int:
    """Another one for each experiment, the same one after a restart."""
    return int.from_bytes(hashlib.sha256(uid.encode()).digest()[: _SEED_BITS // 8])


def _parameters(given: Iterable[Mapping[str, Any]] | None) -> tuple[Parameter, ...]:
    return tuple(_parameter(each) for each in given or ())


def _parameter(given: Mapping[str, Any]) -> Parameter:
    space = given.get("feasibleSpace") or {}
    return Parameter(
        name=str(given.get("name") or ""),
        kind=given.get("parameterType") or "double",
        min=question.number(space.get("min")),
        max=question.number(space.get("max")),
        step=question.number(space.get("step")),
        choices=tuple(map(str, space.get("list") or ())),
        distribution=space.get("distribution") or "uniform",
    )


def _architecture(given: Mapping[str, Any] | None) -> Architecture | None:
    if not given:
        return None
    graph = given.get("graphConfig") or {}
    return Architecture(
        layers=graph.get("numLayers") or 0,
        inputs=tuple(graph.get("inputSizes") or ()),
        outputs=tuple(graph.get("outputSizes") or ()),
        operations=tuple(
            Operation(
                kind=str(each.get("operationType") or ""),
                parameters=_parameters(each.get("parameters")),
            )
            for each in given.get("operations") or ()
        ),
    )


def trial(suggested: Mapping[str, Any], made: Manifest | None, asked: Question) -> Trial:
    """`made`: None while there is no such trial."""
    listed = suggested.get("parameterAssignments") or ()
    status = (made or {}).get("status") or {}
    observation = status.get("observation")
    since, until = (_at(status.get(each)) for each in ("startTime", "completionTime"))
    return Trial(
        name=str(suggested.get("name")),
        assignments={str(each["name"]): str(each.get("value", "")) for each in listed},
        state=_state(made),
        values=asked.values(observation),
        constraints=asked.excesses(observation) if observation else (),
        labels=heard(suggested.get("labels") or {}),
        since=since,
        seconds=max(0.0, until - since) if since and until else 0.0,
    )


def _at(time: str | None) -> float:
    """0 for what is no time."""
    try:
        return parse(time).timestamp() if time else 0.0
    except ValueError:
        return 0.0


def reports(values: Sequence[str]) -> tuple[tuple[float, float], ...]:
    """Those that are numbers, each with its place among all, counted from 1."""
    found = ((float(place), question.number(each)) for place, each in enumerate(values, 1))
    return tuple((place, each) for place, each in found if each is not None)


def _state(made: Manifest | None) -> State:
    conditions = ((made or {}).get("status") or {}).get("conditions") or ()
    true = {each.get("type") for each in conditions if each.get("status") == "True"}
    return next((state for name, state in _STATES if name in true), "created")


def told(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels of a trial, with the prefix that upstream's have where an algorithm has one for us."""
    ours, theirs = _PREFIXES
    return {
        theirs + name.removeprefix(ours) if name.startswith(ours) else name: value
        for name, value in labels.items()
    }


def heard(labels: Mapping[str, str]) -> dict[str, str]:
    """The reverse of `told`."""
    ours, theirs = _PREFIXES
    return {
        ours + name.removeprefix(theirs) if name.startswith(theirs) else name: value
        for name, value in labels.items()
    }
