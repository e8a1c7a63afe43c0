"""One suggestion after another: each is made as if those before it were trials already.

So a batch is what single questions would have been answered, and what runs is known to each. No
point is suggested twice while there is another one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from random import Random

from sampan.lib.search.problem import Answer, Problem, Suggestion, Trial
from sampan.lib.search.space import Space

Propose = Callable[[Problem, Sequence[Trial]], Suggestion | None]
"""None: nothing before another trial has ended."""
TRIES = 100
"""Points of its own that an algorithm without a model offers, of which one is to be new."""
_STEPS = 10_000
"""Points looked at for one that is new, where conditions make one of many of them."""

_BRANCHES = 20
"""Points drawn for one that is new, where a branch of the space may be used up."""


def in_turn(propose: Propose, problem: Problem, trials: Sequence[Trial], count: int) -> Answer:
    so_far, made = list(trials), []
    for _ in range(count):
        suggestion = propose(problem, so_far)
        if suggestion is None:
            break
        made.append(suggestion)
        so_far.append(_begun(suggestion))
    return Answer(suggestions=tuple(made))


def _begun(suggestion: Suggestion) -> Trial:
    return Trial(
        name=suggestion.name,
        assignments=suggestion.assignments,
        state="created",
        labels=suggestion.labels,
    )


def unseen(
    space: Space, trials: Sequence[Trial], ranked: Iterable[Sequence[float]], random: Random
) -> dict[str, str]:
    """The assignments of the first of these points that no trial has, or else of any such; where
    there is none, of the first."""
    points = iter(ranked)
    first = space.assigned(next(points))
    if not any(each.assignments == first for each in trials):
        return first
    taken = {key(each.assignments) for each in trials}
    for places in itertools.chain(points, _walk(space, len(taken), random)):
        assigned = space.assigned(places)
        if key(assigned) not in taken:
            return assigned
    return first


def _walk(space: Space, taken: int, random: Random) -> Iterator[Sequence[float]]:
    """Points of a space in which they have a number, from somewhere on. Where they have none only
    since other branches of the space have steps, points of any branch."""
    if not space.size and space.is_conditional:
        for _ in range(_BRANCHES):
            yield [random.random() for _ in space.axes]
    start = random.randrange(space.size) if space.size else 0
    for step in range(min(space.size, taken + _STEPS)):
        yield space.point((start + step) % space.size)


def key(assignments: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(assignments.items())
