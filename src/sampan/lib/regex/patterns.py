r"""Patterns of Kubernetes: Go's regular expressions, run by Python without letting them run away.

Go's matcher takes linear time, Python's tracks back. So the syntax is translated where the two
differ, and a pattern that repeats a repetition, as in `(a+)*`, or a long value goes to `automaton`,
which is slower but cannot run away. Constructs that only one of the two knows are a `PatternError`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property, lru_cache

from sampan.lib.regex.automaton import Automaton

LONG = 2048
"""Characters from which on a pattern with several repetitions goes to the automaton."""
TOO_LONG = 50_000
"""Characters that the automaton takes at most; it does about 100,000 in a second."""

_POSIX = {
    "alpha": "A-Za-z", "digit": "0-9", "alnum": "0-9A-Za-z", "upper": "A-Z", "lower": "a-z",
    "space": r"\t\n\v\f\r ", "punct": r"!-/:-@\[-`{-~", "xdigit": "0-9A-Fa-f", "word": "0-9A-Za-z_",
    "blank": r"\t ", "cntrl": r"\x00-\x1f\x7f", "print": " -~", "graph": "!-~",
    "ascii": r"\x00-\x7f",
}  # fmt: skip
_CLASSES = {"L": "^\\W\\d_", "Lu": "A-Z", "Ll": "a-z", "N": r"\d", "Nd": r"\d"}
_TOKEN = re.compile(
    r"\\.|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|\(\?(?:P?<\w+>|[a-zA-Z-]*:)|.", re.DOTALL
)
_GROUP = re.compile(r"\(([^()]*)\)([*+]|\{\d+(?:,\d*)?\})?")


class PatternError(ValueError):
    """The pattern cannot be used."""


class Pattern:
    """`search` answers whether the pattern occurs in a value; None when it may not be tried."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._translated = translate(text)
        try:
            self._search: Callable[[str], object] = re.compile(self._translated, re.ASCII).search
            self.risky = _is_risky(text)
            if self.risky:
                _ = self._automaton
        except (re.error, RecursionError, OverflowError, ValueError) as wrong:
            raise PatternError(f"error parsing regexp: {wrong}: `{text}`") from None
        self._long = None if self.risky or _is_linear(text) else LONG

    def search(self, value: str) -> bool | None:
        size = len(value)
        if not self.risky and (self._long is None or size <= self._long):
            return self._search(value) is not None
        return None if size > TOO_LONG else self._automaton.search(value)

    def matcher(self, value: str) -> re.Pattern[str] | None:
        """Python's own pattern, to find where it matches; None where that could run away."""
        if self.risky or (self._long is not None and len(value) > self._long):
            return None
        return re.compile(self._translated, re.ASCII)

    @cached_property
    def _automaton(self) -> Automaton:
        return Automaton(self._translated)


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


def _is_linear(text: str) -> bool:
    """Whether Python's matcher takes linear time: at most one repetition, from the beginning."""
    endless = len(re.findall(r"[*+]|\{\d+,\}", _sketch(text)))
    return endless == 0 or (endless == 1 and text.startswith("^"))


def _is_risky(text: str) -> bool:
    r"""Whether a repeated group has a choice inside: a repetition, an option, an alternative.

    `(\.[a-z]+)*` is harmless, because each round must begin with a dot that nothing else in it can
    take; that shape is so common in Kubernetes that it is told apart.
    """
    sketch = _sketch(text)
    while group := _GROUP.search(sketch):
        inner, repeated = group.groups()
        choice = re.search(r"[*+?{|]", inner) is not None
        if choice and repeated and not re.fullmatch(r"\.[^.w|]*", inner):
            return True
        left = ("w" if "w" in inner else "x") + ("+" if choice else "") + (repeated or "")
        sketch = sketch[: group.start()] + left + sketch[group.end() :]
    return False


def _sketch(text: str) -> str:
    """The pattern with each character class as one letter: w if it takes a dot, else x."""
    return "".join(map(_sketched, _TOKEN.findall(text)))


def _sketched(token: str) -> str:
    if token == r"\.":
        return "."
    if token == ".":
        return "w"
    if token.startswith("(?"):
        return "("
    if token.startswith(("[", "\\")):
        try:
            return "w" if re.fullmatch(translate(token), ".") else "x"
        except (re.error, PatternError):
            return "w"
    return token if token in "()*+?{}|,0123456789" else "x"
