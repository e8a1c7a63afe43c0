"""What can be wrong with a pipeline, in words for who wrote it.

Fault
├── Invalid      the pipeline or what a run of it is given; nothing can start
└── Unresolved   one task of a run; the task fails
"""

from __future__ import annotations


class Fault(Exception):
    """`message` names the place."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Invalid(Fault):
    """The documents, or the arguments of a run."""


class Unresolved(Fault):
    """A value that a task needs cannot be had."""
