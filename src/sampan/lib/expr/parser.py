"""From tokens to nodes, by precedence climbing (the grammar stands in the package's header)."""

from __future__ import annotations

from collections.abc import Collection

from sampan.lib.expr.faults import Mistake
from sampan.lib.expr.grammar import BINARY, LOOPS, NEGATABLE, ORDER, UNARY, WORDS
from sampan.lib.expr.lexer import Token
from sampan.lib.expr.nodes import (
    Binary,
    Builtin,
    Call,
    Chain,
    Conditional,
    Let,
    ListOf,
    Literal,
    Loop,
    MapOf,
    Member,
    Name,
    Node,
    Pointer,
    Sequence,
    Slice,
    Unary,
)
from sampan.lib.expr.reader import Reader

LONGEST = 200_000
"""Characters of an expression."""
DEEPEST = 70
"""Levels of nesting; Python's stack bears no more of them."""


def parse(source: str, builtins: Collection[str]) -> Node:
    """The expression as nodes; `builtins` are the functions that need no declaration."""
    if len(source) > LONGEST:
        raise Mistake(f"expression is longer than {LONGEST} characters")
    return _Parser(source, builtins).whole()


class _Parser(Reader):
    def __init__(self, source: str, builtins: Collection[str]) -> None:
        super().__init__(source)
        self._builtins = builtins
        self._depth = 0
        self._predicates = 0

    def whole(self) -> Node:
        found = self.sequence()
        if self.look.kind != "EOF":
            raise self.unexpected()
        return found

    def sequence(self) -> Node:
        nodes = [self.expression()]
        while self.skip(";") and self.look.kind != "EOF":
            nodes.append(self.expression())
        return nodes[0] if len(nodes) == 1 else Sequence(nodes[0].at, nodes)

    def expression(self, least: int = 0) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self.fault("expression is nested too deeply")
        if least == 0 and self.sees("let"):
            found = self.let()
        elif least == 0 and self.sees("if"):
            found = self.branches()
        else:
            found = self.binary(self.primary(), least)
            if least == 0:
                found = self.conditional(found)
        self._depth -= 1
        return found

    # Binary operators: those of one expression become one node as long as they bind to the left.

    def binary(self, left: Node, least: int) -> Node:
        before = ""
        while True:
            negated = self.sees("not")
            if negated:
                if self.following.value not in NEGATABLE:
                    self.take()
                    raise self.unexpected()
                if BINARY["in"] < least:
                    return left
                self.take()
            token = self.look
            power = BINARY.get(token.value, -1) if token.kind == "Operator" else -1
            if power < least:
                return left
            if before == "??" and token.value not in ("??", "|"):
                raise self.fault(
                    f"Operator ({token.value}) and coalesce expressions (??) cannot be mixed. "
                    "Wrap either by parentheses."
                )
            self.take()
            left = self.operation(left, token, power)
            if negated:
                left = Unary(token.at, "not", left)
            before = token.value

    def operation(self, left: Node, token: Token, power: int) -> Node:
        if token.value == "|":
            return self.call(self.name(), [left])
        if token.value in ORDER:
            return self.comparison(left, token, power)
        right_binding = token.value in ("**", "^")
        right = self.expression(power if right_binding else power + 1)
        step = (token.at, token.value, right)
        if isinstance(left, Binary):
            left.rest.append(step)
            return left
        return Binary(token.at, left, [step])

    def comparison(self, left: Node, token: Token, power: int) -> Node:
        """`a < b < c` is `a < b && b < c`."""
        found: Node | None = None
        while True:
            right = self.expression(power + 1)
            one = Binary(token.at, left, [(token.at, token.value, right)])
            found = one if found is None else Binary(token.at, found, [(token.at, "&&", one)])
            if not self.sees(*ORDER):
                return found
            left, token = right, self.take()

    def conditional(self, found: Node) -> Node:
        while self.sees("?"):
            at = self.take().at
            if self.skip(":"):
                yes = found
            else:
                yes = self.expression()
                self.expect(":")
            found = Conditional(at, found, yes, self.expression())
        return found

    def let(self) -> Node:
        self.take()
        token = self.name()
        if token.value in self._builtins or token.value in LOOPS:
            raise self.fault(f"cannot redeclare builtin {token.value}", token.at)
        self.expect("=")
        value = self.expression()
        self.expect(";")
        return Let(token.at, token.value, value, self.sequence())

    def branches(self) -> Node:
        at = self.take().at
        condition = self.expression()
        yes = self.block()
        self.expect("else")
        if self.sees("if"):
            return Conditional(at, condition, yes, self.expression())
        return Conditional(at, condition, yes, self.block())

    def block(self) -> Node:
        self.expect("{")
        found = self.sequence()
        self.expect("}")
        return found

    # Operands.

    def primary(self) -> Node:
        token = self.look
        if token.kind == "Operator" and token.value in UNARY:
            self.take()
            return self.members(Unary(token.at, token.value, self.expression(UNARY[token.value])))
        if self.skip("("):
            found = self.sequence()
            self.expect(")")
            return self.members(found)
        if self._predicates and self.sees("#", "."):
            name = ""
            if self.skip("#") and self.look.kind == "Identifier":
                name = self.take().value
            return self.members(Pointer(token.at, name))
        if self.skip("::"):
            return self.members(self.call(self.name(), []))
        return self.operand(token)

    def operand(self, token: Token) -> Node:
        match token.kind:
            case "Identifier":
                self.take()
                if token.value in WORDS:
                    return Literal(token.at, WORDS[token.value])
                if self.sees("("):
                    return self.members(self.call(token, []))
                return self.members(Name(token.at, token.value))
            case "Number":
                self.take()
                return Literal(token.at, self.number(token))
            case "String" | "Bytes":
                self.take()
                return self.members(Literal(token.at, token.value))
        if self.sees("["):
            return self.members(self.list_of())
        if self.sees("{"):
            return self.members(self.map_of())
        raise self.unexpected()

    def number(self, token: Token) -> int | float:
        text = token.value.replace("_", "").lower()
        try:
            if not text.startswith("0x") and ("." in text or "e" in text):
                real = float(text)
                if real == float("inf"):
                    raise ValueError
                return real
            base = {"0x": 16, "0b": 2, "0o": 8}.get(text[:2], 10)
            whole = int(text[2:] if base != 10 else text, base)
            if whole >= 1 << 63:
                raise ValueError
        except ValueError:
            raise self.fault(f'invalid literal: "{token.value}"', token.at) from None
        return whole

    def call(self, token: Token, arguments: list[Node]) -> Node:
        if token.value in LOOPS:
            return self.loop(token, arguments)
        arguments = arguments + self.arguments()
        if token.value in self._builtins:
            return Builtin(token.at, token.value, arguments)
        return Call(token.at, Name(token.at, token.value), arguments)

    def loop(self, token: Token, piped: list[Node]) -> Node:
        least, most = LOOPS[token.value]
        self.expect("(")
        given: list[Node] = list(piped)
        while len(given) < most and not self.sees(")"):
            if len(given) > len(piped):
                self.expect(",")
                if self.sees(")"):
                    break
            given.append(self.predicate() if len(given) == 1 else self.expression())
        if len(given) < least:
            raise self.fault(f"expected at least {least} arguments")
        self.skip(",")
        self.expect(")")
        found: list[Node | None] = [*given, None, None]
        return Loop(token.at, token.value, given[0], found[1], found[2])

    def predicate(self) -> Node:
        self._predicates += 1
        if self.sees("{"):
            found = self.block()
        else:
            found = self.expression()
            if self.sees(";"):
                raise self.fault("wrap predicate with brackets { and }")
        self._predicates -= 1
        return found

    def arguments(self) -> list[Node]:
        self.expect("(")
        return self.until(")")

    def until(self, end: str) -> list[Node]:
        found: list[Node] = []
        while not self.skip(end):
            if found:
                self.expect(",")
                if self.skip(end):
                    break
            found.append(self.expression())
        return found

    def list_of(self) -> Node:
        at = self.take().at
        return ListOf(at, self.until("]"))

    def map_of(self) -> Node:
        at = self.take().at
        entries: list[tuple[Node, Node]] = []
        while not self.skip("}"):
            if entries:
                self.expect(",")
                if self.skip("}"):
                    break
            key = self.key()
            self.expect(":")
            entries.append((key, self.expression()))
        return MapOf(at, entries)

    def key(self) -> Node:
        if self.look.kind in ("Number", "String", "Identifier"):
            token = self.take()
            return Literal(token.at, token.value)
        if self.sees("("):
            return self.expression()
        raise self.fault(
            "a map key must be a quoted string, a number, a identifier, or an expression "
            f"enclosed in parentheses (unexpected token {self.look})"
        )

    # What follows an operand.

    def members(self, found: Node) -> Node:
        turns = 0
        while self.sees(".", "?.", "["):
            turns += 1
            if turns > DEEPEST:
                raise self.fault("expression is nested too deeply")
            token = self.take()
            if token.value == "[":
                found = self.indexed(found, token.at, optional=False)
            elif token.value == "?." and self.sees("["):
                found = self.indexed(found, self.take().at, optional=True)
            else:
                found = self.member(found, optional=token.value == "?.")
        return found

    def member(self, found: Node, *, optional: bool) -> Node:
        token = self.take()
        is_word = token.kind == "Operator" and token.value.isalpha()
        if token.kind != "Identifier" and not is_word:
            raise self.fault("expected name", token.at)
        chained = isinstance(found, Chain)
        inner = found.inner if isinstance(found, Chain) else found
        made: Node = Member(token.at, inner, Literal(token.at, token.value), optional)
        if self.sees("("):
            made = Call(token.at, made, self.arguments())
        return Chain(token.at, made) if chained or optional else made

    def indexed(self, found: Node, at: int, *, optional: bool) -> Node:
        begin = None if self.sees(":") else self.expression()
        if begin is None or self.sees(":"):
            self.expect(":")
            end = None if self.sees("]") else self.expression()
            self.expect("]")
            return Slice(at, found, begin, end)
        self.expect("]")
        made = Member(at, found, begin, optional)
        return Chain(at, made) if optional else made
