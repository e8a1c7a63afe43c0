"""From text to tokens."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from sampan.lib.cel.faults import CompileError
from sampan.lib.cel.values import Uint

_TOKEN = re.compile(
    r"""(?P<space>(?:\s+|//[^\n]*)+)
    | (?P<string>(?:[rR][bB]?|[bB][rR]?)?(?:\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''(?:[^\\]|\\.)*?'''
        |"(?:[^"\\\n\r]|\\.)*"|'(?:[^'\\\n\r]|\\.)*'))
    | (?P<float>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)
    | (?P<int>0[xX][0-9a-fA-F]+[uU]?|\d+[uU]?)
    | (?P<name>[_a-zA-Z][_a-zA-Z0-9]*)
    | (?P<quoted>`[a-zA-Z0-9_.\-/ ]+`)
    | (?P<sign>&&|\|\||==|!=|<=|>=|[-+*/%!<>?:.,()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\?\"'`])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})"
    r"|(.?))",
    re.DOTALL | re.IGNORECASE,
)
_PLAIN = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_WORDS = {"true": True, "false": False, "null": None}


class Token(NamedTuple):
    """`kind` is name, quoted, value, in, end, or the sign itself."""

    kind: str
    value: Any
    at: int


def tokens(source: str) -> list[Token]:
    """All tokens, an end behind them. Raises CompileError."""
    found: list[Token] = []
    at = 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            fault = f"Syntax error: token recognition error at: '{source[at : at + 1]}'"
            raise CompileError(source, at, fault)
        if match.lastgroup != "space":
            found.append(_token(source, match))
        at = match.end()
    found.append(Token("end", None, len(source)))
    return found


def _token(source: str, match: re.Match[str]) -> Token:
    text, at = match[0], match.start()
    match match.lastgroup:
        case "string":
            return Token("value", _string(source, text, at), at)
        case "float":
            return Token("value", float(text), at)
        case "int":
            unsigned = text[-1] in "uU"
            number = int(text.rstrip("uU"), 16 if text[:2] in ("0x", "0X") else 10)
            return Token("value", Uint(number) if unsigned else number, at)
        case "name":
            if text in _WORDS:
                return Token("value", _WORDS[text], at)
            return Token("in" if text == "in" else "name", text, at)
        case "quoted":
            return Token("quoted", text[1:-1], at)
    return Token(text, text, at)


def _string(source: str, text: str, at: int) -> str | bytes:
    prefix = text[: min(text.index(sign) for sign in "'\"" if sign in text)].lower()
    quotes = 3 if text[len(prefix) :][:3] in ('"""', "'''") else 1
    body = text[len(prefix) + quotes : -quotes]
    as_bytes = "b" in prefix
    if "r" not in prefix:
        try:
            body = _ESCAPE.sub(_unescaped, body)
        except ValueError:
            raise CompileError(source, at, "Syntax error: bad escape in a string") from None
    return body.encode("utf-8", "surrogateescape") if as_bytes else body


def _unescaped(match: re.Match[str]) -> str:
    plain, *codes, octal, other = match.groups()
    if plain:
        return _PLAIN.get(plain, plain)
    if octal:
        return chr(int(octal, 8))
    code = next(filter(None, codes), None)
    if code is None or other:
        raise ValueError("bad escape")
    return chr(int(code, 16))
