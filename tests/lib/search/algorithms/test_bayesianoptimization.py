from __future__ import annotations

import pytest
from msgspec.structs import replace

from lib.search.searching import choice, double, ended, integer, problem, tried
from sampan.lib.search.algorithms import bayesianoptimization as bayes
from sampan.lib.search.problem import Problem, Trial

BOWL = double("x", -1, 3), double("y", 0.5, 8)


def bowl(trial: Trial) -> float:
    x, y = (float(trial.assignments[name]) for name in "xy")
    return (x - 1.2) ** 2 + (y - 2) ** 2


def searched(about: Problem, count: int, parallel: int = 1) -> list[Trial]:
    history: list[Trial] = []
    while len(history) < count:
        new = [ended(each) for each in bayes.suggest(about, history, parallel).suggestions]
        history += [replace(each, values=(bowl(each),), seconds=1 + bowl(each)) for each in new]
    return history


@pytest.mark.parametrize(
    ("settings", "near"),
    [
        ({}, 1e-3),
        ({"acq_func": "EI"}, 1e-3),
        ({"acq_func": "LCB"}, 1e-3),
        ({"acq_func": "PI"}, 0.05),
        ({"acq_func": "EIps"}, 1e-2),
        ({"acq_func": "PIps"}, 0.05),
        ({"acq_optimizer": "sampling"}, 1e-2),
        ({"base_estimator": "RF"}, 0.5),
        ({"base_estimator": "ET"}, 0.5),
        ({"base_estimator": "GBRT"}, 0.5),
    ],
    ids=str,
)
def test_a_minimum_is_found(settings: dict[str, str], near: float) -> None:
    history = searched(problem(*BOWL, settings=settings), 25)
    assert min(map(bowl, history)) < near


def test_the_first_points_are_drawn_evenly() -> None:
    about = problem(*BOWL, settings={"n_initial_points": "4"})
    labels = [bayes.FUNCTION in each.labels for each in tried("bayesianoptimization", about, 6)]
    assert labels == [False] * 4 + [True] * 2


def test_hedging_takes_more_than_one_function() -> None:
    taken = {each.labels.get(bayes.FUNCTION) for each in searched(problem(*BOWL), 30)}
    assert taken == {None, "EI", "LCB", "PI"}


def test_what_runs_is_left_to_run() -> None:
    history = searched(problem(*BOWL), 20)
    batch = bayes.suggest(problem(*BOWL), history, 4).suggestions
    points = {tuple(round(float(t), 3) for t in each.assignments.values()) for each in batch}
    assert len(points) == 4


def test_choices_and_steps_are_learned() -> None:
    about = problem(choice("c", "a", "b", "c", "d"), integer("n", 1, 30), integer("m", 1, 30))
    history: list[Trial] = []
    while len(history) < 35:
        for each in bayes.suggest(about, history, 1).suggestions:
            n, m = int(each.assignments["n"]), int(each.assignments["m"])
            lost = abs(n - 21) + abs(m - 4) + (0 if each.assignments["c"] == "c" else 9)
            history.append(ended(each, float(lost)))
    assert min(each.values[0] or 0.0 for each in history) <= 2


def test_a_trial_that_diverged_does_not_hide_the_others() -> None:
    history = searched(problem(*BOWL), 15)
    history[3] = ended(bayes.suggest(problem(*BOWL), history[:3], 1).suggestions[0], 1e300)
    for _ in range(12):
        (new,) = bayes.suggest(problem(*BOWL), history, 1).suggestions
        history.append(ended(new, bowl(ended(new))))
    assert min(map(bowl, history)) < 0.01
