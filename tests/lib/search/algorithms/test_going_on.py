"""What is true of every algorithm whose trials go on from one another."""

from __future__ import annotations

import subprocess
import sys
from random import Random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib.search import simulated
from lib.search.searching import GOING_ON, algorithm, choice, double, integer, problem
from lib.search.test_space import inside
from sampan.lib.search.checkpoints import PARENT
from sampan.lib.search.problem import Refused
from sampan.lib.search.process import Reply, Request

quickly = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
every = pytest.mark.parametrize("name", GOING_ON)
seeds = st.integers(0, 2**40)


@quickly
@given(seed=seeds, parallel=st.integers(9, 20), total=st.integers(1, 40), limited=st.booleans())
@every
def test_any_order_of_any_ends_comes_to_an_end(
    name: str, seed: int, parallel: int, total: int, limited: bool
) -> None:
    """Never more than was asked for, and never nothing while nothing runs (`simulated`)."""
    about = simulated.posed(
        name, seed=seed, parallel=parallel, max_trials=total if limited else None
    )
    trials = simulated.run(name, about, total, Random(seed), simulated.any_end)
    assert len(trials) == total
    names = [each.name for each in trials]
    assert len(set(names)) == total
    assert {each.labels[PARENT] for each in trials if PARENT in each.labels} <= set(names)


@every
def test_nothing_but_failures_is_no_obstacle(name: str) -> None:
    def failed(trial: simulated.Trial, random: Random) -> simulated.Trial:
        return msgspec.structs.replace(trial, state="failed")

    about = simulated.posed(name, max_trials=40)
    assert len(simulated.run(name, about, 40, end=failed)) == 40


@quickly
@given(seed=seeds, before=st.integers(0, 30), count=st.integers(0, 12))
@every
def test_a_batch_is_what_single_questions_are_answered(
    name: str, seed: int, before: int, count: int
) -> None:
    about = simulated.posed(name, seed=seed)
    history = simulated.run(name, about, before, Random(seed))
    batch = algorithm(name).suggest(about, history, count).suggestions
    assert len(batch) == count
    for number, each in enumerate(batch):
        assert algorithm(name).suggest(about, history, 1).suggestions == (each,)
        history = [*history, simulated.running(each, 1000 + number)]


@quickly
@given(seed=seeds, total=st.integers(1, 40))
@every
def test_values_are_inside_the_space(name: str, seed: int, total: int) -> None:
    about = simulated.posed(name, seed=seed)
    for trial in simulated.run(name, about, total, Random(seed)):
        assert list(trial.assignments) == [each.name for each in about.parameters]
        for parameter in about.parameters:
            inside(parameter, trial.assignments[parameter.name])


@every
def test_a_seed_is_a_search(name: str) -> None:
    def first(**more: object) -> list[dict[str, str]]:
        found = simulated.answered(name, simulated.posed(name, **more), [], 5)
        return [dict(each.assignments) for each in found]

    assert first(seed=1) == first(seed=1) != first(seed=2)
    fixed = {"random_state": "7"}
    assert first(seed=1, settings=fixed) == first(seed=2, settings=fixed)


@every
def test_who_is_tried_first_does_not_rest_on_what_comes_later(name: str) -> None:
    """An answer is a function of the history: it is the same in another process."""
    about = simulated.posed(name, seed=3)
    history = simulated.run(name, about, 20, Random(1))
    request = Request(verb="suggest", algorithm=name, problem=about, trials=tuple(history), count=4)
    said = subprocess.run(
        [sys.executable, "-P", "-m", "sampan.lib.search.process"],
        input=msgspec.json.encode(request), stdout=subprocess.PIPE, check=True, timeout=60,
    ).stdout  # fmt: skip
    assert msgspec.json.decode(said, type=Reply).answer == algorithm(name).suggest(
        about, history, 4
    )


@every
def test_it_stands_on_the_standard_library_alone(name: str) -> None:
    program = (
        f"import sys; from sampan.lib.search.algorithms import {name}; "
        "print(*({'numpy', 'scipy', 'sklearn', 'cmaes'} & set(sys.modules)))"
    )
    said = subprocess.run(
        [sys.executable, "-P", "-c", program], stdout=subprocess.PIPE, check=True, timeout=60
    ).stdout
    assert said.strip() == b""


@every
def test_a_setting_that_there_is_not_is_refused_by_name(name: str) -> None:
    with pytest.raises(Refused, match=f"unknown setting nonsense for algorithm {name}"):
        algorithm(name).check(simulated.posed(name, settings={"nonsense": "1"}))


@every
def test_a_space_that_is_none_is_refused(name: str) -> None:
    about = problem(
        double("x", 2, 1), integer("epochs", 1, 9),
        settings=simulated.SETTINGS[name], parallel=9,
    )  # fmt: skip
    with pytest.raises(Refused, match="parameter x: min is above max"):
        algorithm(name).check(about)


@every
def test_a_conditional_parameter_is_given_with_its_parent_alone(name: str) -> None:
    gamma = double("gamma", 0, 1, when=("kernel", ("rbf",)))
    about = problem(
        choice("kernel", "rbf", "linear"), gamma, integer("epochs", 1, 9),
        settings=simulated.SETTINGS[name], parallel=9,
    )  # fmt: skip
    algorithm(name).check(about)
    trials = simulated.run(name, about, 40, Random(5))
    for each in trials:
        assert ("gamma" in each.assignments) == (each.assignments["kernel"] == "rbf")
