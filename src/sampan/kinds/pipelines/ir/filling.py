"""Texts with gaps filled in, as long as they stay texts that a computer likes to hold."""

from __future__ import annotations

import re
from collections.abc import Callable

from sampan.kinds.pipelines.ir.faults import Unresolved

LONGEST = 8_000_000
"""Characters that a single text may grow to: commands of processes end long before."""


def substituted(
    pattern: re.Pattern[str], said: Callable[[re.Match[str]], str], template: str
) -> str:
    """The text with what is said for each match. What is inserted is not read again. Raises
    Unresolved."""
    room = LONGEST

    def counted(match: re.Match[str]) -> str:
        nonlocal room
        text = said(match)
        room -= len(text)
        if room < 0:
            raise Unresolved(f"a text grows beyond {LONGEST} characters by its placeholders")
        return text

    return pattern.sub(counted, template)
