"""Whether a trial is to be stopped: the rules of early stopping, report by report.

A rule that was met is done with; when all are, the trial is stopped. Of the objective the best
value so far counts. A rule with a start waits for so many reports of its metric and is tested at
that one only: the count goes on below zero. Rules for one metric share the count, and one that
takes the place of another that was met is not tested before the next report. This is upstream's
way in all.
Upstream: file-metricscollector/main.go watchMetricsFile, updateStopRules.
"""

from __future__ import annotations

from collections.abc import Sequence

from sampan.nodes.collector.options import Rule


class Rules:
    """`objective` is the metric whose best value counts, `goal` minimize or maximize."""

    def __init__(self, rules: Sequence[Rule], objective: str, goal: str) -> None:
        self._left: list[Rule | None] = list(rules)
        self._waits = {rule.metric: rule.start for rule in rules if rule.start}
        self._objective, self._goal = objective, goal
        self._best: float | None = None

    @property
    def watched(self) -> set[str]:
        """The metrics of rules that were not met yet."""
        return {rule.metric for rule in self._left if rule is not None}

    def met(self, metric: str, text: str) -> bool:
        """Hear of a value; whether that was the last rule. What is no number is passed over."""
        try:
            value = float(text)
        except ValueError:
            return False
        had = len(self._left)
        rules: list[Rule | None] = [*self._left]
        for at in range(had):
            rule = rules[at]
            if rule is not None and rule.metric == metric and self._is_met(rule, value):
                rules[at] = rules[len(self._left) - 1]
                rules[len(self._left) - 1] = None
                self._left = rules[: len(self._left) - 1]
        return had > 0 and not self._left

    def _is_met(self, rule: Rule, value: float) -> bool:
        if rule.metric == self._objective:
            value = self._best = self._better(value)
        if rule.metric in self._waits:
            self._waits[rule.metric] -= 1
            if self._waits[rule.metric] != 0:
                return False
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

    def _better(self, value: float) -> float:
        best = self._best
        if best is None:
            return value
        if self._goal == "maximize":
            return value if value > best else best
        if self._goal == "minimize":
            return value if value < best else best
        return best
