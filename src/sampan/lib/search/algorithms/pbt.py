"""Population based training: each generation goes on from checkpoints of the one before.

When as many trials of a generation have told as the population is large, each of them has a child
in the next one. The worst, `truncation_threshold` of them, are replaced: their child has the values
and the checkpoint of one of the best, as many. The child of another one goes on from its own
checkpoint, with each number 0.8 or 1.2 times as large and each choice one further or one back in
its list, or, with `resample_probability`, drawn anew so often and kept otherwise. Who is asked for
more than a generation before it has told makes more children, evenly. A trial that failed is tried
once more as it was. Jaderberg et al. 2017.

Labels tell the generation, the parent whose checkpoint a trial goes on from (`checkpoints`), whom
it replaces, and which failed trial it is. Upstream: pkg/suggestion/v1beta1/pbt (there, who is
replaced goes on from its own checkpoint, which is contrary to the method, and
`resample_probability` is always refused; numbers need steps, which its children do not keep to,
and small ints never grow).
"""

from __future__ import annotations

import hashlib
import math
import sys
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random

from sampan.lib.search import outcomes, settings, space, text, turns
from sampan.lib.search.algorithms.random import drawn
from sampan.lib.search.checkpoints import DIRECTORY, LABELS, PARENT
from sampan.lib.search.problem import Answer, Parameter, Problem, Refused, Suggestion, Trial

GENERATION = LABELS + "generation"
REPLACES = LABELS + "replaces"
AGAIN = LABELS + "again"
"""Labels of a trial; the last two have the name of another one as value."""

POPULATION, THRESHOLD, RESAMPLE = "n_population", "truncation_threshold", "resample_probability"
_REQUIRED = (DIRECTORY, POPULATION, THRESHOLD)
_LESS, _MORE = 0.8, 1.2
_LONGEST = 63  # characters in the value of a label
_SHORT = 8

_RULES = dict([
    (DIRECTORY, (lambda text: True, "")),
    (POPULATION, (lambda text: int(text) >= 5, "Param(n_population) should be >= 5")),
    (THRESHOLD, (lambda text: 0 <= float(text) <= 1,
                 "Param(truncation_threshold) should be between 0 and 1, inclusive")),
    (RESAMPLE, (lambda text: 0 <= float(text) <= 1,
                "Param(resample_probability) should be null to perturb at 0.8 or 1.2, "
                "or be between 0 and 1, inclusive, to resample")),
    settings.at_least_zero(settings.SEED),
])  # fmt: skip


def check(problem: Problem) -> None:
    missing = [name for name in _REQUIRED if name not in problem.settings]
    if missing:
        raise Refused(f"Required params missing: {', '.join(missing)}")
    settings.verify(problem.settings, "pbt", _RULES)
    space.of(problem.parameters)


def suggest(problem: Problem, trials: Sequence[Trial], count: int) -> Answer:
    return turns.in_turn(_propose, problem, trials, count)


def _propose(problem: Problem, trials: Sequence[Trial]) -> Suggestion:
    generations = _generations(trials)
    size = settings.integer(problem, POPULATION, 0)
    number, pool = 0, list[Trial]()
    for each in sorted(generations):
        told = outcomes.told(problem, generations[each])
        if len(told) >= size:
            number, pool = each + 1, told
    siblings = generations.get(number, [])
    random = Random(f"{settings.seed(problem)} {len(trials)} pbt")
    name = _name(problem, trials)
    if (lost := _failed(siblings)) is not None:
        again = copied(problem, lost.assignments, random)
        return Suggestion(assignments=again, name=name, labels={**lost.labels, AGAIN: lost.name})
    if not pool:
        searched = space.of(problem.parameters)
        point = drawn(len(searched.axes), settings.seed(problem), len(trials))
        return Suggestion(assignments=searched.assigned(point), name=name, labels={GENERATION: "0"})
    assignments, labels = _child(problem, pool, siblings, random)
    return Suggestion(
        assignments=assignments, name=name, labels={GENERATION: str(number), **labels}
    )


def _generations(trials: Sequence[Trial]) -> dict[int, list[Trial]]:
    """Trials without a label are of the first one."""
    found: dict[int, list[Trial]] = {}
    for each in trials:
        label = each.labels.get(GENERATION, "0")
        if label.isascii() and label.isdigit():
            found.setdefault(int(label), []).append(each)
    return found


