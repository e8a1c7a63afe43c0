"""Objects and what takes them apart: `{a: 1}`, `. as {a: $x}`, `reduce` and `foreach`."""

from __future__ import annotations

from typing import Any

from sampan.lib.jq import bindings, nodes
from sampan.lib.jq.lexer import KEYWORDS, Token
from sampan.lib.jq.nodes import Literal, Node, Pipe
from sampan.lib.jq.reader import Reader


class Structures(Reader):
    """What the rest of the grammar has to provide comes first."""

    def _query(self) -> Node:
        raise NotImplementedError

    def _expression(self, lowest: int = 0) -> Node:
        raise NotImplementedError

    def _variable(self, token: Token) -> Node:
        raise NotImplementedError

    def _text(self, format: Any) -> Node:
        raise NotImplementedError

    def _parenthesis(self, token: Token) -> Node:
        found = self._query()
        self._need(")")
        return found

    def _object(self, token: Token) -> Node:
        entries: list[tuple[Node, Node | None]] = []
        while not self._take("}"):
            entries.append(self._entry())
            if not self._take(","):
                self._need("}")
                break
        return nodes.Object(tuple(entries))

    def _entry(self) -> tuple[Node, Node | None]:
        token = self._next
        value: Node | None = None
        if token.kind == "text":
            key = self._text(nodes.shown)
        elif self._take("("):
            key = self._parenthesis(token)
            self._need(":")
            return key, self._entry_value()
        elif token.kind == "variable":
            self._at += 1
            value = self._variable(token)
            if self._next.kind == ":":
                key, value = value, None
            else:
                key = Literal(token.value[1:])
        elif token.kind == "name" or token.kind in KEYWORDS:
            self._at += 1
            key = Literal(token.value)
        else:
            raise self._unexpected()
        return key, self._entry_value() if self._take(":") else value

    def _entry_value(self) -> Node:
        stages = [self._expression()]
        while self._take("|"):
            stages.append(self._expression())
        return piped(stages)

    def _loop(self, token: Token) -> Node:
        """`reduce` and `foreach`."""
        source = self._expression()
        self._need("as")
        pattern = self._pattern()
        self._need("(")
        start = self._query()
        self._need(";")
        extract: Node | None = None
        with self._inside(*pattern.names):
            update = self._query()
            if token.kind == "foreach" and self._take(";"):
                extract = self._query()
        self._need(")")
        if token.kind == "reduce":
            return bindings.Reduce(source, pattern, start, update)
        return bindings.Foreach(source, pattern, start, update, extract)

    def _pattern(self) -> bindings.Pattern:
        with self._deeper():
            return self._any_pattern()

    def _any_pattern(self) -> bindings.Pattern:
        if variable := self._take("variable"):
            return bindings.NamePattern(variable.value)
        parts: list[tuple[Node, str | None, bindings.Pattern | None]] = []
        if self._take("["):
            while True:
                parts.append((Literal(len(parts)), None, self._pattern()))
                if not self._take(","):
                    break
            self._need("]")
            return bindings.PartsPattern(tuple(parts), is_list=True)
        self._need("{")
        while True:
            parts.append(self._pattern_entry())
            if not self._take(","):
                break
        self._need("}")
        return bindings.PartsPattern(tuple(parts), is_list=False)

    def _pattern_entry(self) -> tuple[Node, str | None, bindings.Pattern | None]:
        token = self._next
        if token.kind == "variable":
            self._at += 1
            inner = self._pattern() if self._take(":") else None
            return Literal(token.value[1:]), token.value, inner
        if token.kind == "text":
            key = self._text(nodes.shown)
        elif self._take("("):
            key = self._parenthesis(token)
        elif token.kind == "name" or token.kind in KEYWORDS:
            self._at += 1
            key = Literal(token.value)
        else:
            raise self._unexpected()
        self._need(":")
        return key, None, self._pattern()


def piped(stages: list[Node]) -> Node:
    """From the right, so that each item goes all the way before the next one comes."""
    found = stages[-1]
    for stage in reversed(stages[:-1]):
        found = Pipe(stage, found)
    return found
