"""Measures: numbers that controllers give to /metrics.

A metric has one kind and one help text, whoever names it first; each set of labels is a series of
it. Nothing is written down: what is measured begins anew with the process. A series of gauges that
follow the clock goes with its object. There is a limit to the number of series, for labels are
written by users.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from msgspec import Struct

from sampan.kube.keys import Key
from sampan.kube.plan import Measure
from sampan.lib.clock import Clock
from sampan.lib.prometheus import Histogram, Mixed, Part

MOST = 20_000
"""Series of all metrics together."""
_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Of a histogram that names none: those of every Prometheus client."""
Labels = tuple[tuple[str, str], ...]


class Metric(Struct):
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    numbers: dict[Labels, float]
    clocks: dict[Labels, datetime]
    histogram: Histogram | None = None


class Measures:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._metrics: dict[str, Metric] = {}
        self._series: set[tuple[str, Labels]] = set()
        self._counted: dict[Key, set[str]] = {}
        self._following: dict[Key, set[tuple[str, Labels]]] = {}

    def take(self, key: Key, measure: Measure) -> str:
        """Take in what was measured at the object; why it cannot be, or ""."""
        name, labels = measure.name, tuple(sorted(measure.labels.items()))
        metric = self._metrics.get(name)
        if metric is not None and metric.help != measure.help:
            given = f"already set to {metric.help}, it cannot be changed"
            return f"help for metric {name} is {given}"
        if metric is not None and metric.kind != measure.kind:
            found = f"found existing {metric.kind} for custom metric"
            return f"{found} {name} of type {measure.kind}"
        if metric is not None and metric.histogram is not None:
            wanted = metric.histogram.labels
            if wanted != tuple(label for label, _ in labels):
                return f"histogram {name} has the labels {', '.join(wanted) or 'none'}"
        if measure.once and not self._first(key, measure.once):
            return ""
        if (name, labels) not in self._series:
            if len(self._series) >= MOST:
                return f"there are {MOST} series already, metric {name} is not taken"
            self._series.add((name, labels))
        if metric is None:
            metric = self._metrics[name] = Metric(measure.kind, measure.help, {}, {})
            if measure.kind == "histogram":
                names, bounds = tuple(label for label, _ in labels), measure.bounds or _BOUNDS
                metric.histogram = Histogram(name, measure.help, names, bounds)
        self._note(key, metric, labels, measure)
        return ""

    def _first(self, key: Key, what: str) -> bool:
        counted = self._counted.setdefault(key, set())
        if what in counted:
            return False
        counted.add(what)
        return True

    def _note(self, key: Key, metric: Metric, labels: Labels, measure: Measure) -> None:
        if metric.histogram is not None:
            metric.histogram.observe(tuple(value for _, value in labels), measure.value)
        elif measure.since is not None:
            metric.clocks[labels] = measure.since
            self._following.setdefault(key, set()).add((measure.name, labels))
        else:
            metric.clocks.pop(labels, None)
            adds = measure.kind == "counter" or measure.operation != "Set"
            before = metric.numbers.get(labels, 0.0) if adds else 0.0
            sign = -1 if measure.kind == "gauge" and measure.operation == "Sub" else 1
            metric.numbers[labels] = before + sign * measure.value

    def forget(self, key: Key) -> None:
        """The object is gone."""
        self._counted.pop(key, None)
        for name, labels in self._following.pop(key, ()):
            self._metrics[name].clocks.pop(labels, None)
            self._metrics[name].numbers.pop(labels, None)
            self._series.discard((name, labels))

    def families(self) -> Iterator[Part]:
        """For /metrics."""
        now = self._clock.now()
        for name, metric in self._metrics.items():
            if metric.histogram is not None:
                yield metric.histogram
                continue
            passed = {at: (now - since).total_seconds() for at, since in metric.clocks.items()}
            shown = {**metric.numbers, **passed}
            finite = {at: number for at, number in shown.items() if math.isfinite(number)}
            if finite and metric.kind != "histogram":  # which has no numbers of its own
                yield Mixed(name, metric.help, metric.kind, finite)
