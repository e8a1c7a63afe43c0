"""What the strings library does with text. Places are counted in characters."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sampan.lib.cel.faults import EvaluationError
from sampan.lib.cel.standard import to_string
from sampan.lib.cel.values import Uint, type_of

_UPPER, _LOWER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_TO_LOWER, _TO_UPPER = str.maketrans(_UPPER, _LOWER), str.maketrans(_LOWER, _UPPER)
_QUOTED = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t",
           "\v": "\\v", "\\": "\\\\", '"': '\\"'}  # fmt: skip


def char_at(text: str, at: int) -> str:
    _check(text, at)
    return text[at : at + 1]


def index_of(text: str, part: str, at: int = 0) -> int:
    _check(text, at)
    return text.find(part, at)


def last_index_of(text: str, part: str, at: int | None = None) -> int:
    if at is None:
        return text.rfind(part)
    _check(text, at)
    return text.rfind(part, 0, at + len(part))


def _check(text: str, at: int) -> None:
    if not 0 <= at <= len(text):
        raise EvaluationError(f"index out of range: {at}")


def substring(text: str, start: int, end: int | None = None) -> str:
    stop = len(text) if end is None else end
    if not 0 <= start <= stop <= len(text):
        raise EvaluationError(f"invalid substring range. start: {start}, end: {stop}")
    return text[start:stop]


def replace(text: str, old: str, new: str, count: int = -1) -> str:
    return text.replace(old, new, count)


def split(text: str, between: str, most: int = -1) -> list[str]:
    if most == 0:
        return []
    if not between:
        parts = list(text)
        return parts if most < 0 else [*parts[: most - 1], "".join(parts[most - 1 :])]
    return text.split(between, -1 if most < 0 else most - 1)


def translate(text: str, *, lower: bool) -> str:
    return text.translate(_TO_LOWER if lower else _TO_UPPER)


def quote(text: str) -> str:
    return '"' + "".join(_QUOTED.get(char, char) for char in text) + '"'


def format_text(text: str, args: list[Any]) -> str:
    """`%s %d %f %e %b %o %x %X %%`, with a precision as in `%.2f`. Raises EvaluationError."""
    out, at, used = [], 0, 0
    while at < len(text):
        if text[at] != "%":
            out.append(text[at])
            at += 1
            continue
        precision, at = _precision(text, at + 1)
        verb = text[at : at + 1]
        at += 1
        if verb == "%":
            out.append("%")
            continue
        if used >= len(args):
            raise EvaluationError(f"index {used} out of range")
        out.append(_shown(verb, precision, args[used]))
        used += 1
    return "".join(out)


def _precision(text: str, at: int) -> tuple[int | None, int]:
    if text[at : at + 1] != ".":
        return None, at
    end = at + 1
    while text[end : end + 1].isdigit():
        end += 1
    return int(text[at + 1 : end][:3] or 0), end


def _shown(verb: str, precision: int | None, value: Any) -> str:
    digits = 6 if precision is None else precision
    whole = value.__class__ in (int, Uint)
    if verb == "s":
        return plain(value)
    if verb == "d" and (whole or value.__class__ is float):
        return plain(value)
    if verb == "f" and (whole or value.__class__ is float):
        return f"{float(value):.{digits}f}"
    if verb == "e" and (whole or value.__class__ is float):
        number, _, power = f"{float(value):.{digits}e}".partition("e")
        return f"{number}×10{power.replace('+', '').translate(_RAISED)}"
    if verb in "boxX" and (whole or (verb == "b" and value.__class__ is bool)):
        return format(int(value), verb)
    if verb in "xX" and value.__class__ in (str, bytes):
        raw = value.encode() if isinstance(value, str) else value
        return str(raw.hex() if verb == "x" else raw.hex().upper())
    text = f"error during formatting: the verb %{verb} cannot show a {type_of(value)}"
    raise EvaluationError(text)


def plain(value: Any) -> str:
    """A value as %s shows it."""
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case bytes():
            return value.decode("utf-8", "replace")
        case list():
            return "[" + ", ".join(map(plain, value)) + "]"
        case dict():
            pairs = sorted(f"{plain(key)}: {plain(inner)}" for key, inner in value.items())
            return "{" + ", ".join(pairs) + "}"
    return to_string(value) if hasattr(value, "cel_text") or _is_plain(value) else str(value)


def _is_plain(value: Any) -> bool:
    return isinstance(value, float | datetime | timedelta)
