"""From text to tokens, as upstream's lexer cuts it.

A backslash takes the next character as it is, in names and texts alike. A sign is as long as the
run of signs: `==-1` is one unknown sign.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from sampan.lib.govaluate.moments import seconds

Kind = Literal[
    "UNKNOWN", "PREFIX", "NUMERIC", "BOOLEAN", "STRING", "PATTERN", "TIME", "VARIABLE", "ACCESSOR",
    "COMPARATOR", "LOGICALOP", "MODIFIER", "CLAUSE", "CLAUSE_CLOSE", "TERNARY", "SEPARATOR",
]  # fmt: skip

PREFIXES = ("-", "!", "~")
_SIGNS: dict[str, Kind] = {
    **dict.fromkeys(("+", "-", "*", "/", "%", "**", "&", "|", "^", ">>", "<<"), "MODIFIER"),
    **dict.fromkeys(("&&", "||"), "LOGICALOP"),
    **dict.fromkeys(("==", "!=", ">", ">=", "<", "<=", "=~", "!~"), "COMPARATOR"),
    **dict.fromkeys(("?", ":", "??"), "TERNARY"),
}


_SPACE = re.compile(r"\s*")
_NUMERIC, _HEX, _NAME = re.compile(r"[\d.]+"), re.compile(r"[\da-fA-F]+"), re.compile(r"[\w.]+")
_SIGN = re.compile(r"(?:_|[^\w\s()\[\]'\"\\])+")
_IN_TEXT, _IN_BRACKETS = re.compile(r"[^'\"\\]+"), re.compile(r"[^\]\\]+")
_MARKS: dict[str, Kind] = {",": "SEPARATOR", "(": "CLAUSE", ")": "CLAUSE_CLOSE"}
MOST = 100_000
"""Tokens of one expression."""


class Mistake(ValueError):
    """The expression cannot be read or has no value. The text is upstream's."""


class Token(NamedTuple):
    kind: Kind
    value: Any


def tokens(source: str, may_be_prefix: Callable[[Kind], bool]) -> list[Token]:
    """All tokens. `may_be_prefix`: whether a sign behind a token of this kind can stand before a
    value. Raises Mistake."""
    lexer, found = _Lexer(source), list[Token]()
    last: Kind = "UNKNOWN"
    while (token := lexer.token(prefix=may_be_prefix(last))) is not None:
        found.append(token)
        if len(found) > MOST:
            raise Mistake(f"an expression may have {MOST} tokens at most")
        last = token.kind
    depth = sum((t.kind == "CLAUSE") - (t.kind == "CLAUSE_CLOSE") for t in found)
    if depth:
        raise Mistake("Unbalanced parenthesis")
    return found


class _Lexer:
    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0

    def token(self, *, prefix: bool) -> Token | None:
        """The next one. None at the end."""
        self.at = _SPACE.match(self.source, self.at).end()  # type: ignore[union-attr]
        if self.at >= len(self.source):
            return None
        char = self.source[self.at]
        if _NUMERIC.match(char):
            return Token("NUMERIC", self._number())
        if char in "'\"":
            return self._text()
        if char.isalpha():
            return self._word()
        if char == "[":
            return self._bracketed()
        if char in _MARKS:
            self.at += 1
            return Token(_MARKS[char], char)
        return self._sign(prefix)

    def _bracketed(self) -> Token:
        self.at += 1
        name, closed = self._run(_IN_BRACKETS)
        if not closed:
            raise Mistake("Unclosed parameter bracket")
        self.at += 1
        return Token("VARIABLE", name)

    def _number(self) -> float:
        if self.source.startswith("0x", self.at) and self.at + 2 < len(self.source):
            self.at = _SPACE.match(self.source, self.at + 2).end()  # type: ignore[union-attr]
            digits, _ = self._run(_HEX)
            try:
                return float(_unsigned(digits))
            except ValueError:
                raise Mistake(f"Unable to parse hex value '{digits}' to uint64\n") from None
        digits, _ = self._run(_NUMERIC)
        value = float(digits) if re.fullmatch(r"[0-9]+\.?[0-9]*|\.[0-9]+", digits) else math.inf
        if math.isinf(value):
            raise Mistake(f"Unable to parse numeric value '{digits}' to float64\n")
        return value

    def _text(self) -> Token:
        self.at += 1
        text, closed = self._run(_IN_TEXT)
        if not closed:
            raise Mistake("Unclosed string literal")
        self.at += 1
        moment = seconds(text)
        return Token("STRING", text) if moment is None else Token("TIME", moment)

    def _word(self) -> Token:
        word, _ = self._run(_NAME)
        if word in ("true", "false"):
            return Token("BOOLEAN", word == "true")
        if word in ("in", "IN"):
            return Token("COMPARATOR", "in")
        if "." not in word[1:]:
            return Token("VARIABLE", word)
        if word.endswith("."):
            raise Mistake(f"Hanging accessor on token '{word}'")
        for part in word.split(".")[1:]:
            if part[:1].upper() != part[:1]:
                raise Mistake(f"Unable to access unexported field '{part}' in token '{word}'")
        return Token("ACCESSOR", word)

    def _sign(self, prefix: bool) -> Token:
        sign, _ = self._run(_SIGN)
        if prefix and sign in PREFIXES:
            return Token("PREFIX", sign)
        if sign not in _SIGNS:
            raise Mistake(f"Invalid token: '{sign}'")
        return Token(_SIGNS[sign], sign)

    def _run(self, belonging: re.Pattern[str]) -> tuple[str, bool]:
        """Characters that belong together, and whether something stands behind them."""
        taken: list[str] = []
        while self.at < len(self.source):
            if match := belonging.match(self.source, self.at):
                taken.append(match[0])
                self.at = match.end()
            elif self.source[self.at] != "\\":
                return "".join(taken), True
            elif self.at + 1 == len(self.source):
                raise Mistake("a backslash at the end of the expression")
            else:
                taken.append(self.source[self.at + 1])
                self.at += 2
        return "".join(taken), False


def _unsigned(digits: str) -> int:
    if not re.fullmatch(r"0*[0-9a-fA-F]{1,16}", digits):
        raise ValueError(digits)
    return int(digits, 16)
