"""What settings and problems are refused, in the words of upstream's services."""

from __future__ import annotations

import pytest

from lib.search.searching import algorithm, choice, double, integer, problem
from sampan.lib.search.problem import Objective, Parameter, Refused

TWO = double("x", 0, 1), integer("n", 1, 5)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("tpe", {"gamma": "0.25", "prior_weight": "1.0", "n_EI_candidates": "24"}),
        ("tpe", {"random_state": "10"}),
        ("multivariate-tpe", {"n_startup_trials": "5", "n_ei_candidates": "24"}),
        ("multivariate-tpe", {"random_state": "1"}),
        ("cmaes", {"restart_strategy": "ipop", "sigma": "0.1", "random_state": "10"}),
        ("cmaes", {"restart_strategy": "bipop", "sigma": "0"}),
        ("cmaes", {"restart_strategy": "none"}),
        ("cmaes", {"restart_strategy": "None"}),
        ("bayesianoptimization", {"base_estimator": "GP", "n_initial_points": "10"}),
        ("bayesianoptimization", {"acq_func": "gp_hedge", "acq_optimizer": "auto"}),
        ("bayesianoptimization", {"random_state": "10", "base_estimator": "GBRT"}),
        ("nsga-ii", {"population_size": "20", "mutation_prob": "0.1", "crossover_prob": "1"}),
    ],
)
def test_what_upstream_takes_is_taken(name: str, settings: dict[str, str]) -> None:
    algorithm(name).check(problem(*TWO, settings=settings))
    assert algorithm(name).suggest(problem(*TWO, settings=settings), [], 1).suggestions


@pytest.mark.parametrize(
    ("name", "setting", "value", "said"),
    [
        ("tpe", "gamma", "1.5", "gamma should be in the range of (0, 1)"),
        ("tpe", "gamma", "nan", "gamma should be in the range of (0, 1)"),
        ("tpe", "prior_weight", "-1.0", "prior_weight should be great than zero"),
        ("tpe", "n_EI_candidates", "0", "n_EI_candidates should be great than zero"),
        ("tpe", "n_EI_candidates", "10001", "n_EI_candidates should be at most 10000"),
        ("tpe", "random_state", "-1", "random_state should be great or equal than zero"),
        ("tpe", "gamma", "x",
         "failed to validate gamma(x): could not convert string to float: 'x'"),
        ("tpe", "n_startup_trials", "5", "unknown setting n_startup_trials for algorithm tpe"),
        ("multivariate-tpe", "n_startup_trials", "-1",
         "n_startup_trials should be greate or equal than zero"),
        ("multivariate-tpe", "n_ei_candidates", "1000000000",
         "n_ei_candidates should be at most 10000"),
        ("multivariate-tpe", "gamma", "0.25",
         "unknown setting gamma for algorithm multivariate-tpe"),
        ("cmaes", "restart_strategy", "invalid", "invalid restart_strategy: 'invalid'"),
        ("cmaes", "sigma", "-10", "sigma should be greate or equal than zero"),
        ("cmaes", "random_state", "-20", "random_state should be greate or equal than zero"),
        ("bayesianoptimization", "base_estimator", "unknown",
         "base_estimator unknown is not supported in Bayesian optimization"),
        ("bayesianoptimization", "acq_func", "unknown",
         "acq_func unknown is not supported in Bayesian optimization"),
        ("bayesianoptimization", "acq_optimizer", "unknown",
         "acq_optimizer unknown is not supported in Bayesian optimization"),
        ("bayesianoptimization", "n_initial_points", "-1",
         "n_initial_points should be great or equal than zero"),
        ("bayesianoptimization", "random_state", "-1",
         "random_state should be great or equal than zero"),
        ("sobol", "random_state", "1", "unknown setting random_state for algorithm sobol"),
        ("nsga-ii", "population_size", "1",
         "population_size should be at least 2 and at most 10000"),
        ("nsga-ii", "mutation_prob", "1.1", "mutation_prob should be in the range of [0, 1]"),
    ],
)  # fmt: skip
def test_nonsense_is_refused(name: str, setting: str, value: str, said: str) -> None:
    with pytest.raises(Refused) as fault:
        algorithm(name).check(problem(*TWO, settings={setting: value}))
    assert str(fault.value) == said


@pytest.mark.parametrize(
    "space", [(double("x", 0, 1),), (integer("n", 1, 5), choice("c", "a", "b"))]
)
def test_a_normal_distribution_of_one_dimension_is_none(space: tuple[Parameter, ...]) -> None:
    with pytest.raises(Refused, match="only supports two or more dimensional continuous"):
        algorithm("cmaes").check(problem(*space))


@pytest.mark.parametrize("name", ["cmaes", "bayesianoptimization"])
def test_several_objectives_are_refused_by_who_has_one(name: str) -> None:
    several = Objective(metric="loss"), Objective(metric="size")
    with pytest.raises(Refused, match=f"{name} has one objective only, not 2"):
        algorithm(name).check(problem(*TWO, objectives=several))


@pytest.mark.parametrize("name", ["random", "grid", "sobol", "tpe", "multivariate-tpe", "nsga-ii"])
def test_several_objectives_are_taken_by_who_can(name: str) -> None:
    several = Objective(metric="loss"), Objective(metric="size")
    algorithm(name).check(problem(integer("n", 1, 5), objectives=several))
