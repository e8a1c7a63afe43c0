"""Why an operation cannot be carried out."""

from __future__ import annotations


class Refused(ValueError):
    """The text says why, in upstream's words.

    bad: the request is wrong (400); else the workflow is not in a state for it (upstream: 500).
    """

    def __init__(self, message: str, *, bad: bool = False) -> None:
        super().__init__(message)
        self.bad = bad
