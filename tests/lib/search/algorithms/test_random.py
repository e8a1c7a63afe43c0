from __future__ import annotations

import pytest

from lib.search.searching import choice, double, ended, integer, problem
from sampan.lib.search.algorithms import random
from sampan.lib.search.problem import Refused

SPACE = double("lr", 1e-5, 0.1, distribution="logUniform"), choice("optimizer", "sgd", "adam")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param(
            {"unknown_conf": "1111"}, "unknown setting unknown_conf for algorithm random", id="name"
        ),
        pytest.param(
            {"random_state": "-1"}, "random_state should be great or equal than zero", id="negative"
        ),
        pytest.param(
            {"random_state": "x"},
            "failed to validate random_state(x): invalid literal for int() with base 10: 'x'",
            id="no-number",
        ),
    ],
)
def test_nonsense_is_refused_in_upstream_s_words(settings: dict[str, str], said: str) -> None:
    with pytest.raises(Refused) as fault:
        random.check(problem(*SPACE, settings=settings))
    assert str(fault.value) == said


def test_a_suggestion_rests_on_the_seed_and_its_place_alone() -> None:
    about = problem(*SPACE, settings={"random_state": "10"})
    five = random.suggest(about, [], 5).suggestions
    trials = [ended(each, 1.0) for each in five[:3]]
    assert random.suggest(about, trials, 2).suggestions == five[3:]


def test_the_seed_of_the_problem_is_used_where_the_settings_have_none() -> None:
    one, other = (random.suggest(problem(*SPACE, seed=seed), [], 3) for seed in (1, 2))
    assert one != other
    assert one == random.suggest(problem(*SPACE, settings={"random_state": "1"}), [], 3)


def test_a_suggestion_is_the_same_in_another_process_and_release() -> None:
    first = random.suggest(problem(integer("n", 1, 1000), seed=7), [], 3).suggestions
    assert [each.assignments["n"] for each in first] == ["382", "948", "930"]
