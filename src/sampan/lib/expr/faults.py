"""What goes wrong with an expression, and where."""

from __future__ import annotations


class Mistake(ValueError):
    """The expression cannot be read, or this run of it went wrong. `str()` is upstream's message:
    what is wrong, line and column, and the line with a mark below the place."""

    def __init__(self, text: str, source: str = "", at: int = 0) -> None:
        self.text = text
        begin = source.rfind("\n", 0, at) + 1
        line = source[begin:].partition("\n")[0]
        place = f" ({source.count(chr(10), 0, at) + 1}:{at - begin + 1})"
        shown = f"\n | {line}\n | {'.' * (at - begin)}^" if line else ""
        super().__init__(text + place + shown if source else text)


class Fault(Exception):
    """Raised below `Program.run`, which knows the place and makes a Mistake of it."""
