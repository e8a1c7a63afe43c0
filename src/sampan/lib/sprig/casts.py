"""Make numbers and texts of anything, as github.com/spf13/cast does: what is none becomes 0."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from sampan.lib import printf
from sampan.lib.expr.values import Opaque, wrapped

MOST = (1 << 63) - 1
_WHOLE = re.compile(r"([+-]?)(0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO]?[0-7_]*|[1-9][0-9_]*)")


def whole(value: Any) -> int:
    """A text may be written like a number in Go: 0x10 and 010 are 16 and 8."""
    if value is None:
        return 0
    if isinstance(value, bool | int):
        return int(value)
    if isinstance(value, float):
        return wrapped(math.trunc(value)) if math.isfinite(value) else -MOST - 1
    if isinstance(value, Opaque):
        return value.whole()
    return _written(value) if isinstance(value, str) else 0


def _written(text: str) -> int:
    text = re.sub(r"\.0*$", "", text)
    match = _WHOLE.fullmatch(text) if len(text) < 80 else None
    if match is None:
        return 0
    digits = match[2].replace("_", "").lower()
    base = {"0x": 16, "0b": 2, "0o": 8}.get(digits[:2], 8 if digits[:1] == "0" else 10)
    body = digits[2:] if digits[:2] in ("0x", "0b", "0o") else digits
    number = int(body or "0", base) * (-1 if match[1] == "-" else 1)
    return number if -MOST - 1 <= number <= MOST else 0


def real(value: Any) -> float:
    if isinstance(value, bool | int | float):
        return float(value)
    if isinstance(value, str) and value.isascii() and value == value.strip():
        try:
            return float(value)
        except ValueError:
            return 0.0
    return 0.0


def text(value: Any) -> str:
    """sprig's strval: bytes are a text, the rest as %v prints it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return printf.text(value)


def texts(value: Any) -> list[str]:
    """Each item as text, nil left out; anything else is a list of one."""
    if isinstance(value, list | tuple):
        return [text(one) for one in value if one is not None]
    return [] if value is None else [text(value)]


def is_empty(value: Any) -> bool:
    """nil, false, 0, "", [] and {}."""
    if isinstance(value, str | bytes | list | tuple | Mapping):
        return len(value) == 0
    return value is None or (isinstance(value, bool | int | float) and value == 0)
