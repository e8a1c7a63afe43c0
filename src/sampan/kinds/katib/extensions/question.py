"""What an Experiment asks for, and what an observation of a trial says to that.

Read from the Experiment's spec as it was written, by the controller that counts trials and by who
asks the algorithms, so that both mean the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from sampan.kinds.katib.extensions import texts
from sampan.kinds.katib.extensions.texts import Constraint, When, Wrong
from sampan.lib.search import algorithms
from sampan.lib.search.problem import Objective

Told = TypeVar("Told")
_PREFIXES = (texts.WHEN, texts.OTHERWISE)
_NAMES = (texts.OBJECTIVES, texts.REFERENCE, texts.CONSTRAINTS, texts.WARM_START)


class Question(Struct, frozen=True, kw_only=True):
    """`strategies`: how the values of a metric become one, by its name. `conditions` and
    `otherwise` are by the parameter that does not always have a value. `reference`: a value of
    each objective, if any; as far as that the hypervolume is measured. `earlier`: an Experiment of
    the same namespace, whose trials are known from the start."""

    objectives: tuple[Objective, ...] = ()
    reference: tuple[float, ...] = ()
    strategies: Mapping[str, str] = {}
    constraints: tuple[Constraint, ...] = ()
    conditions: Mapping[str, When] = {}
    otherwise: Mapping[str, str] = {}
    earlier: str = ""
    ours: bool = True

    @property
    def several(self) -> bool:
        """Objectives."""
        return len(self.objectives) > 1

    def value(self, metric: str, observation: Mapping[str, Any] | None) -> float | None:
        """None where there is no finite number."""
        for each in (observation or {}).get("metrics") or ():
            if each.get("name") == metric:
                return number(each.get(self.strategies.get(metric, "latest")))
        return None

    def values(self, observation: Mapping[str, Any] | None) -> tuple[float | None, ...]:
        return tuple(self.value(each.metric, observation) for each in self.objectives)

    def losses(self, observation: Mapping[str, Any] | None) -> tuple[float, ...] | None:
        """To be small; None where an objective has no value."""
        values = self.values(observation)
        found = [value for value in values if value is not None]
        return self.lost(found) if len(found) == len(values) else None

    def lost(self, values: Sequence[float]) -> tuple[float, ...]:
        pairs = zip(self.objectives, values, strict=True)
        return tuple(value if each.minimize else -value for each, value in pairs)

    @property
    def metrics(self) -> tuple[str, ...]:
        """That objectives and constraints are about, each once."""
        found = [each.metric for each in self.objectives]
        found += [each.metric for each in self.constraints]
        return tuple(dict.fromkeys(found))

    def excesses(self, observation: Mapping[str, Any] | None) -> tuple[float | None, ...]:
        return tuple(each.excess(self.value(each.metric, observation)) for each in self.constraints)

    def broken(self, observation: Mapping[str, Any] | None) -> list[Constraint]:
        """Those that do not hold, or that nothing is known about."""
        found = zip(self.constraints, self.excesses(observation), strict=True)
        return [each for each, excess in found if excess is None or excess > 0]

    def condition(self, parameter: str) -> tuple[str, tuple[str, ...]] | None:
        """As `lib.search` has it."""
        found = self.conditions.get(parameter)
        return (found.parent, found.values) if found else None

    def without(self, settings: Mapping[str, str]) -> dict[str, str]:
        """The settings that are the algorithm's own."""
        return {
            name: value
            for name, value in settings.items()
            if not (self.ours and is_extension(name))
        }

    def unset(self, assignments: Mapping[str, str]) -> dict[str, str]:
        """What stands in the template for parameters that have no value beside these."""
        missing = self.conditions.keys() - assignments.keys()
        return {name: self.otherwise.get(name, "") for name in sorted(missing)}


def of(spec: Mapping[str, Any], *, ours: bool = True) -> Question:
    """Raises Wrong. `ours`: no service of the operator's own is asked."""
    objective = spec.get("objective") or {}
    objectives: tuple[Objective, ...] = (_objective(objective),)
    strategies = strategies_of(objective)
    name = (spec.get("algorithm") or {}).get("algorithmName")
    if not ours or name not in algorithms.MODULES:
        return Question(objectives=objectives, strategies=strategies, ours=False)
    given = dict(settings(spec.get("algorithm")))
    several: Mapping[str, bool] = _read(texts.OBJECTIVES, given, texts.objectives, {})
    if several:
        objectives = tuple(_one_of_several(name, less, objective) for name, less in several.items())
    point: Mapping[str, float] = _read(texts.REFERENCE, given, texts.reference, {})
    if point and point.keys() != {each.metric for each in objectives}:
        raise Wrong(f"{texts.REFERENCE}: it must have a number for each of {texts.OBJECTIVES}")
    return Question(
        objectives=objectives,
        reference=tuple(point[each.metric] for each in objectives) if point else (),
        strategies=strategies,
        constraints=_read(texts.CONSTRAINTS, given, texts.constraints, ()),
        conditions={
            name: _told(texts.WHEN + name, text, texts.when)
            for name, text in _of_parameters(given, texts.WHEN)
        },
        otherwise=dict(_of_parameters(given, texts.OTHERWISE)),
        earlier=given.get(texts.WARM_START, "").strip(),
    )


def settings(algorithm: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    for each in (algorithm or {}).get("algorithmSettings") or ():
        yield str(each.get("name")), str(each.get("value") or "")


def is_extension(setting: str) -> bool:
    return setting in _NAMES or setting.startswith(_PREFIXES)


def strategies_of(objective: Mapping[str, Any]) -> dict[str, str]:
    """Where a metric has two, the first counts."""
    listed: Sequence[Mapping[str, Any]] = objective.get("metricStrategies") or ()
    found = {str(each.get("name")): str(each.get("value")) for each in reversed(listed)}
    usual = "min" if objective.get("type") == "minimize" else "max"
    return {str(objective.get("objectiveMetricName")): usual} | found


def _objective(given: Mapping[str, Any]) -> Objective:
    return Objective(
        metric=given.get("objectiveMetricName") or "",
        minimize=given.get("type") == "minimize",
        goal=given.get("goal"),
    )


def _one_of_several(metric: str, minimize: bool, main: Mapping[str, Any]) -> Objective:
    goal = main.get("goal") if metric == main.get("objectiveMetricName") else None
    return Objective(metric=metric, minimize=minimize, goal=goal)


def _read(name: str, given: Mapping[str, str], how: Callable[[str], Told], otherwise: Told) -> Told:
    return _told(name, given[name], how) if name in given else otherwise


def _told(name: str, text: str, how: Callable[[str], Told]) -> Told:
    try:
        return how(text)
    except Wrong as fault:
        raise Wrong(f"{name}: {fault}") from None


def _of_parameters(given: Mapping[str, str], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in given.items():
        if name.startswith(prefix):
            yield name.removeprefix(prefix), value


def number(text: Any) -> float | None:
    """A finite number, or None."""
    try:
        found = float(text)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None
