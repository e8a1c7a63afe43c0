"""What reading tokens needs, whatever they mean: taking them, and knowing the names around."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sampan.lib.jq.faults import Mistake
from sampan.lib.jq.lexer import END, Token

DEEPEST = 60
"""Queries in one another."""


class Reader:
    """Reads one list of tokens. `names`: `$x`, `f/1` and `*label` that are defined around it."""

    def __init__(self, found: Sequence[Token], names: frozenset[str], depth: int = 0) -> None:
        self._tokens = found
        self._at = 0
        self._names = names
        self._depth = depth

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self, kind: str) -> Token | None:
        if self._next.kind != kind:
            return None
        self._at += 1
        return self._tokens[self._at - 1]

    def _need(self, kind: str) -> Token:
        if (token := self._take(kind)) is None:
            raise self._unexpected()
        return token

    def _unexpected(self) -> Mistake:
        token = self._next
        if token is END:
            return Mistake("unexpected EOF")
        shown = {"field": f".{token.value}", "text": "a string"}.get(token.kind, token.value)
        return Mistake(f'unexpected token "{shown}"')

    @contextmanager
    def _inside(self, *names: str) -> Iterator[None]:
        """More names for what is read meanwhile."""
        before = self._names
        self._names = before.union(names)
        yield
        self._names = before

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        """Meanwhile something is read that may have itself in it."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise Mistake(f"queries may be nested {DEEPEST} deep at most")
        yield
        self._depth -= 1
