"""What a function raises."""

from __future__ import annotations


class Mistake(ValueError):
    """A function was called with what it does not take, or is none that may run here."""
