"""Values as text, the way Go prints them: `%v` and JSON."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sampan.lib import printf
from sampan.lib.expr.faults import Fault
from sampan.lib.expr.values import Opaque, type_of

MOST_PARTS = 1_000_000
"""Parts of a value that is made into text; lists that contain each other twice grow fast."""
_HTML = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028",
                       "\u2029": "\\u2029"})  # fmt: skip


def shown(value: Any) -> str:
    """`fmt.Sprintf("%v", value)`"""
    measure(value)
    return _shown(value)


def _shown(value: Any) -> str:
    if value is None:
        return "<nil>"
    if value.__class__ is bool:
        return "true" if value else "false"
    if value.__class__ is float:
        return printf.number(value)
    if isinstance(value, Mapping):
        pairs = sorted(value.items(), key=lambda pair: (type_of(pair[0]), pair[0]))
        return f"map[{' '.join(f'{_shown(key)}:{_shown(one)}' for key, one in pairs)}]"
    if isinstance(value, list | tuple | bytes):
        return f"[{' '.join(map(_shown, value))}]"
    return str(value)


def to_json(value: Any, indent: str = "") -> str:
    """`json.Marshal(value)`: keys sorted, no blanks unless there is an indent."""
    measure(value)
    return _json(value, indent, "\n" if indent else "").translate(_HTML)


def _json(value: Any, indent: str, line: str) -> str:
    if value.__class__ is str:
        return json.dumps(value, ensure_ascii=False)
    if value is None or value.__class__ in (bool, int):
        return json.dumps(value)
    if value.__class__ is float:
        if not math.isfinite(value):
            raise Fault(f"json: unsupported value: {printf.number(value)}")
        return _json_number(value)
    inner = line + indent
    if isinstance(value, Mapping):
        colon = ": " if indent else ":"
        pairs = sorted((_key(key), one) for key, one in value.items())
        return _within("{}", inner, line, [
            f"{json.dumps(key, ensure_ascii=False)}{colon}{_json(one, indent, inner)}"
            for key, one in pairs
        ])  # fmt: skip
    if isinstance(value, list | tuple):
        return _within("[]", inner, line, [_json(one, indent, inner) for one in value])
    if isinstance(value, bytes):
        return f'"{base64.b64encode(value).decode()}"'
    if isinstance(value, Opaque):
        return value.json()
    raise Fault(f"json: unsupported type: {type_of(value)}")


def _json_number(value: float) -> str:
    """The shortest digits; an exponent only for the very small and the very large."""
    if value and not 1e-6 <= abs(value) < 1e21:
        return printf.number(value).replace("e-0", "e-")
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _within(brackets: str, inner: str, line: str, parts: list[str]) -> str:
    if not parts:
        return brackets
    return brackets[0] + inner + f",{inner}".join(parts) + line + brackets[1]


def _key(key: Any) -> str:
    if key.__class__ is str or key.__class__ is int:
        return str(key)
    raise Fault(f"json: unsupported type: map[{type_of(key)}]")


def measure(value: Any, most: int = MOST_PARTS) -> int:
    """How many parts a value has. Fault when there are too many."""
    parts, waiting = 0, [value]
    while waiting:
        one = waiting.pop()
        parts += 1
        if isinstance(one, Mapping):
            parts += len(one)
            waiting.extend(one.values())
        elif isinstance(one, list | tuple):
            waiting.extend(one)
        elif isinstance(one, str):
            parts += len(one) >> 4
        if parts > most:
            raise Fault("memory budget exceeded")
    return parts
