"""What can go wrong with an expression.

CelError
├── CompileError      the expression is wrong; `at` is where
└── EvaluationError   this run of it went wrong
    └── OverBudget    it would have cost too much; nothing absorbs this one
"""

from __future__ import annotations


class CelError(Exception):
    pass


class CompileError(CelError):
    """`str()` shows the place as cel-go does."""

    def __init__(self, source: str, at: int, text: str) -> None:
        self.at = at
        self.text = text
        line = source.count("\n", 0, at) + 1
        begin = source.rfind("\n", 0, at) + 1
        column = at - begin
        shown = source[begin:].partition("\n")[0]
        super().__init__(
            f"ERROR: <input>:{line}:{column + 1}: {text}\n | {shown}\n | {'.' * column}^"
        )


class EvaluationError(CelError):
    pass


class OverBudget(EvaluationError):
    pass
