"""`python -m benchmarks [SUITE…]`: the table of docs and README."""

from __future__ import annotations

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
    warm,
    watches,
    workflows,
)
from benchmarks.table import Table

SUITES = {
    "start": start, "requests": requests, "watches": watches, "pods": pods, "warm": warm,
    "workflows": workflows, "pipelines": pipelines, "records": records, "components": components,
    "search": search, "katib": katib, "budgets": budgets,
}  # fmt: skip


def main() -> int:
    wanted = sys.argv[1:] or list(SUITES)
    table = Table()
    for name in wanted:
        SUITES[name].run(table)
    return 0 if all(row.met for row in table.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
