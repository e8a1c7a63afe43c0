"""Which token may follow which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from sampan.lib import printf
from sampan.lib.govaluate.tokens import Kind, Mistake, Token

_VALUES = "NUMERIC VARIABLE ACCESSOR STRING BOOLEAN CLAUSE"
_ANY_VALUE = f"PREFIX TIME {_VALUES}"
_AFTER_VALUE = "MODIFIER COMPARATOR LOGICALOP CLAUSE_CLOSE SEPARATOR"
_FOLLOWERS: dict[Kind, frozenset[Kind]] = {
    cast(Kind, kind): cast(frozenset[Kind], frozenset(followers.split()))
    for kind, followers in {
        "UNKNOWN": f"{_ANY_VALUE} PATTERN",
        "CLAUSE": f"{_ANY_VALUE} PATTERN CLAUSE_CLOSE",
        "CLAUSE_CLOSE": f"{_AFTER_VALUE} TERNARY NUMERIC BOOLEAN VARIABLE STRING PATTERN TIME"
        " CLAUSE",
        "NUMERIC": f"{_AFTER_VALUE} TERNARY",
        "BOOLEAN": f"{_AFTER_VALUE} TERNARY",
        "STRING": f"{_AFTER_VALUE} TERNARY",
        "VARIABLE": f"{_AFTER_VALUE} TERNARY",
        "ACCESSOR": f"{_AFTER_VALUE} TERNARY CLAUSE",
        "TIME": _AFTER_VALUE,
        "PATTERN": _AFTER_VALUE,
        "MODIFIER": f"PREFIX {_VALUES} CLAUSE_CLOSE",
        "COMPARATOR": f"{_ANY_VALUE} CLAUSE_CLOSE PATTERN",
        "LOGICALOP": f"{_ANY_VALUE} CLAUSE_CLOSE",
        "PREFIX": "NUMERIC BOOLEAN VARIABLE ACCESSOR CLAUSE CLAUSE_CLOSE",
        "TERNARY": f"{_ANY_VALUE} SEPARATOR",
        "SEPARATOR": _ANY_VALUE,
    }.items()
}
_LAST: frozenset[Kind] = frozenset(
    ("CLAUSE_CLOSE", "NUMERIC", "BOOLEAN", "STRING", "TIME", "PATTERN", "VARIABLE", "ACCESSOR")
)


def may_be_prefix(kind: Kind) -> bool:
    return "PREFIX" in _FOLLOWERS[kind]


def check(tokens: Sequence[Token]) -> None:
    """Raises Mistake where a token may not stand."""
    last = Token("UNKNOWN", "<nil>")
    for token in tokens:
        if token.kind not in _FOLLOWERS[last.kind]:
            if last.kind == "VARIABLE" and token.kind == "CLAUSE":
                raise Mistake(f"Undefined function {last.value}")
            raise Mistake(f"Cannot transition token types from {_shown(last)} to {_shown(token)}")
        last = token
    if last.kind not in _LAST:
        raise Mistake("Unexpected end of expression")


def _shown(token: Token) -> str:
    value = token.value
    if token.kind in ("CLAUSE", "CLAUSE_CLOSE"):
        value = ord(value)  # as Go prints a character
    elif token.kind == "ACCESSOR":
        value = value.split(".")
    return f"{token.kind} [{printf.text(value)}]"
