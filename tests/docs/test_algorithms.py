"""The tables of settings in docs/algorithms.md: all that there are, with the defaults they have."""

import re
from importlib import import_module

import pytest

from sampan.lib.search.algorithms import MODULES
from sampan.lib.search.problem import Architecture, Operation, Parameter, Problem, Refused
from sampan.lib.search.stopping import MODULES as STOPPING
from support import ROOT

PAGE = (ROOT / "docs" / "algorithms.md").read_text()
GIVEN = {
    "resource_name": "n", "r_l": "9", "suggestion_trial_dir": "/c", "n_population": "5",
    "truncation_threshold": "0.2", "mutation_prob": "0.1", "resample_probability": "0.1",
}  # fmt: skip
"""Values of what has no default."""
ARCHITECTURE = Architecture(
    layers=1, inputs=(8,), outputs=(2,), operations=(Operation(kind="skip_connection"),)
)
NETWORKS = ("enas", "darts")
BUDGETED = {"resource_name": "n", "r_l": "9"}
NEEDED = {
    "hyperband": BUDGETED, "asha": BUDGETED,
    "pbt": {name: GIVEN[name] for name in
            ("suggestion_trial_dir", "n_population", "truncation_threshold")},
}  # fmt: skip


def words(cell):
    return re.findall(r"`([^`]+)`", cell)


def rows(title):
    """The cells of the tables below a title."""
    below = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in below.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def settings(names, defaults):
    values = [each.strip() for each in defaults.split(",")] if defaults else []
    for number, name in enumerate(names):
        value = values[number] if number < len(values) else ""
        yield name, GIVEN[name] if value in ("", "required") else value


SETTINGS = [
    (algorithm, name, value)
    for cells in rows("Settings")
    for algorithm in words(cells[0])
    for name, value in settings(words(cells[1]), cells[2])
]
STOPS = [
    (words(cells[0])[0], name, value)
    for cells in rows("Early stopping")
    for name, value in settings(words(cells[2]), cells[3])
]


def problem(algorithm, given):
    two = (
        Parameter(name="n", kind="int", min=1, max=9),
        Parameter(name="x", kind="double", min=0.0, max=1.0, step=0.1),
    )
    networks = algorithm in NETWORKS
    return Problem(
        name="e",
        parameters=() if networks else two,
        settings=given,
        parallel=9,
        architecture=ARCHITECTURE if networks else None,
    )


def module(algorithm):
    return import_module(f"sampan.lib.search.algorithms.{MODULES[algorithm]}")


def test_all_algorithms_are_there():
    assert [words(cells[0])[0] for cells in rows("Which one")] == sorted(
        MODULES, key=lambda name: PAGE.index(f"| `{name}` |")
    )
    assert {algorithm for algorithm, _, _ in STOPS} == set(STOPPING)


@pytest.mark.parametrize(("algorithm", "name", "value"), SETTINGS)
def test_a_setting_is_taken(algorithm, name, value):
    given = {**NEEDED.get(algorithm, {}), name: value}
    module(algorithm).check(problem(algorithm, given))


@pytest.mark.parametrize("algorithm", sorted(MODULES.keys() - {"darts"}))  # which takes all
def test_none_is_missing(algorithm):
    rules = getattr(module(algorithm), "_RULES", None) or getattr(module(algorithm), "_RANGES", {})
    if not rules and algorithm in NEEDED:
        rules = import_module("sampan.lib.search.algorithms.budgets")._RULES
    named = {name for known, name, _ in SETTINGS if known == algorithm}
    assert set(rules) - {"random_state"} == named


@pytest.mark.parametrize("algorithm", [name for name in MODULES if name != "darts"])
def test_who_has_a_random_state(algorithm):
    given = {**NEEDED.get(algorithm, {}), "random_state": "1"}
    if algorithm in ("sobol", "enas"):
        with pytest.raises(Refused):
            module(algorithm).check(problem(algorithm, given))
    else:
        module(algorithm).check(problem(algorithm, given))


@pytest.mark.parametrize(("algorithm", "name", "value"), STOPS)
def test_a_setting_of_early_stopping_is_taken(algorithm, name, value):
    found = import_module(f"sampan.lib.search.stopping.{STOPPING[algorithm]}")
    found.check(problem("random", {}), {name: value})
    with pytest.raises(Refused):
        found.check(problem("random", {}), {name: "0"})
