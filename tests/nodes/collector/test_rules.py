"""Early stopping's rules, as upstream's updateStopRules carries them out."""

from __future__ import annotations

import pytest

from sampan.nodes.collector.options import Rule
from sampan.nodes.collector.rules import Rules


def stopped_at(rules: list[Rule], values: list[str], goal: str = "maximize") -> int:
    """After how many values of `acc` all rules were met; 0 for never."""
    watch = Rules(rules, "acc", goal)
    return next((at for at, value in enumerate(values, 1) if watch.met("acc", value)), 0)


@pytest.mark.parametrize(
    ("rule", "values", "at"),
    [
        (Rule("acc", "0.5", "less", 0), ["0.4"], 1),
        (Rule("acc", "0.5", "less", 0), ["0.6", "0.4"], 0),  # the best counts
        (Rule("acc", "0.5", "less", 2), ["0.1", "0.4", "0.9"], 2),
        (Rule("acc", "0.5", "less", 2), ["0.6", "0.4", "0.1"], 0),
        (Rule("acc", "0.5", "less", 4), ["0.1"] * 3, 0),
        (Rule("acc", "0.5", "equal", 0), ["0.4", "0.5"], 2),
        (Rule("acc", "0.5", "greater", 0), ["0.4", "0.7"], 2),
        (Rule("acc", "0.5", "nearly", 0), ["0.5"], 0),
        (Rule("acc", "0.5", "less", 1), ["", "x", "0.1"], 3),  # what is no number does not count
    ],
)
def test_a_rule_is_tested_at_its_step(rule: Rule, values: list[str], at: int) -> None:
    assert stopped_at([rule], values) == at


def test_the_best_is_the_least_of_what_is_minimized() -> None:
    rule = Rule("acc", "0.5", "greater", 2)
    assert stopped_at([rule], ["0.9", "0.8"], "minimize") == 2
    assert stopped_at([rule], ["0.1", "0.8"], "minimize") == 0


def test_all_rules_have_to_be_met() -> None:
    watch = Rules(
        [Rule("acc", "0.5", "less", 0), Rule("loss", "2", "greater", 0)], "acc", "maximize"
    )
    assert not watch.met("acc", "0.1")
    assert not watch.met("other", "9")
    assert not watch.met("loss", "1")
    assert watch.met("loss", "3")  # of other metrics the value itself counts
    assert not watch.met("loss", "3")  # it is over


def test_rules_for_one_metric_share_their_count() -> None:
    rules = [Rule("acc", "0.5", "less", 4), Rule("acc", "0.6", "less", 4)]
    assert stopped_at(rules, ["0.1"] * 9) == 0  # the second one's turn is the first one's step


def test_a_rule_that_takes_a_place_waits_for_the_next_report() -> None:
    rules = [Rule("acc", "0.5", "less", 0), Rule("acc", "0.6", "less", 0)]
    assert stopped_at(rules, ["0.1", "0.1"]) == 2


@pytest.mark.parametrize(
    ("values", "at"), [(["0.1"], 0), (["0.1", "0.2"], 2), (["0.9"] * 4, 4), (["0.95"] * 9, 0)]
)
def test_bounds_for_different_steps_are_tested_each_at_its_own(values: list[str], at: int) -> None:
    rules = [Rule("acc", "0.3", "less", 2), Rule("acc", "0.92", "less", 4)]
    assert stopped_at(rules, values) == at
    others = [*rules, Rule("loss", "1", "greater", 0)]
    assert stopped_at(others, values) == 0  # of other metrics all have to be met


def test_nothing_is_stopped_without_rules() -> None:
    assert stopped_at([], ["0.1"]) == 0
