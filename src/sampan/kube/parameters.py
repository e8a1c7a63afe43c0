"""What a program has written to an output parameter's file, as a value of the declared type. Pure.

Upstream: kubeflow/pipelines backend/src/v2/metadata/converter.go TextToPbValue, which reads numbers
and booleans as Go does.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from sampan.kube.launcher import ParameterType

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_TRUE, _FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False")
_MOST_SAID = 200  # characters of a text in a message


class BadValue(ValueError):
    """The text is no such value."""


def parsed(text: str, type: ParameterType) -> Any:
    """BadValue says which text is not of which type."""
    try:
        return _READERS[type](text)
    except (ValueError, KeyError, RecursionError) as error:
        said = text if len(text) <= _MOST_SAID else text[:_MOST_SAID] + "…"
        why = str(error) if isinstance(error, ValueError) else _UNKNOWN
        shown = json.dumps(said, ensure_ascii=False)
        raise BadValue(f'TextToPbValue(text={shown}, type="{type}") failed: {why}') from None


def strict_json(text: str | bytes) -> Any:
    """JSON as the standard has it: no NaN, no infinity. ValueError, RecursionError."""
    return json.loads(text, parse_constant=_no_constant)


def _integer(text: str) -> int:
    digits = text.strip()
    if not _INTEGER.fullmatch(digits) or len(digits) > 20:
        raise ValueError("invalid syntax")
    found = int(digits)
    if not -(1 << 63) <= found < 1 << 63:
        raise ValueError("value out of range")
    return found


def _double(text: str) -> float:
    digits = text.strip()
    if not _NUMBER.fullmatch(digits):
        raise ValueError("invalid syntax")
    found = float(digits)
    if math.isinf(found):
        raise ValueError("value out of range")
    return found


def _boolean(text: str) -> bool:
    word = text.strip()
    if word not in (*_TRUE, *_FALSE):
        raise ValueError("invalid syntax")
    return word in _TRUE


def _list(text: str) -> list[Any]:
    found = strict_json(text)
    if not isinstance(found, list):
        raise ValueError("unexpected type")
    return found


def _struct(text: str) -> dict[str, Any]:
    found = strict_json(text)
    if not isinstance(found, dict):
        raise ValueError("unexpected type")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


_UNKNOWN = "unknown type. Expected STRING, NUMBER_INTEGER, NUMBER_DOUBLE, BOOLEAN, LIST or STRUCT"
_READERS: Mapping[str, Callable[[str], Any]] = {
    "STRING": str,
    "NUMBER_INTEGER": _integer,
    "NUMBER_DOUBLE": _double,
    "BOOLEAN": _boolean,
    "LIST": _list,
    "STRUCT": _struct,
}
