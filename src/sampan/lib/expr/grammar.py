"""How tightly operators bind, and what functions with a predicate take."""

from __future__ import annotations

BINARY = {
    "|": 0, "or": 10, "||": 10, "and": 15, "&&": 15,
    "==": 20, "!=": 20, "<": 20, ">": 20, ">=": 20, "<=": 20,
    "in": 20, "matches": 20, "contains": 20, "startsWith": 20, "endsWith": 20,
    "..": 25, "+": 30, "-": 30, "*": 60, "/": 60, "%": 60, "**": 100, "^": 100, "??": 500,
}  # fmt: skip
UNARY = {"not": 50, "!": 50, "-": 90, "+": 90}
NEGATABLE = frozenset({"in", "matches", "contains", "startsWith", "endsWith"})
ORDER = frozenset({"<", ">", "<=", ">="})
WORDS = {"true": True, "false": False, "nil": None}
LOOPS: dict[str, tuple[int, int]] = {
    **dict.fromkeys(
        ("all", "none", "any", "one", "filter", "map", "find", "findIndex", "findLast",
         "findLastIndex", "groupBy"),
        (2, 2),
    ),
    "count": (1, 2),
    "sum": (1, 2),
    "sortBy": (2, 3),
    "reduce": (2, 3),
}  # fmt: skip
"""Built-in functions with a predicate: how many arguments, at least and at most."""
