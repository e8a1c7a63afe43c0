"""Whether a trial is to be stopped: the rules of early stopping, report by report.

A rule that was met is done with; when all are, the trial is stopped. Of the objective the best
value so far counts. A rule with a start waits for so many reports of its metric and is tested at
that one only: the count goes on below zero. Rules for one metric share the count, and one that
takes the place of another that was met is not tested before the next report. This is upstream's way
in all. Where rules for one metric have different starts, which upstream never tests, one of them
is enough: they are bounds for different steps.
Upstream: file-metricscollector/main.go watchMetricsFile, updateStopRules.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sampan.nodes.collector.options import Rule


class Rules:
    """`objective` is the metric whose best value counts, `goal` minimize or maximize."""

    def __init__(self, rules: Sequence[Rule], objective: str, goal: str) -> None:
        starts: dict[str, set[int]] = defaultdict(set)
        for rule in rules:
            starts[rule.metric].add(rule.start)
        self._left = [rule for rule in rules if len(starts[rule.metric]) == 1]
        self._waits = {rule.metric: rule.start for rule in self._left if rule.start}
        self._bounds = {
            metric: [rule for rule in rules if rule.metric == metric]
            for metric, found in starts.items()
            if len(found) > 1
        }
        self._reports: dict[str, int] = defaultdict(int)
        self._objective, self._goal = objective, goal
        self._best: float | None = None

    def met(self, metric: str, text: str) -> bool:
        """Hear of a value; whether that was the last rule. What is no number is passed over."""
        try:
            value = float(text)
        except ValueError:
            return False
        if not self._left and not self._bounds:
            return False
        if metric == self._objective:
            value = self._best = self._better(value)
        self._reports[metric] += 1
        at = self._reports[metric]
        if any(
            rule.start in (0, at) and _holds(rule, value) for rule in self._bounds.get(metric, ())
        ):
            del self._bounds[metric]
        self._test(metric, value)
        return not self._left and not self._bounds

    def _test(self, metric: str, value: float) -> None:
        rules: list[Rule | None] = [*self._left]
        last = len(rules) - 1
        for at in range(len(rules)):
            rule = rules[at]
            if rule is not None and rule.metric == metric and self._is_met(rule, value):
                rules[at] = rules[last]
                rules[last] = None
                last -= 1
        self._left = [rule for rule in rules if rule is not None]

    def _is_met(self, rule: Rule, value: float) -> bool:
        if rule.metric in self._waits:
            self._waits[rule.metric] -= 1
            if self._waits[rule.metric] != 0:
                return False
        return _holds(rule, value)

    def _better(self, value: float) -> float:
        best = self._best
        if best is None:
            return value
        if self._goal == "maximize":
            return value if value > best else best
        if self._goal == "minimize":
            return value if value < best else best
        return best


def _holds(rule: Rule, value: float) -> bool:
    bound = float(rule.value)
    match rule.comparison:
        case "equal":
            return value == bound
        case "less":
            return value < bound
        case "greater":
            return value > bound
        case _:
            return False
