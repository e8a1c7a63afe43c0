"""What each kind of place can do, or refuses to."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


class Driver(Protocol):
    """All raise Fault or OSError. Paths are of files or directories as they are transferred."""

    def load(self, target: str) -> None:
        """Make a file or a directory of what is there; `target` is free."""

    def save(self, source: str) -> None: ...

    def delete(self) -> None:
        """What is not there is deleted already."""

    def keys(self) -> list[str]:
        """Keys, in order."""


@runtime_checkable
class Tagging(Protocol):
    """A place that has a name for each content."""

    def tag(self) -> tuple[str, int]:
        """(tag, bytes) of the object, or of all objects below the key. NotThere."""
