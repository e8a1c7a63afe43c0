"""Grid search: every point once, in an order that the seed mixes.

The order is a permutation that is computed, not kept (a Feistel network that walks until it is
inside the grid), so that a grid of any size costs nothing. What was tried otherwise, as by an
earlier experiment, is passed over. Distributions are ignored.
Upstream: pkg/suggestion/v1beta1/optuna.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence

from sampan.lib.search import settings, space, turns
from sampan.lib.search.problem import Answer, Problem, Refused, Suggestion, Trial

_RULES = dict([settings.at_least_zero(settings.SEED)])
_MORE = 100_000  # points looked at, where conditions make one of many of them
_ROUNDS = 4  # of the Feistel network: as many as make it a good permutation


def check(problem: Problem) -> None:
    settings.verify(problem.settings, "grid", _RULES)
    for each in problem.parameters:
        if each.kind == "double" and not each.step:
            raise Refused(
                f"failed to validate parameters({each.name}): Param {each.name} step is nil; "
                "For discrete search space, all parameters must include step"
            )
    combinations = space.evenly(problem.parameters).size
    if problem.max_trials is not None and problem.max_trials > combinations:
        raise Refused(
            f"Max Trial Count: {problem.max_trials} > all possible search combinations: "
            f"{combinations}"
        )


def suggest(problem: Problem, trials: Sequence[Trial], count: int) -> Answer:
    grid, taken = space.evenly(problem.parameters), {turns.key(each.assignments) for each in trials}
    found: list[Suggestion] = []
    walk = _walk(grid.size, len(trials), settings.seed(problem))
    for number in itertools.islice(walk, len(taken) + count + _MORE):
        if len(found) == count:
            return Answer(suggestions=tuple(found))
        assigned = grid.assigned(grid.point(number))
        if turns.key(assigned) not in taken:
            taken.add(turns.key(assigned))
            found.append(Suggestion(assignments=assigned))
    return Answer(suggestions=tuple(found), over=len(found) < count)


def _walk(size: int, start: int, seed: int) -> Iterator[int]:
    """Every number below `size`, from where `start` trials have brought it."""
    for step in range(size):
        yield mixed((start + step) % size, size, seed)


def mixed(number: int, size: int, seed: int) -> int:
    """The place of `number` in a permutation of all numbers below `size`."""
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    mask = (1 << half) - 1
    while True:
        left, right = number >> half, number & mask
        for turn in range(_ROUNDS):
            digest = hashlib.blake2b(f"{seed} {turn} {right}".encode(), digest_size=16).digest()
            left, right = right, left ^ (int.from_bytes(digest) & mask)
        number = left << half | right
        if number < size:
            return number
