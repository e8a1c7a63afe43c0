from __future__ import annotations

from collections import Counter
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.search import simulated
from lib.search.searching import choice, integer, problem, worth
from lib.search.simulated import posed
from sampan.lib.search.algorithms import hyperband
from sampan.lib.search.algorithms.hyperband import BRACKET, MEMBER, RUNG
from sampan.lib.search.checkpoints import PARENT
from sampan.lib.search.problem import Objective, Refused, Trial

TABLE = {  # of the original paper, for R = 81: trials and budget by bracket and rung
    (0, 0): (81, 1), (0, 1): (27, 3), (0, 2): (9, 9), (0, 3): (3, 27), (0, 4): (1, 81),
    (1, 0): (34, 3), (1, 1): (12, 9), (1, 2): (4, 27), (1, 3): (2, 81),
    (2, 0): (15, 9), (2, 1): (5, 27), (2, 2): (2, 81),
    (3, 0): (8, 27), (3, 1): (3, 81),
    (4, 0): (5, 81),
}  # fmt: skip
SMALL = {(0, 0): (9, 1), (0, 1): (3, 3), (0, 2): (1, 9), (1, 0): (5, 3), (1, 1): (2, 9),
         (2, 0): (3, 9)}  # fmt: skip


def rungs(trials: list[Trial]) -> dict[tuple[int, int], tuple[int, int]]:
    """How many trials each rung of each bracket has, and their budget."""
    found = Counter(
        (int(e.labels[BRACKET]), int(e.labels[RUNG]), int(e.assignments["epochs"])) for e in trials
    )
    return {(bracket, rung): (count, budget) for (bracket, rung, budget), count in found.items()}


def total(table: dict[tuple[int, int], tuple[int, int]]) -> int:
    return sum(count for count, _ in table.values())


@pytest.mark.parametrize(("most", "table"), [("81", TABLE), ("9", SMALL)])
def test_budgets_and_sizes_are_those_of_the_method(
    most: str, table: dict[tuple[int, int], tuple[int, int]]
) -> None:
    about = posed("hyperband", settings={"r_l": most}, parallel=81, max_trials=total(table))
    hyperband.check(about)
    assert rungs(simulated.run("hyperband", about, total(table))) == table


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**40), parallel=st.integers(9, 30))
def test_any_order_of_ends_makes_the_same_rungs(seed: int, parallel: int) -> None:
    about = posed("hyperband", parallel=parallel, max_trials=total(SMALL))
    assert rungs(simulated.run("hyperband", about, total(SMALL), Random(seed))) == SMALL


def test_the_best_of_a_rung_go_on_with_the_same_values() -> None:
    about = posed("hyperband", max_trials=13)
    trials = simulated.run("hyperband", about, 13, Random(3))
    first, second = ([e for e in trials if e.labels[RUNG] == rung] for rung in "01")
    best = sorted(first, key=lambda each: each.values[0] or 0.0)[:3]
    assert {e.labels[PARENT] for e in second} == {e.name for e in best}
    for each in second:
        (parent,) = (e for e in first if e.name == each.labels[PARENT])
        assert each.labels[MEMBER] == parent.labels[MEMBER]
        assert each.assignments == {**parent.assignments, "epochs": "3"}


def test_maximizing_takes_the_largest() -> None:
    about = posed(
        "hyperband", max_trials=13, objectives=(Objective(metric="accuracy", minimize=False),)
    )
    trials = simulated.run("hyperband", about, 13)
    (last,) = (each for each in trials if each.labels[RUNG] == "2")
    rivals = [each for each in trials if each.labels[RUNG] == "1"]
    assert last.labels[PARENT] == max(rivals, key=lambda e: e.values[0] or 0.0).name


def test_as_many_are_answered_as_were_asked_for_where_trials_are_not_limited() -> None:
    about = posed("hyperband")
    assert len(hyperband.suggest(about, [], 500).suggestions) == 500


def test_who_would_wait_begins_the_next_bracket() -> None:
    about = posed("hyperband")
    found = hyperband.suggest(about, [], 12).suggestions
    assert [each.labels[BRACKET] for each in found] == ["0"] * 9 + ["1"] * 3


def test_places_that_promotions_need_are_not_given_away() -> None:
    """Thirteen trials are just the first bracket: it is waited for."""
    about = posed("hyperband", max_trials=13)
    trials = [
        simulated.running(e, n) for n, e in enumerate(hyperband.suggest(about, [], 9).suggestions)
    ]
    assert not hyperband.suggest(about, trials, 4).suggestions
    trials = [simulated.succeeded(each, Random()) for each in trials]
    found = hyperband.suggest(about, trials, 4).suggestions
    assert [each.labels[RUNG] for each in found] == ["1", "1", "1"]


def test_the_first_batch_is_whole_where_trials_are_few() -> None:
    about = posed("hyperband", max_trials=9)
    assert len(hyperband.suggest(about, [], 9).suggestions) == 9


