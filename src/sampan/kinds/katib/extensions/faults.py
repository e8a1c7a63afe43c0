"""What is wrong in the settings that extend what an Experiment can ask for.

Each fault is told at the setting's value. What an algorithm cannot do is refused here, where the
Experiment is written, and not only when it is asked for the first trial.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from sampan.kinds.katib.extensions import question, texts
from sampan.kinds.katib.extensions.texts import When, Wrong
from sampan.kinds.katib.types import Algorithm, FeasibleSpace, Parameter, Spec
from sampan.kube.errors import Problem, duplicate, invalid, too_many
from sampan.lib.search import algorithms
from sampan.lib.search.settings import RESOURCE

_AT = "spec.algorithm.algorithmSettings"
_MOST = 256
"""Of such settings."""
_PARENTS = ("categorical", "discrete", "int")


class _Given(Struct, frozen=True, kw_only=True):
    """The settings that extend, and what they speak of."""

    name: str
    is_there: Callable[[str], bool]
    settings: Mapping[str, str]
    algorithm: str
    metrics: tuple[str, ...]
    parameters: Mapping[str, Parameter]
    resource: str
    minimize: bool
    stopping: bool


def problems(spec: Spec, name: str, is_there: Callable[[str], bool]) -> Iterator[Problem]:
    """Of an Experiment that is searched by an algorithm of `lib.search`. `is_there`: whether an
    Experiment of that name is there to begin with."""
    algorithm = spec.algorithm or Algorithm()
    places: dict[str, int] = {}
    settings: dict[str, str] = {}
    for place, each in enumerate(algorithm.algorithmSettings or ()):
        setting = each.name or ""
        if question.is_extension(setting):
            if setting in places:
                yield duplicate(f"{_AT}[{place}].name", setting)
            places[setting], settings[setting] = place, each.value or ""
    if len(settings) > _MOST:
        yield too_many(_AT, len(settings), _MOST)
        return
    given = _given(spec, algorithm, settings, name, is_there)
    for setting, value in settings.items():
        try:
            _check(given, setting, value)
        except Wrong as fault:
            yield invalid(f"{_AT}[{places[setting]}].value", value, f"{setting}: {fault}")


def _given(
    spec: Spec,
    algorithm: Algorithm,
    settings: Mapping[str, str],
    name: str,
    is_there: Callable[[str], bool],
) -> _Given:
    objective = spec.objective
    metrics = [objective.objectiveMetricName] if objective else []
    metrics += (objective.additionalMetricNames or []) if objective else []
    listed = algorithm.algorithmSettings or ()
    return _Given(
        name=name,
        is_there=is_there,
        settings=settings,
        algorithm=algorithm.algorithmName or "",
        metrics=tuple(filter(None, metrics)),
        parameters={each.name or "": each for each in spec.parameters or ()},
        minimize=objective is not None and objective.type == "minimize",
        stopping=spec.earlyStopping is not None,
        resource=next((each.value or "" for each in listed if each.name == RESOURCE), ""),
    )


def _check(given: _Given, name: str, value: str) -> None:
    kind = next((each for each in _CHECKS if name == each or _is_of(name, each)), "")
    able = algorithms.ABILITIES[given.algorithm]
    if _NEEDED[kind] not in able:
        others = [each for each, found in algorithms.ABILITIES.items() if _NEEDED[kind] in found]
        raise Wrong(f"{given.algorithm} cannot do that; {', '.join(others)} can")
    _CHECKS[kind](given, name.removeprefix(kind), value)


def _is_of(name: str, kind: str) -> bool:
    return kind.endswith(".") and name.startswith(kind)


def _objectives(given: _Given, _: str, value: str) -> None:
    found = texts.objectives(value)
    for metric in found:
        _known(given, metric)
    main, way = given.metrics[0], "minimize" if given.minimize else "maximize"
    if found.get(main) is not given.minimize:
        raise Wrong(f"it must have {main}:{way}, as spec.objective says")
    if given.stopping and len(found) > 1:
        raise Wrong("early stopping compares one objective; leave out spec.earlyStopping")


def _reference(given: _Given, _: str, value: str) -> None:
    found = texts.reference(value).keys()
    try:
        wanted = texts.objectives(given.settings[texts.OBJECTIVES]).keys()
    except KeyError:
        raise Wrong(f"there is no setting {texts.OBJECTIVES}") from None
    except Wrong:
        return  # which is told of that one
    if found != wanted:
        raise Wrong(f"it must have a number for each of {', '.join(wanted)}")


def _constraints(given: _Given, _: str, value: str) -> None:
    for each in texts.constraints(value):
        _known(given, each.metric)


def _known(given: _Given, metric: str) -> None:
    if metric not in given.metrics:
        raise Wrong(
            f"{metric} is neither spec.objective.objectiveMetricName nor in "
            "spec.objective.additionalMetricNames"
        )


def _when(given: _Given, name: str, value: str) -> None:
    found = texts.when(value)
    for each in (name, found.parent):
        if each not in given.parameters:
            raise Wrong(f"there is no parameter {each}")
    if name == given.resource:
        raise Wrong(f"{name} is the resource that budgets are of, which always has a value")
    parent = given.parameters[found.parent]
    if parent.parameterType not in _PARENTS:
        raise Wrong(f"{found.parent} is {parent.parameterType}; it must be {' or '.join(_PARENTS)}")
    for each in found.values:
        if not _has(parent, each):
            raise Wrong(f"{found.parent} is never {each}")
    _goes_up(given, name, found)


def _has(parent: Parameter, value: str) -> bool:
    """Whether the parameter may have this value, written as it is written."""
    space = parent.feasibleSpace or FeasibleSpace()
    if parent.parameterType != "int":
        return value in (space.choices or ())
    try:
        number, low, high = int(value), float(space.min or 0), float(space.max or 0)
    except ValueError:
        return False
    return str(number) == value and low <= number <= high


def _goes_up(given: _Given, name: str, found: When) -> None:
    """From parent to parent, and never back to where it began."""
    seen, parent = {name}, found.parent
    while True:
        if parent in seen:
            raise Wrong(f"{parent} would have a value only if it has one")
        seen.add(parent)
        text = given.settings.get(texts.WHEN + parent)
        if text is None:
            return
        try:
            parent = texts.when(text).parent
        except Wrong:
            return  # which is told of that one


def _otherwise(given: _Given, name: str, _: str) -> None:
    if texts.WHEN + name not in given.settings:
        raise Wrong(f"there is no {texts.WHEN}{name}, so that {name} always has a value")


def _warm_start(given: _Given, _: str, value: str) -> None:
    earlier = value.strip()
    if earlier == given.name:
        raise Wrong("an Experiment cannot begin with its own trials")
    if not given.is_there(earlier):
        raise Wrong(f'there is no Experiment "{earlier}" in this namespace')


_CHECKS: Mapping[str, Callable[[_Given, str, str], Any]] = {
    texts.OBJECTIVES: _objectives,
    texts.REFERENCE: _reference,
    texts.CONSTRAINTS: _constraints,
    texts.WARM_START: _warm_start,
    texts.WHEN: _when,
    texts.OTHERWISE: _otherwise,
}
_NEEDED: Mapping[str, algorithms.Ability] = {
    texts.OBJECTIVES: "several objectives",
    texts.REFERENCE: "several objectives",
    texts.CONSTRAINTS: "constraints",
    texts.WARM_START: "earlier trials",
    texts.WHEN: "conditions",
    texts.OTHERWISE: "conditions",
}