def _failed(siblings: Sequence[Trial]) -> Trial | None:
    """One that failed and was not tried again."""
    tried = {each.labels.get(AGAIN) for each in siblings}
    for each in siblings:
        if each.state == "failed" and AGAIN not in each.labels and each.name not in tried:
            return each
    return None


def _child(
    problem: Problem, pool: Sequence[Trial], siblings: Sequence[Trial], random: Random
) -> tuple[dict[str, str], dict[str, str]]:
    """Of one of those that have the fewest children: assignments and labels."""
    children = Counter(
        each.labels.get(REPLACES) or each.labels.get(PARENT)
        for each in siblings
        if AGAIN not in each.labels
    )
    fewest = min(children[each.name] for each in pool)
    chosen = random.choice([each for each in pool if children[each.name] == fewest])
    worst, best = segments(problem, pool)
    if chosen in worst:
        winner = random.choice(best)
        same = copied(problem, winner.assignments, random)
        return same, {PARENT: winner.name, REPLACES: chosen.name}
    return explored(problem, chosen.assignments, random), {PARENT: chosen.name}


def segments(problem: Problem, pool: Sequence[Trial]) -> tuple[list[Trial], list[Trial]]:
    """Who is replaced, and by whom: those beyond the quantiles of `truncation_threshold`."""
    share = settings.number(problem, THRESHOLD, 0)
    worth = [-standing for standing in outcomes.standings(problem, pool)]
    low, high = _quantile(worth, share), _quantile(worth, 1 - share)
    worst = [each for each, value in zip(pool, worth, strict=True) if value < low]
    best = [each for each, value in zip(pool, worth, strict=True) if value >= high]
    return worst, best


def _quantile(values: Sequence[int], share: float) -> float:
    """Between two values, in a straight line."""
    ordered, place = sorted(values), share * (len(values) - 1)
    below, above = ordered[math.floor(place)], ordered[math.ceil(place)]
    return below + (above - below) * (place - math.floor(place))


def copied(problem: Problem, before: Mapping[str, str], random: Random) -> dict[str, str]:
    """What was; drawn anew where that is no value of the space, as of an earlier experiment."""
    searched = space.of(problem.parameters)
    return searched.active(
        {
            axis.name: before[axis.name]
            if axis.takes(before.get(axis.name))
            else axis.text(random.random())
            for axis in searched.axes
        }
    )


def explored(problem: Problem, before: Mapping[str, str], random: Random) -> dict[str, str]:
    """Near what was, or some of it drawn anew."""
    searched = space.of(problem.parameters)
    share = settings.number(problem, RESAMPLE, 0) if RESAMPLE in problem.settings else None
    found = {}
    for axis in searched.axes:
        anew, value = axis.text(random.random()), before.get(axis.name)
        if (
            value is None
            or not axis.takes(value)
            or (share is not None and random.random() < share)
        ):
            found[axis.name] = anew
        elif share is not None:
            found[axis.name] = value
        else:
            found[axis.name] = perturbed(axis.parameter, value, random)
    return searched.active(found)


def perturbed(parameter: Parameter, value: str, random: Random) -> str:
    """One of the two neighbours of a value that the parameter takes. Numbers stay in their range,
    and an int moves by a step at least."""
    if parameter.kind in ("discrete", "categorical"):
        place = parameter.choices.index(value) + random.choice((-1, 1))
        return parameter.choices[place % len(parameter.choices)]
    number = float(value)
    factor = random.choice((_LESS, _MORE))
    low, high = parameter.min or 0.0, parameter.max or 0.0
    moved = min(max(number * factor, -sys.float_info.max), sys.float_info.max)
    if parameter.kind == "int":
        step = max(1, round(parameter.step or 1))
        low, high = math.ceil(low), math.floor(high)
        high = low + (high - low) // step * step
        steps = math.floor((moved - number) / step) or (1 if factor > 1 else -1)
        moved = number + step * steps
    return text.of(parameter, min(max(moved, low), high))


def _name(problem: Problem, trials: Sequence[Trial]) -> str:
    """As upstream's, which end in a UUID; shorter where that were no value for a label."""
    taken, turn = {each.name for each in trials}, len(trials)
    while True:
        digest = hashlib.sha256(f"{problem.name} {problem.seed} {turn}".encode()).digest()
        unique = str(uuid.UUID(bytes=digest[:16], version=4))
        room = _LONGEST - len(problem.name) - 1
        name = f"{problem.name}-{unique if room >= len(unique) else unique[:_SHORT]}"
        if name not in taken:
            return name
        turn += 1
