from __future__ import annotations

from lib.search.searching import choice, double, ended, problem, tried
from sampan.lib.search.algorithms import nsga, random
from sampan.lib.search.problem import Suggestion

SPACE = double("x", 0, 1), choice("c", "a", "b", "c", "d")


def test_the_first_population_is_drawn_evenly() -> None:
    about = problem(*SPACE, settings={"population_size": "8"})
    first = [each.assignments for each in tried("nsga-ii", about, 9)]
    even = [each.assignments for each in random.suggest(about, [], 9).suggestions]
    assert first[:8] == even[:8]
    assert first[8] != even[8]


def test_without_mutation_and_crossover_a_child_is_its_parent_or_new() -> None:
    still = {"population_size": "4", "mutation_prob": "0", "crossover_prob": "0"}
    history = tried("nsga-ii", problem(*SPACE, settings=still), 4)
    (child,) = nsga.suggest(problem(*SPACE, settings=still), history, 1).suggestions
    assert child.assignments in [each.assignments for each in history]


def test_children_are_of_the_best() -> None:
    about = problem(*SPACE, settings={"population_size": "4", "mutation_prob": "0"})
    good = [({"x": f"0.2{each}", "c": "a"}, 0.0) for each in range(4)]
    bad = [({"x": f"0.8{each}", "c": "d"}, 9.0) for each in range(9)]
    history = [ended(Suggestion(assignments=where), lost) for where, lost in bad + good]
    for each in nsga.suggest(about, history, 10).suggestions:
        assert each.assignments["c"] == "a"
        assert abs(float(each.assignments["x"]) - 0.2) < 0.1
