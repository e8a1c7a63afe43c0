"""Text that changes in place: on a terminal, each picture is written over the one before."""

from __future__ import annotations

import shutil


class Painter:
    """Writes a text over the one before, as much of it as the terminal can show. `what` the lines
    are that are left out in the middle: their head and what stands last are seen."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._lines = 0
        self._last = ""

    def paint(self, text: str) -> None:
        fitting = fitted(text, *shutil.get_terminal_size(), self._what)
        if fitting != self._last:
            self.wipe()
            print(fitting, end="", flush=True)
            self._lines, self._last = fitting.count("\n"), fitting

    def wipe(self) -> None:
        if self._lines:
            print(f"\x1b[{self._lines}A\x1b[J", end="")
            self._lines = 0


def fitted(text: str, width: int, height: int, what: str) -> str:
    """The head and the end of a text that is too long: what goes on is what began last."""
    lines = [line[: width - 1] for line in text.splitlines()]
    over = len(lines) - (height - 1)
    if over > 0:
        lines = [lines[0], f"  … {over + 1} {what} above", *lines[over + 2 :]]
    return "".join(f"{line}\n" for line in lines)
