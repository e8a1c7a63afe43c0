"""Numbers as the texts that trials are given."""

from __future__ import annotations

from sampan.lib.search.problem import Parameter


def of(parameter: Parameter, value: float) -> str:
    """Ints without a point, doubles in the fewest digits that say the same number."""
    return str(round(value)) if parameter.kind == "int" else repr(float(value))
