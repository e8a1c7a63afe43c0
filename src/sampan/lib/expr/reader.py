"""The tokens of an expression, read one after the other."""

from __future__ import annotations

from sampan.lib.expr.faults import Mistake
from sampan.lib.expr.lexer import Token, tokens


class Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = tokens(source)
        self._at = 0

    @property
    def look(self) -> Token:
        return self._tokens[self._at]

    def sees(self, *values: str) -> bool:
        token = self.look
        return token.kind in ("Operator", "Bracket") and token.value in values

    def take(self) -> Token:
        token = self.look
        if token.kind != "EOF":
            self._at += 1
        return token

    def skip(self, value: str) -> bool:
        found = self.sees(value)
        self._at += found
        return found

    def expect(self, value: str) -> Token:
        if not self.sees(value):
            raise self.unexpected()
        return self.take()

    def name(self) -> Token:
        if self.look.kind != "Identifier":
            raise self.unexpected()
        return self.take()

    def unexpected(self) -> Mistake:
        return self.fault(f"unexpected token {self.look}")

    def fault(self, text: str, at: int | None = None) -> Mistake:
        return Mistake(text, self._source, self.look.at if at is None else at)

    @property
    def following(self) -> Token:
        """The token behind the next one."""
        return self._tokens[min(self._at + 1, len(self._tokens) - 1)]
