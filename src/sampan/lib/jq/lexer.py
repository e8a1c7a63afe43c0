"""From text to tokens. A text with `\\(…)` in it is one token, whose parts are texts and tokens."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from sampan.lib.jq.faults import Mistake

DEEPEST = 64
"""Interpolations in one another."""

KEYWORDS = frozenset(
    [
        "or",
        "and",
        "module",
        "import",
        "include",
        "def",
        "as",
        "label",
        "break",
        "null",
        "true",
        "false",
        "if",
        "then",
        "elif",
        "else",
        "end",
        "try",
        "catch",
        "reduce",
        "foreach",
    ]
)
_TOKEN = re.compile(
    r"""(?P<space>(?:[ \t\r\n]+|\#(?:\\[^\n]|\\\n|[^\\\n\r])*)+)
    | (?P<field>\.[A-Za-z_][A-Za-z0-9_]*)
    | (?P<number>(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][+-]?[0-9]+)?)
    | (?P<variable>\$[A-Za-z_][A-Za-z0-9_]*(?:::[A-Za-z_][A-Za-z0-9_]*)?)
    | (?P<format>@[A-Za-z0-9_]+)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*(?:::[A-Za-z_][A-Za-z0-9_]*)?)
    | (?P<sign>\?//|//=|\.\.|[|+\-*/%=!<>]=|//|[.|,:;()\[\]{}?+\-*/%=<>])
    """,
    re.VERBOSE,
)
_PLAIN = re.compile(r'[^"\\]+')
_ESCAPE = re.compile(r'\\(?:u[0-9a-fA-F]{4}(?:\\u[0-9a-fA-F]{4})?|["/\\bfnrt])')


class Token(NamedTuple):
    """`kind` is field, number, variable, format, name, text, end, or the sign or keyword itself.

    The value of a text is a list of its parts: str, or the tokens of a query.
    """

    kind: str
    value: Any = None


END = Token("end")


def tokens(source: str) -> list[Token]:
    """All tokens. Raises Mistake."""
    found, at = _tokens(source, 0, 0)
    if at < len(source):
        raise Mistake('unexpected token ")"')
    return found


def _tokens(source: str, at: int, depth: int) -> tuple[list[Token], int]:
    """Tokens up to the end, or to a closing parenthesis that none of them opens."""
    found: list[Token] = []
    level = 0
    if depth > DEEPEST:
        raise Mistake("texts are nested too deep")
    while at < len(source):
        if source[at] == '"':
            parts, at = _text(source, at + 1, depth)
            found.append(Token("text", parts))
            continue
        match = _TOKEN.match(source, at)
        if match is None:
            raise Mistake(f"unexpected token {json.dumps(source[at], ensure_ascii=False)}")
        kind, text = match.lastgroup or "", match[0]
        if text == ")" and level == 0:
            return [*found, END], at
        level += {"(": 1, ")": -1}.get(text, 0)
        at = match.end()
        if kind != "space":
            found.append(_token(kind, text, source[at : at + 1]))
    return [*found, END], at


def _token(kind: str, text: str, after: str) -> Token:
    if kind == "sign" or (kind == "name" and text in KEYWORDS):
        return Token(text, text)
    if kind == "number" and re.match(r"[A-Za-z_.]", after):
        raise Mistake(f'invalid token "{text}{after}"')
    return Token(kind, text[1:] if kind == "field" else text)


def _text(source: str, at: int, depth: int) -> tuple[list[Any], int]:
    parts: list[Any] = []
    plain: list[str] = []
    while at < len(source):
        if match := _PLAIN.match(source, at):
            plain.append(match[0])
        elif source[at] == '"':
            return [*parts, "".join(plain)] if plain or not parts else parts, at + 1
        elif match := _ESCAPE.match(source, at):
            plain.append(json.loads(f'"{match[0]}"'))
        elif source.startswith("\\(", at):
            parts += ["".join(plain)] if plain else []
            plain = []
            query, at = _tokens(source, at + 2, depth + 1)
            if at >= len(source):
                break
            parts.append(query)
            at += 1
            continue
        else:
            escape = source[at : at + 2]
            raise Mistake(f'invalid escape sequence "{escape}" in string literal')
        at = match.end()
    raise Mistake("unterminated string literal")
