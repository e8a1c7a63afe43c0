"""Numbers in the text form that Prometheus reads: counters, histograms, and what is asked for.

Counting is a dictionary look-up and an addition, so that it may stand on any path. Gauges are not
kept at all: whoever renders hands in what holds now. Labels must come from a bounded set; nothing
here checks that. Upstream: the text exposition format 0.0.4.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[str, ...]
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Family(Struct, frozen=True):
    """One metric: `samples` by the values of `labels`."""

    name: str
    help: str
    kind: Literal["counter", "gauge"]
    labels: Sequence[str]
    samples: Mapping[Labels, float]


class Mixed(Struct, frozen=True):
    """A metric whose samples need not have the same labels: by pairs of name and value."""

    name: str
    help: str
    kind: Literal["counter", "gauge"]
    samples: Mapping[tuple[tuple[str, str], ...], float]

    def lines(self) -> Iterable[str]:
        yield from _head(self.name, self.help, self.kind)
        for pairs, number in self.samples.items():
            names, values = tuple(n for n, _ in pairs), tuple(v for _, v in pairs)
            yield _sample(self.name, names, values, number)


class Counter:
    """Only grows."""

    def __init__(self, name: str, help: str, labels: Sequence[str] = ()) -> None:
        self.name, self.help, self.labels = name, help, tuple(labels)
        self._counts: dict[Labels, float] = {}

    def add(self, labels: Labels = (), amount: float = 1) -> None:
        self._counts[labels] = self._counts.get(labels, 0) + amount

    def family(self) -> Family:
        return Family(self.name, self.help, "counter", self.labels, dict(self._counts))


class Histogram:
    """How often a value was at most so much."""

    def __init__(
        self, name: str, help: str, labels: Sequence[str], bounds: Sequence[float]
    ) -> None:
        """`bounds` grow."""
        self.name, self.help, self.labels = name, help, tuple(labels)
        self._bounds = tuple(bounds)
        self._seen: dict[Labels, tuple[list[int], list[float]]] = {}

    def observe(self, labels: Labels, value: float) -> None:
        seen = self._seen.get(labels)
        if seen is None:
            seen = self._seen[labels] = ([0] * (len(self._bounds) + 1), [0.0])
        seen[0][bisect_left(self._bounds, value)] += 1
        seen[1][0] += value

    def merge(self, labels: Labels, counts: Sequence[int], total: float) -> None:
        """What was counted elsewhere: one number for each bound and one for what is above."""
        before = self._seen.get(labels)
        found = [a + b for a, b in zip(before[0], counts, strict=True)] if before else list(counts)
        self._seen[labels] = (found, [total + (before[1][0] if before else 0.0)])

    def lines(self) -> Iterable[str]:
        yield from _head(self.name, self.help, "histogram")
        names = (*self.labels, "le")
        bounds = (*(f"{bound:g}" for bound in self._bounds), "+Inf")
        for labels, (counts, total) in list(self._seen.items()):
            below = 0
            for bound, count in zip(bounds, counts, strict=True):
                below += count
                yield _sample(f"{self.name}_bucket", names, (*labels, bound), below)
            yield _sample(f"{self.name}_sum", self.labels, labels, total[0])
            yield _sample(f"{self.name}_count", self.labels, labels, below)


def gauge(
    name: str, help: str, samples: Mapping[Labels, float] | float, labels: Sequence[str] = ()
) -> Family:
    """What holds now; a number alone has no labels."""
    found: Mapping[Labels, float] = samples if isinstance(samples, Mapping) else {(): samples}
    return Family(name, help, "gauge", labels, found)


Part = Family | Histogram | Mixed


def render(parts: Iterable[Part]) -> bytes:
    """The whole text."""
    lines: list[str] = []
    for part in parts:
        lines.extend(_lines(part) if isinstance(part, Family) else part.lines())
    return ("\n".join(lines) + "\n").encode()


def _lines(family: Family) -> Iterable[str]:
    yield from _head(family.name, family.help, family.kind)
    for labels, value in family.samples.items():
        yield _sample(family.name, family.labels, labels, value)


def _head(name: str, help: str, kind: str) -> Iterable[str]:
    text = help.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {name} {text}", f"# TYPE {name} {kind}"


def _sample(name: str, names: Sequence[str], values: Labels, number: float) -> str:
    inside = ",".join(
        f'{label}="{value.translate(_ESCAPES)}"' for label, value in zip(names, values, strict=True)
    )
    shown = repr(float(number)) if number % 1 else str(int(number))
    return f"{name}{{{inside}}} {shown}" if inside else f"{name} {shown}"


def process() -> list[Family]:
    """This process, in the words of every Prometheus client. Empty where there is no /proc."""
    try:
        with open("/proc/self/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        with open("/proc/self/statm") as file:
            pages = int(file.read().split()[1])
        files = len(os.listdir("/proc/self/fd"))
    except OSError:
        return []
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    seconds = (int(fields[11]) + int(fields[12])) / tick
    return [
        Family("process_cpu_seconds_total", "CPU time that was used.", "counter", (),
               {(): seconds}),
        gauge("process_resident_memory_bytes", "Memory that is held.", pages * page),
        gauge("process_open_fds", "Descriptors that are open.", files),
    ]  # fmt: skip
