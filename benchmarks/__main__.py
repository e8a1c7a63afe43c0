"""`python -m benchmarks [--seeds A-B] [SUITE…]`: the table of docs and README."""

from __future__ import annotations

import argparse
import sys

from benchmarks import (
    budgets,
    components,
    katib,
    pipelines,
    pods,
    records,
    requests,
    search,
    start,
    suggestions,
    warm,
    watches,
    workflows,
)
from benchmarks.table import Table

SUITES = {
    "start": start, "requests": requests, "watches": watches, "pods": pods, "warm": warm,
    "workflows": workflows, "pipelines": pipelines, "records": records, "components": components,
    "search": search, "suggestions": suggestions, "katib": katib, "budgets": budgets,
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=", ".join(SUITES))
    parser.add_argument("--seeds", type=seeds, metavar="A-B", default=(), help="of searches")
    given = parser.parse_args()
    if unknown := set(given.suites) - set(SUITES):
        parser.error(f"no such suite: {', '.join(sorted(unknown))}")
    table = Table(seeds=given.seeds)
    for name in given.suites or SUITES:
        SUITES[name].run(table)
    return 0 if all(row.met for row in table.rows) else 1


def seeds(text: str) -> range:
    first, last = map(int, text.split("-"))
    if last < first:
        raise argparse.ArgumentTypeError(f"{text} has no seed")
    return range(first, last + 1)


if __name__ == "__main__":
    sys.exit(main())
