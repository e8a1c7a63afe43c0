"""One row per figure: what was measured, the floor of the same run, the ratio, and the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Row:
    name: str
    value: float
    unit: str
    target: str
    met: bool
    floor: float | None = None
    floor_name: str = ""

    def __str__(self) -> str:
        sign = "yes" if self.met else "NO"
        floor = ""
        if self.floor:
            floor = f"  {self.value / self.floor:6.2f} × {self.floor_name} ({self.floor:.4g})"
        return f"{self.name:44}{self.value:10.4g} {self.unit:6} {self.target:>12} {sign:4}{floor}"


@dataclass
class Table:
    """`seeds`: of what is random, where not the suite's own."""

    rows: list[Row] = field(default_factory=list)
    seeds: Sequence[int] = ()

    def at_least(self, name: str, value: float, unit: str, target: float, **floor: object) -> None:
        self._add(Row(name, value, unit, f"≥ {target:g}", value >= target, **floor))  # type: ignore[arg-type]

    def at_most(self, name: str, value: float, unit: str, target: float, **floor: object) -> None:
        self._add(Row(name, value, unit, f"≤ {target:g}", value <= target, **floor))  # type: ignore[arg-type]

    def _add(self, row: Row) -> None:
        self.rows.append(row)
        print(row, flush=True)
