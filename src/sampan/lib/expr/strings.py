"""The built-in functions on texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sampan.lib.expr.faults import Fault
from sampan.lib.expr.values import type_of, whole

MOST_TEXT = 10_000_000
"""Characters of one text that a function makes."""
_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)


def _trim(text: str, chars: str = _SPACE) -> str:
    return text.strip(chars)


def _split(text: str, by: str, most: Any = -1) -> list[str]:
    count = whole(most)
    if count == 0:
        return []
    if not by:
        parts = list(text)
        return parts if count < 0 else [*parts[: count - 1], "".join(parts[count - 1 :])]
    return text.split(by) if count < 0 else text.split(by, count - 1)


def _split_after(text: str, by: str, most: Any = -1) -> list[str]:
    *parts, last = _split(text, by, most) or [""]
    return [*(part + by for part in parts), last] if whole(most) else []


def _replace(text: str, old: str, new: str, most: Any = -1) -> str:
    times = text.count(old) if whole(most) < 0 else min(text.count(old), whole(most))
    if len(text) + times * (len(new) - len(old)) > MOST_TEXT:
        raise Fault("memory budget exceeded")
    return text.replace(old, new, times)


def _repeat(text: str, times: Any) -> str:
    count = whole(times)
    if count < 0:
        raise Fault(f"invalid argument for repeat (expected positive integer, got {count})")
    if count > 1_000_000 or len(text) * count > MOST_TEXT:
        raise Fault("memory budget exceeded")
    return text * count


def _join(parts: Sequence[Any], glue: str = "") -> str:
    for part in parts:
        if part.__class__ is not str:
            raise Fault(f"invalid argument for join (type {type_of(part)})")
    if sum(map(len, parts)) + len(glue) * len(parts) > MOST_TEXT:
        raise Fault("memory budget exceeded")
    return glue.join(parts)


def _index_of(text: str, part: str) -> int:
    at = text.find(part)
    return len(text[:at].encode("utf-8", "surrogatepass")) if at > 0 else at


def _last_index_of(text: str, part: str) -> int:
    at = text.rfind(part)
    return len(text[:at].encode("utf-8", "surrogatepass")) if at > 0 else at


FUNCTIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    "trim": ("s?s", _trim),
    "trimPrefix": ("s?s", lambda text, part=" ": text.removeprefix(part)),
    "trimSuffix": ("s?s", lambda text, part=" ": text.removesuffix(part)),
    "upper": ("s", str.upper),
    "lower": ("s", str.lower),
    "split": ("ss?i", _split),
    "splitAfter": ("ss?i", _split_after),
    "replace": ("sss?i", _replace),
    "repeat": ("si", _repeat),
    "join": ("l?s", _join),
    "indexOf": ("ss", _index_of),
    "lastIndexOf": ("ss", _last_index_of),
    "hasPrefix": ("ss", str.startswith),
    "hasSuffix": ("ss", str.endswith),
}
"""By name: what it takes (`signatures`), and what it does."""
