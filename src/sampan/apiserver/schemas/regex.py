"""Patterns of CRDs: Go's regular expressions, run by Python without letting them run away.

Go's matcher takes linear time, Python's tracks back. So the syntax is translated where the two
differ, and a pattern that repeats a repetition, as in `(a+)*`, only sees values up to a limit;
longer ones are refused with words. Other constructs that only Go knows are a `PatternError`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

RISKY_LIMIT = 256
"""Characters of a value that a pattern with nested repetition may see."""
LONG_LIMIT = 4096
"""Characters that one with several repetitions, or one that may begin anywhere, may see."""

_POSIX = {
    "alpha": "A-Za-z", "digit": "0-9", "alnum": "0-9A-Za-z", "upper": "A-Z", "lower": "a-z",
    "space": r"\t\n\v\f\r ", "punct": r"!-/:-@\[-`{-~", "xdigit": "0-9A-Fa-f", "word": "0-9A-Za-z_",
    "blank": r"\t ", "cntrl": r"\x00-\x1f\x7f", "print": " -~", "graph": "!-~",
    "ascii": r"\x00-\x7f",
}  # fmt: skip
_CLASSES = {"L": "^\\W\\d_", "Lu": "A-Z", "Ll": "a-z", "N": r"\d", "Nd": r"\d"}
_NESTED = re.compile(r"\([^()]*(?:[*+]|\{\d+,\})[^()]*\)(?:[*+]|\{\d+,\})")


class PatternError(ValueError):
    """The pattern cannot be used."""


class Pattern:
    """`search` answers whether the pattern occurs in a value; None when it may not be tried."""

    __slots__ = ("_search", "limit", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self._search: Callable[[str], object] = re.compile(translate(text), re.ASCII).search
        except (re.error, RecursionError, OverflowError) as wrong:
            raise PatternError(f"error parsing regexp: {wrong}: `{text}`") from None
        self.limit = _limit(text)

    def search(self, value: str) -> bool | None:
        if self.limit is not None and len(value) > self.limit:
            return None
        return self._search(value) is not None


@lru_cache(maxsize=2048)
def compiled(text: str) -> Pattern:
    """The pattern. PatternError when it is none."""
    return Pattern(text)


def translate(text: str) -> str:
    r"""Go's syntax in Python's: `$` and `\z` end the text, `[[:alpha:]]`, `\pL`, `\Q…\E`,
    `(?<n>`."""
    out: list[str] = []
    at, in_class = 0, False
    while at < len(text):
        taken, made = _step(text, at, in_class)
        out.append(made)
        if not made.startswith("\\"):
            opens = text[at] == "[" and not in_class
            in_class = opens or (in_class and text[at] != "]")
        at += taken
        if in_class and made.startswith("["):
            head = re.compile(r"\^?\]?").match(text, at)
            if head is not None and head[0]:
                out.append(head[0].replace("]", "\\]"))
                at = head.end()
    return "".join(out)


def _step(text: str, at: int, in_class: bool) -> tuple[int, str]:
    """How many characters of Go's pattern to take, and what they are in Python's."""
    char = text[at]
    if char == "\\":
        return _escape(text, at, in_class)
    if in_class:
        posix = re.compile(r"\[:([a-z]+):\]").match(text, at)
        if posix is not None and posix[1] in _POSIX:
            return len(posix[0]), _POSIX[posix[1]]
        return 1, "\\[" if char == "[" else char
    if char == "$":
        return 1, r"\Z"
    if text.startswith("(?<", at) and text[at + 3 : at + 4] not in ("=", "!"):
        return 3, "(?P<"
    return 1, char


def _escape(text: str, at: int, in_class: bool) -> tuple[int, str]:
    pair = text[at : at + 2]
    if pair == r"\z":
        return 2, r"\Z"
    if pair == r"\Q":
        end = text.find(r"\E", at)
        quoted = text[at + 2 : end if end >= 0 else len(text)]
        return len(quoted) + (4 if end >= 0 else 2), re.escape(quoted)
    if pair in (r"\p", r"\P"):
        name = re.compile(r"\\[pP](?:\{(\w+)\}|(\w))").match(text, at)
        known = _CLASSES.get((name[1] or name[2]) if name else "")
        if name is None or known is None or in_class or pair == r"\P":
            raise PatternError(f"error parsing regexp: unsupported character class: `{text}`")
        return len(name[0]), f"(?u:[{known}])"
    if len(pair) == 1:
        raise PatternError("error parsing regexp: trailing backslash at end of expression: ``")
    return 2, pair


def _limit(text: str) -> int | None:
    if _is_risky(text):
        return RISKY_LIMIT
    plain = re.sub(r"\\.|\[(?:\\.|[^\]\\])*\]", "x", text)
    open_ended = len(re.findall(r"[*+]|\{\d+,\}", plain))
    return None if open_ended == 0 or (open_ended == 1 and text.startswith("^")) else LONG_LIMIT


def _is_risky(text: str) -> bool:
    r"""Whether a repetition holds another one that could match the same characters.

    `(\.[a-z]+)*` is harmless, because each round must begin with a dot that the inner repetition
    cannot take; that shape is so common in Kubernetes that it is told apart.
    """
    plain = re.sub(
        r"\\.|\[(?:\\.|[^\]\\])*\]", lambda found: "x" if found[0] != r"\." else ".", text
    )
    while True:
        nested = _NESTED.search(plain)
        if nested is not None and not nested[0].startswith("(."):
            return True
        simpler = re.sub(r"\([^()]*\)", lambda m: "y+" if re.search(r"[*+{]", m[0]) else "y", plain)
        if simpler == plain:
            return False
        plain = simpler
