from __future__ import annotations

import uuid
from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lib.search import simulated
from lib.search.searching import choice, discrete, double, integer, problem
from lib.search.simulated import posed
from sampan.lib.search.algorithms import pbt
from sampan.lib.search.algorithms.pbt import AGAIN, GENERATION, REPLACES
from sampan.lib.search.checkpoints import PARENT
from sampan.lib.search.problem import Objective, Parameter, Problem, Refused, Trial


def generation(about: Problem, before: list[Trial], count: int) -> list[Trial]:
    found = pbt.suggest(about, before, count).suggestions
    return [simulated.running(each, len(before) + at) for at, each in enumerate(found)]


def worths(trials: list[Trial], *values: float) -> list[Trial]:
    return [
        replace(each, state="succeeded", values=(value,))
        for each, value in zip(trials, values, strict=True)
    ]


def children(about: Problem, count: int) -> tuple[list[Trial], list[Trial]]:
    """A generation, of which the first is the worst and the last the best, and the next one."""
    first = worths(generation(about, [], 8), *map(float, range(8, 0, -1)))
    return first, generation(about, first, count)


def test_every_one_has_a_child_and_the_worst_are_replaced_by_the_best() -> None:
    first, second = children(posed("pbt"), 8)
    by_name = {each.name: each for each in first}
    assert Counter(e.labels.get(REPLACES) or e.labels[PARENT] for e in second) == Counter(
        list(by_name)
    )
    replaced = [each for each in second if REPLACES in each.labels]
    assert {each.labels[REPLACES] for each in replaced} == {first[0].name, first[1].name}
    for each in replaced:
        winner = by_name[each.labels[PARENT]]
        assert winner in first[-2:]
        assert each.assignments == winner.assignments


def test_the_others_go_on_from_themselves_nearby() -> None:
    first, second = children(posed("pbt"), 8)
    by_name = {each.name: each for each in first}
    for each in second:
        if REPLACES not in each.labels:
            before, after = (
                float(t.assignments["lr"]) for t in (by_name[each.labels[PARENT]], each)
            )
            assert after in (before * 0.8, before * 1.2, 0.01, 0.05)


def test_maximizing_replaces_the_smallest() -> None:
    about = posed("pbt", objectives=(Objective(metric="accuracy", minimize=False),))
    first, second = children(about, 8)
    replaced = {each.labels[REPLACES] for each in second if REPLACES in each.labels}
    assert replaced == {first[-1].name, first[-2].name}


def test_generations_are_numbered() -> None:
    trials = simulated.run("pbt", posed("pbt", parallel=5), 25, Random(1))
    assert {each.labels[GENERATION] for each in trials} == set("012")
    assert all(PARENT in each.labels for each in trials if each.labels[GENERATION] != "0")
    numbers = {each.name: int(each.labels[GENERATION]) for each in trials}
    for each in trials:
        if parent := each.labels.get(PARENT):
            assert numbers[each.name] == numbers[parent] + 1


def test_a_generation_begins_when_enough_of_the_last_one_have_told() -> None:
    about = posed("pbt")
    running = generation(about, [], 8)
    four = [*worths(running[:4], 1, 2, 3, 4), *running[4:]]
    five = [*worths(running[:5], 1, 2, 3, 4, 5), *running[5:]]
    assert generation(about, four, 1)[0].labels == {GENERATION: "0"}
    assert generation(about, five, 1)[0].labels[GENERATION] == "1"


def test_who_failed_is_tried_once_more_as_it_was() -> None:
    about = posed("pbt")
    first, second = children(about, 3)
    failed = [replace(each, state="failed") for each in second]
    again = generation(about, [*first, *failed], 3)
    assert [each.labels[AGAIN] for each in again] == [each.name for each in failed]
    for one, other in zip(failed, again, strict=True):
        assert other.assignments == one.assignments
        assert other.labels == {**one.labels, AGAIN: one.name}
        assert other.name != one.name
    lost = [replace(each, state="failed") for each in again]
    assert all(AGAIN not in e.labels for e in generation(about, [*first, *failed, *lost], 3))


def test_drawn_anew_with_a_probability() -> None:
    never, always = (
        children(posed("pbt", settings={"resample_probability": share}), 8) for share in "01"
    )
    for (first, second), expected in ((never, True), (always, False)):
        by_name = {each.name: each for each in first}
        for each in second:
            parent = by_name[each.labels[PARENT]]
            if REPLACES not in each.labels:
                assert (each.assignments == parent.assignments) == expected


