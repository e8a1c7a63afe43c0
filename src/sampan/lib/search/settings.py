"""Settings of algorithms: texts, which `verify` refuses in upstream's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sampan.lib.search.problem import Problem, Refused

SEED = "random_state"
RESOURCE = "resource_name"
"""The parameter that budgets are of, in algorithms that have some."""

Rule = tuple[Callable[[str], bool], str]
"""Whether a text will do, and what is said where it does not ({} is the text)."""


def verify(settings: Mapping[str, str], algorithm: str, rules: Mapping[str, Rule]) -> None:
    """Raises Refused."""
    for name, value in settings.items():
        if name not in rules:
            raise Refused(f"unknown setting {name} for algorithm {algorithm}")
        good, otherwise = rules[name]
        try:
            right = good(value)
        except (ValueError, OverflowError) as fault:
            raise Refused(f"failed to validate {name}({value}): {fault}") from None
        if not right:
            raise Refused(otherwise.format(value))


def at_least_zero(name: str, *, word: str = "great") -> tuple[str, Rule]:
    """Upstream spells "great" in more than one way."""
    return name, (lambda text: int(text) >= 0, f"{name} should be {word} or equal than zero")


def at_most(problem: Problem, name: str, most: int) -> None:
    """As many as one answer can afford, which upstream does not limit."""
    if int(problem.settings.get(name, 0)) > most:
        raise Refused(f"{name} should be at most {most}")


def one_of(name: str, values: tuple[str, ...], otherwise: str) -> tuple[str, Rule]:
    return name, (lambda text: text in values, otherwise)


def one_objective(problem: Problem, algorithm: str) -> None:
    if len(problem.objectives) > 1:
        raise Refused(f"{algorithm} has one objective only, not {len(problem.objectives)}")


def seed(problem: Problem) -> int:
    return int(problem.settings.get(SEED, problem.seed))


def integer(problem: Problem, name: str, default: int) -> int:
    return int(problem.settings.get(name, default))


def number(problem: Problem, name: str, default: float) -> float:
    return float(problem.settings.get(name, default))
