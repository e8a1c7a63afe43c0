"""From text to tokens."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from sampan.lib.expr.faults import Mistake

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*(?:\n|$)|/\*.*?\*/)
    | (?P<string>[bB]?"(?:[^"\\\n]|\\.)*"|[bB]?'(?:[^'\\\n]|\\.)*')
    | (?P<raw>`(?:[^`]|``)*`)
    | (?P<number>0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+
        |(?:[0-9][0-9_]*(?:\.(?!\.)[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9_]*)?)
    | (?P<word>(?:[^\W\d]|\$)(?:\w|\$)*)
    | (?P<bracket>[()\[\]{}])
    | (?P<operator>\?\.|\?\?|\?|\|\||\||::|:|\.\.|\.|\#|/(?!\*)|[,;%+^-]|[&!=*<>][&=*]?)
    """,
    re.VERBOSE | re.DOTALL,
)
_OPERATORS = frozenset({
    "not", "in", "or", "and", "matches", "contains", "startsWith", "endsWith", "let", "if", "else",
})  # fmt: skip
_ESCAPE = re.compile(
    r"""\\(?:(?P<plain>[abfnrtv\\'"`?])|[xX](?P<byte>[0-9a-fA-F]{2})|u(?P<short>[0-9a-fA-F]{4})
    |u\{(?P<braced>[0-9a-fA-F]{1,6})\}|U(?P<long>[0-9a-fA-F]{8})|(?P<octal>[0-3][0-7]{2})
    |(?P<other>.?))""",
    re.VERBOSE | re.DOTALL,
)
_PLAIN = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class Token(NamedTuple):
    """`kind` is Identifier, Number, String, Bytes, Operator, Bracket or EOF."""

    kind: str
    value: Any
    at: int

    def __str__(self) -> str:
        return self.kind if self.kind == "EOF" else f'{self.kind}("{self.value}")'


def tokens(source: str) -> list[Token]:
    """All tokens, an end behind them. Raises Mistake."""
    found: list[Token] = []
    at = 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            raise _unrecognized(source, at)
        if match.lastgroup != "space":
            found.append(_token(source, match))
        at = match.end()
    found.append(Token("EOF", "", max(len(source) - 1, 0)))
    return found


def _unrecognized(source: str, at: int) -> Mistake:
    char = source[at]
    if char in "\"'`" or source[at : at + 2].lower() in ('b"', "b'"):
        return Mistake("literal not terminated", source, at)
    if source.startswith("/*", at):
        return Mistake("unclosed comment", source, at)
    return Mistake(f"unrecognized character: U+{ord(char):04X} '{char}'", source, at)


def _token(source: str, match: re.Match[str]) -> Token:
    text, at = match[0], match.start()
    match match.lastgroup:
        case "string":
            try:
                if text[0] in "bB":
                    return Token("Bytes", _bytes(text[2:-1]), at)
                return Token("String", _ESCAPE.sub(_unescaped, text[1:-1]), at)
            except ValueError:
                raise Mistake("invalid char escape", source, at) from None
        case "raw":
            return Token("String", text[1:-1].replace("``", "`"), at)
        case "number":
            follower = source[match.end() : match.end() + 1]
            if follower.isalpha() or follower in ("_", "$"):
                raise Mistake(f'bad number syntax: "{text}{follower}"', source, at)
            return Token("Number", text, at)
        case "word":
            return Token("Operator" if text in _OPERATORS else "Identifier", text, at)
        case "bracket":
            return Token("Bracket", text, at)
    return Token("Operator", text, at)


def _unescaped(match: re.Match[str]) -> str:
    if match["plain"]:
        return _PLAIN.get(match["plain"], match["plain"])
    if match["octal"]:
        return chr(int(match["octal"], 8))
    digits = match["byte"] or match["short"] or match["braced"] or match["long"]
    if not digits or int(digits, 16) > 0x10FFFF:
        raise ValueError("bad escape")
    code = int(digits, 16)
    return "\ufffd" if 0xD800 <= code < 0xE000 else chr(code)


def _bytes(text: str) -> bytes:
    """Escapes give bytes here, other characters their UTF-8."""
    out = bytearray()
    at = 0
    for match in _ESCAPE.finditer(text):
        out += text[at : match.start()].encode()
        if match["short"] or match["braced"] or match["long"]:
            raise ValueError("bad escape")
        code = ord(_unescaped(match))
        if code > 255:
            raise ValueError("bad escape")
        out.append(code)
        at = match.end()
    return bytes(out + text[at:].encode())
