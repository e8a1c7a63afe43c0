r"""Paths into JSON as gjson reads them: `status.conditions.#(type=="Ready").status`.

    path  = part { ("." | "|") part };
    part  = key | index | "#" | "#(" [ path ] [ op value ] ")" [ "#" ] | "@this" | multi;
    multi = "[" path { "," path } "]";
    key   = characters, with `*` and `?` for any, and `\` before one that is meant as it is;
    op    = "==" | "=" | "!=" | "<" | "<=" | ">" | ">=" | "%" | "!%";

`#` alone counts a list, `#.rest` follows the rest in each of its items; `#(…)` is the first item
that fits, `#(…)#` all of them. Behind `|` the rest is about the list itself. `@this` is the value
itself, `[…]` the list of what its paths find. Other modifiers (`@…`), literals (`!…`), multipaths
that make maps (`{…}`) and lines (`..`) are not supported, and refused. A pattern takes the first
key that it fits. Upstream: github.com/tidwall/gjson.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from sampan.lib.regex.patterns import Pattern, compiled

DEEPEST = 100
"""Parts of one path, and queries in one another."""


class Mistake(ValueError):
    """The path is none, or uses what is not supported."""


class _Missing:
    def __bool__(self) -> bool:
        return False


MISSING = _Missing()


def get(document: Any, path: str) -> Any | None:
    """The value, None when there is none. Raises Mistake."""
    found = look(document, path)
    return None if found is MISSING else found


def look(document: Any, path: str) -> Any:
    """The value, or MISSING: so that null can be told from nothing. Raises Mistake."""
    return _follow(document, _parts(path))


def text_of(value: Any) -> str:
    """A value as text: numbers in digits, null and nothing as "", lists and maps as JSON."""
    match value:
        case None | _Missing():
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case float():
            return format(Decimal(repr(value)), "f").removesuffix(".0")
        case list() | dict():
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return str(value)


class _Query(NamedTuple):
    """What stands in `#(…)`. `value` is the text to compare with."""

    path: str
    op: str
    value: str
    every: bool


class _Part(NamedTuple):
    """One step. `key` is a pattern or a text; `query` makes it one of `#(…)`; `piped`: what comes
    next is about the whole result; `many` makes it one of `[…]`, with no path `@this`."""

    key: Pattern | str
    query: _Query | None
    piped: bool
    many: tuple[str, ...] | None = None


def _follow(value: Any, parts: tuple[_Part, ...]) -> Any:
    for at, part in enumerate(parts):
        if part.many is not None:
            found = [look(value, path) for path in part.many]
            value = [each for each in found if each is not MISSING] if found else value
            continue
        if part.query is not None or part.key == "#":
            return _in_list(value, part, parts[at + 1 :])
        value = _step(value, part.key)
        if value is MISSING:
            break
    return value


def _step(value: Any, key: Pattern | str) -> Any:
    if isinstance(value, dict):
        if isinstance(key, str):
            return value.get(key, MISSING)
        return next((value[name] for name in value if key.search(name)), MISSING)
    if isinstance(value, list) and isinstance(key, str) and re.fullmatch(r"[0-9]{1,9}", key):
        return value[int(key)] if int(key) < len(value) else MISSING
    return MISSING


def _in_list(value: Any, part: _Part, rest: tuple[_Part, ...]) -> Any:
    if isinstance(value, dict) and part.query is None:
        return _follow(value["#"], rest) if "#" in value else MISSING
    if not isinstance(value, list):
        return MISSING
    if part.query is None:
        each = bool(rest) and not part.piped
        return _in_each(value, rest) if each else _follow(len(value), rest)
    fitting = (item for item in value if _fits(item, part.query))
    if not part.query.every:
        first = next(fitting, MISSING)
        return MISSING if first is MISSING else _follow(first, rest)
    found = list(fitting)
    return _in_each(found, rest) if rest and not part.piped else _follow(found, rest)


def _in_each(items: list[Any], rest: tuple[_Part, ...]) -> Any:
    """What the parts up to the next `|` find in each item, and behind it in the list of that."""
    pipe = next((at + 1 for at, part in enumerate(rest) if part.piped), len(rest))
    found = (_follow(item, rest[:pipe]) for item in items)
    return _follow([each for each in found if each is not MISSING], rest[pipe:])


_REFUSED = ("@", "!", "{")
_THIS = "@this"


@lru_cache(maxsize=512)
def _parts(path: str) -> tuple[_Part, ...]:
    found: list[_Part] = []
    at = 0
    while True:
        part, at = _part(path, at)
        found.append(part)
        if len(found) > DEEPEST:
            raise Mistake(f"a path may have {DEEPEST} parts at most")
        if at >= len(path):
            return tuple(found)
        at += 1


def _part(path: str, at: int) -> tuple[_Part, int]:
    """The part that begins here, and where it ends."""
    if path.startswith("[", at):
        return _many(path, at)
    if path.startswith(_THIS, at) and path[at + len(_THIS) :][:1] in ("", ".", "|"):
        end = at + len(_THIS)
        return _Part(_THIS, None, path[end : end + 1] == "|", ()), end
    if path.startswith(_REFUSED, at) or path.startswith(".."):
        raise Mistake(f"'{path[at:][:20]}' is not supported in a path")
    return _query(path, at) if path.startswith(("#(", "#["), at) else _key(path, at)


def _many(path: str, at: int) -> tuple[_Part, int]:
    if path.count("[") > DEEPEST:
        raise Mistake(f"a path may have {DEEPEST} lists at most")
    end = _closing(path, at + 1)
    paths = tuple(_split(path[at + 1 : end]))
    for each in paths:
        if not each:
            raise Mistake(f"there is no path between commas in '{path[at:][:20]}'")
        _parts(each)  # what is wrong in it is wrong now, not at the first value
    if path[end + 1 : end + 2] not in ("", ".", "|"):
        raise Mistake(f"unexpected '{path[end + 1 :][:20]}' behind a list")
    return _Part("", None, path[end + 1 : end + 2] == "|", paths), end + 1


def _split(text: str) -> Iterator[str]:
    """What stands between commas, those in quotes and brackets apart."""
    begin = at = depth = 0
    while at < len(text):
        if text[at] == "," and depth == 0:
            yield text[begin:at]
            begin = at = at + 1
            continue
        if quoted := _QUOTED.match(text, at):
            at = quoted.end()
            continue
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(text[at], 0)
        at += 1
    yield text[begin:]


def _key(path: str, at: int) -> tuple[_Part, int]:
    """The part that begins here, and where it ends."""
    match = _KEY.match(path, at)
    assert match is not None  # it takes nothing, too
    chars = _CHAR.findall(match[0])
    wild = "*" in chars or "?" in chars
    key = _like(match[0]) if wild else "".join(char[-1] for char in chars)
    return _Part(key, None, path[match.end() :][:1] == "|"), match.end()


_CHAR = re.compile(r"\\.|.", re.DOTALL)
_KEY = re.compile(r"(?:[^.|\\]|\\.|\\\Z)*", re.DOTALL)
_INSIDE = re.compile(r'(?:[^"\\\[\]()]|\\.|"(?:[^"\\]|\\.)*")+', re.DOTALL)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\\.', re.DOTALL)
_OPERATOR = re.compile(r"==|!=|<=|>=|!%|[=<>%]")


def _query(path: str, at: int) -> tuple[_Part, int]:
    begin = at + 2
    end = _closing(path, begin)
    every = path.startswith("#", end + 1)
    at = end + 1 + every
    if at < len(path) and path[at] not in ".|":
        raise Mistake(f"unexpected '{path[at:][:20]}' behind a query")
    return _Part("#", _terms(path[begin:end], every), path[at : at + 1] == "|"), at


def _closing(path: str, at: int) -> int:
    depth = 1
    while at < len(path):
        if match := _INSIDE.match(path, at):
            at = match.end()
            continue
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(path[at], 0)
        if depth == 0:
            return at
        at += 1
    raise Mistake(f"a query in '{path[:40]}' is not closed")


def _terms(text: str, every: bool) -> _Query:
    at = depth = 0
    while at < len(text):
        if depth == 0 and (operator := _OPERATOR.match(text, at)):
            sign = "=" if operator[0] == "==" else operator[0]
            return _Query(text[:at].strip(), sign, _unquoted(text[operator.end() :]), every)
        if depth == 0 or (inside := _INSIDE.match(text, at)) is None:
            inside = _QUOTED.match(text, at)
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(text[at], 0)
        at = inside.end() if inside else at + 1
    return _Query(text.strip(), "", "", every)


def _unquoted(text: str) -> str:
    text = text.strip()
    if len(text) < 2 or not (text.startswith('"') and text.endswith('"')):
        return text
    try:
        return str(json.loads(text))
    except ValueError:
        return text[1:-1]


def _fits(item: Any, query: _Query) -> bool:
    if query.path:
        found = look(item, query.path) if isinstance(item, dict | list) else MISSING
    else:
        found = item
    wanted = query.value
    if wanted.startswith("~"):
        found, wanted = _loosely(found, wanted[1:]), "true"
    if found is MISSING:
        return False
    return not query.op or _compares(found, query.op, wanted)


_TRUE, _FALSE = ("1", "t", "true"), ("0", "f", "false")


def _loosely(value: Any, word: str) -> Any:
    """What `~true` and the like make of a value: whether it is like that."""
    text = value.lower() if isinstance(value, str) else None
    match word:
        case "*":
            return value is not MISSING
        case "null":
            return value is None or value is MISSING
        case "true":
            return value is True or text in _TRUE or (_is_number(value) and value != 0)
        case "false":
            nothing = value is False or value is None or value is MISSING
            return nothing or text in _FALSE or (_is_number(value) and value == 0)
    return MISSING


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _compares(value: Any, op: str, wanted: str) -> bool:
    if isinstance(value, bool):
        order = {"true": 1, "false": 0}.get(wanted, -1)
        if order < 0:
            return op == "!=" or op == (">=" if value else "<=")
        return _ordered(int(value), op, order)
    if _is_number(value):
        return _ordered(value, op, _number(wanted))
    if not isinstance(value, str):
        return False
    if op in ("%", "!%"):
        return bool(_like(wanted).search(value)) is (op == "%")
    return _ordered(value, op, wanted)


def _ordered(left: Any, op: str, right: Any) -> bool:
    match op:
        case "=":
            return bool(left == right)
        case "!=":
            return bool(left != right)
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
    return op == ">=" and bool(left >= right)


def _number(text: str) -> float:
    """As gjson reads it: what is no number is 0."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def _like(text: str) -> Pattern:
    """A text with `*` and `?` for any characters, and `\\` before one that is meant as it is."""
    return compiled(f"(?s)^{''.join(map(_liked, _CHAR.findall(text)))}$")


def _liked(char: str) -> str:
    return {"*": ".*", "?": "."}.get(char) or re.escape(char[-1])
