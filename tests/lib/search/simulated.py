"""An experiment as its controller runs it, with trials that end in any order, well or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random

from msgspec.structs import replace

from lib.search.searching import algorithm, double, integer, problem, worth
from sampan.lib.search.problem import Answer, Problem, State, Suggestion, Trial

SPACE = double("lr", 0.01, 0.05), double("momentum", 0.5, 0.9), integer("epochs", 1, 100)
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "hyperband": {"resource_name": "epochs", "r_l": "9"},
    "asha": {"resource_name": "epochs", "r_l": "9"},
    "pbt": {
        "suggestion_trial_dir": "/data",
        "n_population": "5",
        "truncation_threshold": "0.25",
    },
}
ENDS: Sequence[State] = ("succeeded", "succeeded", "succeeded", "stopped", "failed", "unavailable")


def posed(name: str, **more: object) -> Problem:
    settings = {**SETTINGS[name], **more.pop("settings", {})}  # type: ignore[dict-item]
    return problem(*SPACE, settings=settings, **{"parallel": 9, **more})


def running(suggestion: Suggestion, number: int) -> Trial:
    return Trial(
        name=suggestion.name or f"trial-{number}",
        assignments=suggestion.assignments,
        labels=suggestion.labels,
        state="running",
    )


def succeeded(trial: Trial, random: Random) -> Trial:
    return replace(trial, state="succeeded", values=(worth(trial.assignments),))


def any_end(trial: Trial, random: Random) -> Trial:
    state = random.choice(ENDS)
    told = state in ("succeeded", "stopped")
    return replace(trial, state=state, values=(worth(trial.assignments) if told else None,))


def run(
    name: str,
    about: Problem,
    total: int,
    random: Random | None = None,
    end: Callable[[Trial, Random], Trial] = succeeded,
) -> list[Trial]:
    """The history of so many trials that have ended, `about.parallel` of them at a time. Without
    `random` they end in the order of their beginning."""
    trials: list[Trial] = []
    while True:
        active = [number for number, each in enumerate(trials) if each.state == "running"]
        room = min(about.parallel - len(active), total - len(trials))
        if room > 0:
            found = answered(name, about, trials, room)
            trials += [running(each, len(trials) + at) for at, each in enumerate(found)]
            active = [number for number, each in enumerate(trials) if each.state == "running"]
        if not active:
            return trials
        ending = active[0] if random is None else random.choice(active)
        trials[ending] = end(trials[ending], random or Random(ending))


def answered(
    name: str, about: Problem, trials: Sequence[Trial], count: int
) -> tuple[Suggestion, ...]:
    answer: Answer = algorithm(name).suggest(about, trials, count)
    assert len(answer.suggestions) <= count
    if all(each.state != "running" for each in trials):
        assert answer.suggestions, "it would wait for ever"
    return answer.suggestions
