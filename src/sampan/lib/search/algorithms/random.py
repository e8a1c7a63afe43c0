"""Random search: each parameter by itself, from its distribution.

A suggestion depends on the seed and its place among all suggestions, not on what came of the
others. `normal` is the normal distribution around the middle of the range with a sixth of it as
deviation, `logNormal` the same of logarithms; neither is cut at the ends, as upstream.
Upstream: pkg/suggestion/v1beta1/hyperopt.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

from sampan.lib.search import text
from sampan.lib.search.problem import Answer, Parameter, Problem, Refused, Suggestion, Trial

_SEED = "random_state"
_SIGMAS = 6  # in the range of a normal distribution


def check(problem: Problem) -> None:
    for name, value in problem.settings.items():
        if name != _SEED:
            raise Refused(f"unknown setting {name} for algorithm random")
        if not value.isascii() or not value.isdecimal():
            raise Refused(f"{name} should be great or equal than zero")


def suggest(problem: Problem, trials: Sequence[Trial], count: int) -> Answer:
    seed = problem.settings.get(_SEED, problem.seed)
    places = range(len(trials), len(trials) + count)
    return Answer(
        suggestions=tuple(
            Suggestion(assignments=drawn(problem.parameters, Random(f"{seed} {place}")))
            for place in places
        )
    )


def drawn(parameters: Sequence[Parameter], random: Random) -> dict[str, str]:
    """A value for each parameter."""
    return {each.name: _draw(each, random) for each in parameters}


def _draw(parameter: Parameter, random: Random) -> str:
    if parameter.choices:
        return random.choice(parameter.choices)
    low, high, step = parameter.min or 0.0, parameter.max or 0.0, parameter.step
    if parameter.kind == "int":
        step = step or 1.0
    found = _number(parameter.distribution, low, high, step or 0.0, random)
    if step:
        found = low + round((found - low) / step) * step
    return text.of(parameter, found)


def _number(distribution: str, low: float, high: float, step: float, random: Random) -> float:
    match distribution:
        case "logUniform":
            return math.exp(random.uniform(math.log(low), math.log(high)))
        case "normal":
            return random.gauss((low + high) / 2, (high - low) / _SIGMAS)
        case "logNormal":
            low, high = math.log(low), math.log(high)
            return math.exp(random.gauss((low + high) / 2, (high - low) / _SIGMAS))
    if not step:
        return random.uniform(low, high)
    return low + random.randrange(math.floor((high - low) / step + 1e-9) + 1) * step
