"""From tokens to a value.

Operators of one rank are kept as a chain and taken from the left, so that a long condition is no
deep one. `&&`, `||`, `?` and `??` do not look at what they do not need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sampan.lib import printf
from sampan.lib.govaluate import operators, syntax
from sampan.lib.govaluate.tokens import Kind, Mistake, Token, tokens
from sampan.lib.regex.patterns import PatternError

DEEPEST = 100
"""Parentheses and operators in one another."""

Evaluation = Callable[[Mapping[str, Any]], Any]


def evaluate(source: str, parameters: Mapping[str, Any] | None = None) -> Any:
    """The value: a float, str, bool, None or list. Names stand for parameters. Raises Mistake."""
    return Program(source).run(parameters or {})


class Program:
    """An expression that has been read. Raises Mistake."""

    def __init__(self, source: str) -> None:
        self._tokens = tokens(source, syntax.may_be_prefix)
        self._prepare()

    def take_words_as_texts(self) -> None:
        """Names stand for themselves from now on, as in the `when` of a step: `foo != bar`.

        Raises Mistake, because a name may stand where no text may: behind a `!`.
        """
        named = (t._replace(kind="STRING") if t.kind == "VARIABLE" else t for t in self._tokens)
        self._tokens = list(named)
        self._prepare()

    def run(self, parameters: Mapping[str, Any]) -> Any:
        """The value. Raises Mistake."""
        return self._evaluation(parameters)

    def _prepare(self) -> None:
        syntax.check(self._tokens)
        try:
            self._tokens = _with_patterns(self._tokens)
        except PatternError as wrong:
            raise Mistake(str(wrong)) from None
        self._evaluation = _Planner(self._tokens).expression()


_MATCHERS = (Token("COMPARATOR", "=~"), Token("COMPARATOR", "!~"))


def _with_patterns(found: Sequence[Token]) -> list[Token]:
    """A text behind `=~` or `!~` is read once and for all."""
    done: list[Token] = []
    for token in found:
        before = done[-1] if done else None
        if token.kind == "STRING" and before in _MATCHERS:
            token = Token("PATTERN", operators.Regex(token.value))
        done.append(token)
    return done


_RANKS: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    ("SEPARATOR", (",",)),
    ("TERNARY", ("?", ":", "??")),
    ("LOGICALOP", ("||",)),
    ("LOGICALOP", ("&&",)),
    ("COMPARATOR", ("==", "!=", ">", ">=", "<", "<=", "=~", "!~", "in")),
    ("MODIFIER", ("^", "&", "|")),
    ("MODIFIER", (">>", "<<")),
    ("MODIFIER", ("+", "-")),
    ("MODIFIER", ("*", "/", "%")),
    ("MODIFIER", ("**",)),
)
_RANK = {(kind, sign): rank for rank, (kind, signs) in enumerate(_RANKS) for sign in signs}
_OPERATORS = frozenset(kind for kind, _ in _RANKS)
_NOTHING = Token("UNKNOWN", None)


class _Planner:
    """Builds the evaluation of the first complete expression."""

    def __init__(self, found: Sequence[Token]) -> None:
        self._tokens = found
        self._at = 0
        self._depth = 0

    def expression(self) -> Evaluation:
        self._deeper()
        found = self._operations(self._value(), 0)
        self._depth -= 1
        return found

    def _operations(self, left: Evaluation, lowest: int) -> Evaluation:
        """The left side with all operators behind it whose rank is not below the lowest."""
        self._deeper()
        while (rank := self._rank()) >= lowest:
            links: list[tuple[operators.Operator, Evaluation]] = []
            while self._rank() == rank:
                operator = operators.BINARY[self._peek().value]
                self._at += 1
                right = self._value()
                if self._rank() > rank:
                    right = self._operations(right, rank + 1)
                links.append((operator, right))
            left = _chain(left, links)
        self._depth -= 1
        return left

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise Mistake(f"an expression may be nested {DEEPEST} deep at most")

    def _rank(self) -> int:
        """The rank of the operator that comes next; -1 when none does."""
        token = self._peek()
        return _RANK.get((token.kind, token.value), -1) if token.kind in _OPERATORS else -1

    def _peek(self) -> Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else _NOTHING

    def _value(self) -> Evaluation:
        token = self._peek()
        self._at += 1
        match token.kind:
            case "CLAUSE":
                return self._clause()
            case "PREFIX":
                return _prefixed(operators.PREFIX[token.value], self._value())
            case "VARIABLE":
                return _parameter(token.value)
            case "ACCESSOR":
                return _field(token.value)
            case "CLAUSE_CLOSE" | "UNKNOWN":
                self._at -= 1  # `( )`, `(1 ==)`: the syntax allows it, the value is nothing
                return _constant(None)
            case "NUMERIC" | "STRING" | "PATTERN" | "BOOLEAN" | "TIME":
                return _constant(token.value)
        shown = printf.text(token.value)
        raise Mistake(f"Unable to plan token kind: '{token.kind}', value: '{shown}'")

    def _clause(self) -> Evaluation:
        inner = self.expression()
        self._at += 1  # the closing one, or what upstream takes for it
        return inner


def _chain(first: Evaluation, links: list[tuple[operators.Operator, Evaluation]]) -> Evaluation:
    def evaluation(parameters: Mapping[str, Any]) -> Any:
        value = first(parameters)
        for operator, right in links:
            settled, result = operator.short_cut(value)
            value = result if settled else operator.apply(value, right(parameters))
        return value

    return evaluation


def _prefixed(operator: operators.Operator, right: Evaluation) -> Evaluation:
    return lambda parameters: operator.apply(None, right(parameters))


def _constant(value: Any) -> Evaluation:
    return lambda parameters: value


def _parameter(name: str) -> Evaluation:
    def evaluation(parameters: Mapping[str, Any]) -> Any:
        if name not in parameters:
            raise Mistake(f"No parameter '{name}' found.")
        return operators.value_of(parameters[name])

    return evaluation


def _field(path: str) -> Evaluation:
    first, second = path.split(".")[:2]

    def evaluation(parameters: Mapping[str, Any]) -> Any:
        if first not in parameters:
            raise Mistake(f"No parameter '{first}' found.")
        raise Mistake(f"Unable to access '{second}', '{first}' is not a struct")

    return evaluation
