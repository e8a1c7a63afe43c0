"""What is true of every algorithm."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib.search.searching import (
    EARLY,
    GOING_ON,
    LEARNING,
    NETWORKS,
    PLAIN,
    algorithm,
    choice,
    discrete,
    double,
    ended,
    integer,
    parameters,
    problem,
    tried,
    worth,
)
from lib.search.test_space import inside
from sampan.lib.search.algorithms import MODULES
from sampan.lib.search.problem import Objective, Parameter, Refused, Suggestion
from sampan.lib.search.process import Reply, Request

quickly = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
every = pytest.mark.parametrize("name", [*PLAIN, *LEARNING])
learning = pytest.mark.parametrize("name", LEARNING)

MIXED = (
    double("lr", 1e-4, 0.1, distribution="logUniform"),
    integer("layers", 2, 5),
    double("momentum", 0.5, 0.9, step=0.1),
    choice("optimizer", "sgd", "adam", "ftrl"),
    discrete("batch", "32", "64"),
)
GRID = MIXED[1:]
FINITE = integer("a", 1, 3), integer("b", 1, 4)


def space_for(name: str) -> tuple[Parameter, ...]:
    return GRID if name == "grid" else MIXED


@quickly
@given(given=parameters(stepped=True, distributions=("uniform", "logUniform")), seed=st.integers(0))
@every
def test_values_are_inside_the_space(name: str, given: tuple[Parameter, ...], seed: int) -> None:
    about = problem(*given, seed=seed)
    trials = tried(name, about, 14)
    for each in given:
        for trial in trials:
            inside(each, trial.assignments[each.name])


@quickly
@given(seed=st.integers(0, 2**70), before=st.integers(0, 14), count=st.integers(0, 4))
@every
def test_a_batch_is_what_single_questions_are_answered(
    name: str, seed: int, before: int, count: int
) -> None:
    about = problem(*space_for(name), seed=seed)
    history = tried(name, about, before)
    batch = algorithm(name).suggest(about, history, count).suggestions
    for each in batch:
        assert algorithm(name).suggest(about, history, 1).suggestions == (each,)
        history = [*history, ended(each, state="created")]


@every
def test_another_seed_is_another_search(name: str) -> None:
    one, other = (
        algorithm(name).suggest(problem(*space_for(name), seed=seed), [], 3) for seed in (1, 2)
    )
    assert (one == other) == (name == "sobol")


@every
def test_nothing_is_asked_of_no_parameters(name: str) -> None:
    found = algorithm(name).suggest(problem(), [], 1).suggestions if name != "cmaes" else ()
    assert all(each.assignments == {} for each in found)


@every
def test_a_setting_that_there_is_not_is_refused_by_name(name: str) -> None:
    with pytest.raises(Refused, match=f"unknown setting nonsense for algorithm {name}"):
        algorithm(name).check(problem(*space_for(name), settings={"nonsense": "1"}))


@every
def test_a_space_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="parameter x: min is above max"):
        algorithm(name).check(problem(*FINITE, double("x", 2, 1, step=1)))


@every
def test_no_point_is_suggested_twice_while_there_is_another(name: str) -> None:
    trials = tried(name, problem(*FINITE), 14)
    assert len({str(each.assignments) for each in trials}) == 12
    assert len(trials) == (12 if name == "grid" else 14)


@every
def test_trials_that_were_taken_back_bring_no_other_one_again(name: str) -> None:
    about = problem(*space_for(name))
    history = tried(name, about, 8)
    left = [*history[:3], *history[5:]]
    new = algorithm(name).suggest(about, left, 4).suggestions
    points = [each.assignments for each in (*left, *new)]
    assert all(points.count(each) == 1 for each in points)


@learning
def test_what_failed_says_nothing_but_is_not_tried_again(name: str) -> None:
    about = problem(*FINITE)
    history = [ended(each, None, state="failed") for each in _points(11)]
    (found,) = algorithm(name).suggest(about, history, 1).suggestions
    assert found.assignments == {"a": "3", "b": "4"}


@learning
def test_trials_of_another_space_are_no_obstacle(name: str) -> None:
    about = problem(*MIXED)
    strange = Suggestion(assignments={"lr": "fast", "optimizer": "lbfgs", "gone": "1"})
    history = [ended(strange, float(each)) for each in range(12)]
    assert len(algorithm(name).suggest(about, history, 2).suggestions) == 2


@learning
@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_a_value_that_is_no_number_is_not_told(name: str, value: float | None) -> None:
    about = problem(*MIXED, seed=3, settings=EARLY.get(name))
    history = tried(name, about, 12)
    (after,) = algorithm(name).suggest(about, history, 1).suggestions
    lost = [*history[:6], *(msgspec.structs.replace(e, values=(value,)) for e in history[6:])]
    failed = [*history[:6], *(msgspec.structs.replace(e, state="failed") for e in history[6:])]
    assert algorithm(name).suggest(about, lost, 1) == algorithm(name).suggest(about, failed, 1)
    assert after != algorithm(name).suggest(about, failed, 1).suggestions[0]


@learning
def test_maximizing_is_minimizing_the_opposite(name: str) -> None:
    down = problem(*MIXED)
    up = problem(*MIXED, objectives=(Objective(metric="accuracy", minimize=False),))
    history = tried(name, down, 12)
    opposite = [msgspec.structs.replace(e, values=(-(e.values[0] or 0.0),)) for e in history]
    assert algorithm(name).suggest(down, history, 2) == algorithm(name).suggest(up, opposite, 2)


@learning
def test_a_conditional_parameter_is_given_with_its_parent_alone(name: str) -> None:
    gamma = double("gamma", 0, 1, when=("kernel", ("rbf",)))
    about = problem(double("c", 0, 1), integer("n", 1, 9), choice("kernel", "rbf", "linear"), gamma)
    for each in tried(name, about, 25):
        assert ("gamma" in each.assignments) == (each.assignments["kernel"] == "rbf")


@learning
def test_an_earlier_experiment_is_learned_from(name: str) -> None:
    """The trials of another one, told from the start, bring the search near their best."""
    about = problem(double("x", 0, 1), double("y", 0, 1), settings=EARLY.get(name))
    random = algorithm("random").suggest(about, [], 30).suggestions
    earlier = [ended(each, _bowl(each.assignments)) for each in random]
    first = algorithm(name).suggest(about, earlier, 5).suggestions
    assert sorted(_bowl(each.assignments) for each in first)[2] < 0.1


@every
def test_what_is_suggested_is_the_same_in_every_process(name: str) -> None:
    about = problem(*space_for(name), seed=11)
    history = tuple(tried(name, about, 12))
    request = msgspec.json.encode(
        Request(verb="suggest", algorithm=name, problem=about, trials=history, count=3)
    )
    here = algorithm(name).suggest(about, history, 3)
    assert _elsewhere(request, hashes="1").answer == here


def test_the_process_loads_nothing_heavy_before_it_is_asked_to() -> None:
    program = (
        "import sys, sampan.lib.search.process as p; "
        "p.answered(sys.stdin.buffer.read()); "
        "print(*({'numpy', 'scipy', 'sklearn', 'cmaes'} & set(sys.modules)))"
    )
    request = Request(verb="suggest", algorithm="grid", problem=problem(*GRID), count=1)
    assert _run([sys.executable, "-c", program], msgspec.json.encode(request)).strip() == b""


def test_each_algorithm_is_of_one_sort() -> None:
    assert sorted([*PLAIN, *LEARNING, *GOING_ON, *NETWORKS]) == sorted(MODULES)


def _points(count: int) -> list[Suggestion]:
    pairs = [(a, b) for a in range(1, 4) for b in range(1, 5)]
    return [Suggestion(assignments={"a": str(a), "b": str(b)}) for a, b in pairs[:count]]


def _bowl(assignments: dict[str, str]) -> float:
    return worth({name: str(float(text) - 0.6) for name, text in assignments.items()})


def _elsewhere(request: bytes, hashes: str) -> Reply:
    said = _run([sys.executable, "-P", "-m", "sampan.lib.search.process"], request, hashes)
    return msgspec.json.decode(said, type=Reply)


def _run(command: list[str], given: bytes, hashes: str = "2") -> bytes:
    environment = {**os.environ, "PYTHONHASHSEED": hashes}
    return subprocess.run(
        command, input=given, stdout=subprocess.PIPE, check=True, env=environment, timeout=60
    ).stdout