def test_who_failed_is_not_promoted_and_nobody_waits_for_it() -> None:
    about = posed("hyperband", max_trials=13)
    begun = [
        simulated.running(e, n) for n, e in enumerate(hyperband.suggest(about, [], 9).suggestions)
    ]
    good = simulated.succeeded(begun[4], Random())
    others = [
        msgspec.structs.replace(e, state="failed" if n % 2 else "unavailable")
        for n, e in enumerate(begun)
        if n != 4
    ]
    promoted, *fresh = hyperband.suggest(about, [*others, good], 4).suggestions
    assert promoted.labels[PARENT] == good.name
    assert {each.labels[BRACKET] for each in fresh} == {"1"}


def test_a_promotion_that_was_taken_back_is_made_again() -> None:
    about = posed("hyperband", max_trials=13)
    trials = simulated.run("hyperband", about, 9)
    once = hyperband.suggest(about, trials, 3)
    assert hyperband.suggest(about, trials, 3) == once


def test_budgets_are_whole_and_the_last_one_is_all() -> None:
    about = posed("hyperband", settings={"r_l": "10"}, max_trials=13)
    found = {e.labels[RUNG]: e.assignments["epochs"] for e in simulated.run("hyperband", about, 13)}
    assert found == {"0": "1", "1": "3", "2": "10"}


def test_a_power_of_eta_is_one_in_spite_of_rounding() -> None:
    """The logarithm of 243 to the base 3 is a little less than 5."""
    about = posed("hyperband", settings={"r_l": "243"}, parallel=81)
    hyperband.check(about)
    assert hyperband.suggest(about, [], 1).suggestions[0].assignments["epochs"] == "1"


def test_what_upstream_keeps_in_the_settings_is_let_pass() -> None:
    state = {"s_max": "2", "b_l": "27", "r": "1", "n": "9", "current_s": "-1", "current_i": "0",
             "evaluating_trials": "9"}  # fmt: skip
    about = posed("hyperband", settings=state)
    hyperband.check(about)
    assert hyperband.suggest(about, [], 9).suggestions


def test_upstream_s_request_is_answered_in_full() -> None:
    parameters = (
        integer("param-1", 1, 5),
        choice("param-2", "cat1", "cat2"),
        integer("epochs", 1, 1),
    )
    about = problem(
        *parameters, settings={"r_l": "2", "eta": "2", "resource_name": "epochs"}, parallel=2,
        max_trials=2,
    )  # fmt: skip
    hyperband.check(about)
    found = hyperband.suggest(about, [], 2).suggestions
    assert [each.assignments["epochs"] for each in found] == ["1", "1"]


def test_labels_of_somebody_else_are_no_rungs() -> None:
    about = posed("hyperband")
    strange = [
        Trial(name=f"t{n}", assignments={}, state="succeeded", values=(worth({}),), labels=labels)
        for n, labels in enumerate((
            {}, {BRACKET: "x", RUNG: "0", MEMBER: "0"}, {BRACKET: "0", RUNG: "99", MEMBER: "0"},
            {BRACKET: "-1", RUNG: "0", MEMBER: "0"}, {BRACKET: "9" * 63, RUNG: "0", MEMBER: "²"},
        ))
    ]  # fmt: skip
    found = hyperband.suggest(about, strange, 9).suggestions
    assert {each.labels[BRACKET] for each in found} == {"0"}


@pytest.mark.parametrize(
    ("settings", "parallel", "said"),
    [
        ({"r_l": None}, 9, "r_l and resource_name must be set."),
        ({"resource_name": None}, 9, "r_l and resource_name must be set."),
        ({"r_l": "many"}, 9, "r_l must be a positive float number."),
        ({"r_l": "-1"}, 9, "r_l must be a positive float number."),
        ({"r_l": "0"}, 9, "r_l must be a positive float number."),
        ({"r_l": "nan"}, 9, "r_l must be a positive float number."),
        ({"r_l": "0.5"}, 9, "r_l must be from 1 to 1e12"),
        ({"r_l": "1e300"}, 9, "r_l must be from 1 to 1e12"),
        ({"eta": "1"}, 9, "eta must be at least 2"),
        ({"eta": "1.9"}, 9, "eta must be at least 2"),
        ({"eta": "x"}, 9, "failed to validate eta(x): could not convert string to float: 'x'"),
        ({}, 8, "parallelTrialCount must be not less than 9."),
        ({"eta": "-1"}, 8, "parallelTrialCount must be not less than 9."),
        ({"eta": "2"}, 7, "parallelTrialCount must be not less than 8."),
        ({"resource_name": "--epochs"}, 9,
         "value of resource_name setting must be in parameters."),
    ],
)  # fmt: skip
def test_nonsense_is_refused_in_upstream_s_words(
    settings: dict[str, str | None], parallel: int, said: str
) -> None:
    given = {**simulated.SETTINGS["hyperband"], **settings}
    about = problem(
        *simulated.SPACE, parallel=parallel,
        settings={name: value for name, value in given.items() if value is not None},
    )  # fmt: skip
    with pytest.raises(Refused) as fault:
        hyperband.check(about)
    assert str(fault.value) == said
