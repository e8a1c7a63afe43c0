"""What the tests of searching share: problems, trials, and Hypothesis strategies of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from hypothesis import strategies as st

from sampan.lib.search.algorithms import MODULES
from sampan.lib.search.problem import (
    Answer,
    Distribution,
    Objective,
    Parameter,
    Problem,
    State,
    Suggestion,
    Trial,
)

PLAIN = ("random", "grid", "sobol")
"""Those that do not read what came of trials."""
GOING_ON = ("hyperband", "asha", "pbt")
"""Those whose trials go on from one another (`simulated`)."""
NETWORKS = ("darts", "enas")
"""Those that search networks, which are no points of a space."""
LEARNING = tuple(sorted(set(MODULES) - {*PLAIN, *GOING_ON, *NETWORKS}))


EARLY: Mapping[str, Mapping[str, str]] = {"nsga-ii": {"population_size": "10"}}
"""Settings with which an algorithm learns from ten trials."""


def algorithm(name: str) -> Any:
    return import_module(f"sampan.lib.search.algorithms.{MODULES[name]}")


def double(name: str, low: float, high: float, **more: Any) -> Parameter:
    return Parameter(name=name, kind="double", min=low, max=high, **more)


def integer(name: str, low: int, high: int, **more: Any) -> Parameter:
    return Parameter(name=name, kind="int", min=low, max=high, **more)


def choice(name: str, *choices: str, **more: Any) -> Parameter:
    return Parameter(name=name, kind="categorical", choices=choices, **more)


def discrete(name: str, *choices: str) -> Parameter:
    return Parameter(name=name, kind="discrete", choices=choices)


def problem(
    *parameters: Parameter, settings: Mapping[str, str] | None = None, **more: Any
) -> Problem:
    more.setdefault("objectives", (Objective(metric="loss"),))
    return Problem(name="exp", parameters=parameters, settings=settings or {}, **more)


def ended(
    suggestion: Suggestion, *values: float | None, state: State = "succeeded", **more: Any
) -> Trial:
    return Trial(
        name=suggestion.name,
        assignments=suggestion.assignments,
        labels=suggestion.labels,
        state=state,
        values=values,
        **more,
    )


def tried(name: str, about: Problem, count: int, seed: int = 0) -> list[Trial]:
    """So many trials of what the algorithm suggests, with losses that depend on their texts."""
    found: list[Trial] = []
    while len(found) < count:
        answer: Answer = algorithm(name).suggest(about, found, 1)
        if not answer.suggestions:
            break
        found.append(ended(answer.suggestions[0], worth(answer.suggestions[0].assignments, seed)))
    return found


def worth(assignments: Mapping[str, str], seed: int = 0) -> float:
    return sum((_number(text) - 0.3 * seed) ** 2 for text in assignments.values())


def _number(text: str) -> float:
    try:
        return max(-100.0, min(100.0, float(text)))
    except ValueError:
        return float(len(text))


DISTRIBUTIONS: Sequence[Distribution] = ("uniform", "logUniform", "normal", "logNormal")

names = st.sampled_from(("lr", "layers", "optimizer", "size"))


@st.composite
def parameters(
    draw: st.DrawFn, *, stepped: bool = False, distributions: Sequence[Distribution] = DISTRIBUTIONS
) -> tuple[Parameter, ...]:
    """Two to four of them, of which the first two are numbers."""
    count = draw(st.integers(2, 4))
    return tuple(
        draw(parameter(f"p{number}", stepped, distributions, numeric=number < 2))
        for number in range(count)
    )


@st.composite
def parameter(
    draw: st.DrawFn,
    name: str,
    stepped: bool,
    distributions: Sequence[Distribution],
    numeric: bool,
) -> Parameter:
    kind = draw(
        st.sampled_from(["double", "int"] if numeric else ["double", "categorical", "discrete"])
    )
    if kind == "categorical":
        return choice(name, *draw(st.lists(st.sampled_from("abcdef"), min_size=1, unique=True)))
    if kind == "discrete":
        numbers = draw(st.lists(st.integers(0, 99), min_size=1, max_size=5, unique=True))
        return discrete(name, *map(str, numbers))
    distribution = draw(st.sampled_from(distributions))
    least = 1 if distribution.startswith("log") else -50
    low = draw(st.integers(least, 40))
    high = draw(st.integers(low, 60))
    if kind == "int":
        step = draw(st.sampled_from([None, 1.0, 2.0, 3.0]))
        return integer(name, low, high, step=step, distribution=distribution)
    steps = [0.5, 0.25, 0.1, 7.0] if stepped else [None, 0.5, 0.1]
    return double(name, low, high, step=draw(st.sampled_from(steps)), distribution=distribution)
