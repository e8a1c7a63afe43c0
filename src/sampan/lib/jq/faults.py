"""What can go wrong with a program.

Mistake              what callers see: the program is wrong, went wrong, or cost too much
Fault                an error in the program's own sense: `try` catches it, its value is any JSON
Broken               `break` on its way to its label
"""

from __future__ import annotations

from typing import Any


class Mistake(ValueError):
    """The program cannot be read, or ended in an error. Nothing in a program catches it."""


class Fault(Exception):
    """An error with a value. A text of our own when `raised` is False, else what `error` got."""

    def __init__(self, value: Any, *, raised: bool = False) -> None:
        super().__init__(value)
        self.value = value
        self.raised = raised


class Broken(Exception):
    """`break $label`: ends what its label began."""

    def __init__(self, label: object) -> None:
        super().__init__()
        self.label = label