@given(value=st.integers(-50, 60), seed=st.integers(0, 1000))
def test_an_int_moves_by_a_fifth_or_by_a_step(value: int, seed: int) -> None:
    moved = int(pbt.perturbed(integer("n", -100, 100), str(value), Random(seed)))
    assert moved != value
    if value > 4:
        assert moved in (int(value * 0.8), int(value * 1.2))


@given(seed=st.integers(0, 1000))
def test_steps_of_an_int_are_kept(seed: int) -> None:
    parameter, random, value = integer("n", 2, 19, step=4.0), Random(seed), "10"
    for _ in range(20):
        value = pbt.perturbed(parameter, value, random)
        assert value in ("2", "6", "10", "14", "18")


@pytest.mark.parametrize("parameter", [choice("c", "a", "b", "d"), discrete("c", "a", "b", "d")])
def test_choices_move_to_their_neighbours_in_a_ring(parameter: Parameter) -> None:
    found = {pbt.perturbed(parameter, "a", Random(seed)) for seed in range(20)}
    assert found == {"b", "d"}


def test_what_is_no_value_is_drawn_anew() -> None:
    about = problem(
        double("x", 0, 1), choice("c", "a"), integer("n", 1, 1), settings=simulated.SETTINGS["pbt"]
    )
    found = pbt.explored(about, {"x": "fast", "c": "z"}, Random(1))
    assert 0 <= float(found["x"]) <= 1
    assert (found["c"], found["n"]) == ("a", "1")


def test_trials_of_an_earlier_experiment_are_the_first_generation() -> None:
    about = posed("pbt")
    earlier = [
        Trial(name=f"old-{n}", assignments={"lr": "0.02", "momentum": "0.6", "epochs": "5"},
              state="succeeded", values=(float(n),))
        for n in range(5)
    ]  # fmt: skip
    (found,) = pbt.suggest(about, earlier, 1).suggestions
    assert found.labels[PARENT].startswith("old-")


def test_equal_outcomes_replace_nobody() -> None:
    about = posed("pbt")
    first = worths(generation(about, [], 8), *[1.0] * 8)
    assert pbt.segments(about, first)[0] == []


@pytest.mark.parametrize("share", ["0", "0.2", "0.5", "0.9", "1"])
def test_any_threshold_has_somebody_to_copy(share: str) -> None:
    about = posed("pbt", settings={"truncation_threshold": share})
    first = worths(generation(about, [], 8), *map(float, range(8)))
    worst, best = pbt.segments(about, first)
    assert best
    assert len(worst) <= max(7, 8 * float(share))


@settings(max_examples=20)
@given(name=st.from_regex(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?", fullmatch=True))
def test_names_are_upstream_s_where_they_fit(name: str) -> None:
    about = replace(posed("pbt"), name=name)
    found = pbt.suggest(about, [], 3).suggestions
    assert len({each.name for each in found}) == 3
    for each in found:
        unique = each.name.removeprefix(f"{name}-")
        assert len(each.name) <= 63
        if len(name) <= 26:
            assert str(uuid.UUID(unique)) == unique


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"n_population": None, "suggestion_trial_dir": None},
         "Required params missing: suggestion_trial_dir, n_population"),
        ({"n_population": "4"}, "Param(n_population) should be >= 5"),
        ({"n_population": "x"},
         "failed to validate n_population(x): invalid literal for int() with base 10: 'x'"),
        ({"truncation_threshold": "1.1"},
         "Param(truncation_threshold) should be between 0 and 1, inclusive"),
        ({"truncation_threshold": "nan"},
         "Param(truncation_threshold) should be between 0 and 1, inclusive"),
        ({"resample_probability": "2"},
         "Param(resample_probability) should be null to perturb at 0.8 or 1.2, "
         "or be between 0 and 1, inclusive, to resample"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_in_upstream_s_words(changed: dict[str, str | None], said: str) -> None:
    given = {**simulated.SETTINGS["pbt"], **changed}
    about = problem(
        *simulated.SPACE,
        settings={name: value for name, value in given.items() if value is not None},
    )
    with pytest.raises(Refused) as fault:
        pbt.check(about)
    assert str(fault.value) == said
