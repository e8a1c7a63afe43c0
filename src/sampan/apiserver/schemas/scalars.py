"""Scalars of Kubernetes' own kinds: numbers, quantities, times, base64, and what is wrong with one.

`SCALARS` are nodes by the codes of `scripts/derive_facts.py`; the faults are in the words of Go's
decoder, with `{at}` and `{path}` for the place.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from typing import Any, Final

from sampan.apiserver.schemas.nodes import SAID, TEXT, Node, Scalar
from sampan.kube import quantities


def _int32(value: int) -> str | None:
    if -(2**31) <= value < 2**31:
        return None
    return (
        f"json: cannot unmarshal number {value} into Go struct field {{at}}.{{path}} of type int32"
    )


def _double(value: Any) -> str | None:
    if value.__class__ is float or value.__class__ is int:
        return None
    said = SAID[value.__class__]
    return f"json: cannot unmarshal {said} into Go struct field {{at}}.{{path}} of type float64"


def _int_or_string(value: Any) -> str | None:
    if value.__class__ is str or (value.__class__ is int and -(2**31) <= value < 2**31):
        return None
    said = SAID.get(value.__class__, f"number {value}")
    return f"json: cannot unmarshal {said} into Go value of type int32"


_QUANTITY = f"quantities must match the regular expression '{quantities.PATTERN}'"
_QUANTITY_FAULT = _QUANTITY.replace("{", "{{").replace("}", "}}")


def _quantity(value: Any) -> str | None:
    if value.__class__ is str or value.__class__ is int or value.__class__ is float:
        try:
            quantities.parse(value)
        except ValueError:
            return _QUANTITY_FAULT
        return None
    return _QUANTITY_FAULT


_TIME = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?"
    r"(Z|[+-]\d\d:\d\d)"
).fullmatch


def _time(layout: str) -> Callable[[str], str | None]:
    def test(value: str) -> str | None:
        if not value or _TIME(value):
            return None
        shown = value.replace("{", "{{").replace("}", "}}")
        return f'parsing time "{shown}" as "{layout}": cannot parse "{shown}" as "2006"'

    return test


_BASE64 = re.compile(r"[A-Za-z0-9+/]*")


def _base64(value: str) -> str | None:
    try:
        binascii.a2b_base64(value, strict_mode=True)
    except (binascii.Error, ValueError):
        text = value.replace("\n", "").replace("\r", "")
        if text != value:
            return _base64(text)
        return f"illegal base64 data at input byte {_bad_byte(text)}"
    return None


def _bad_byte(text: str) -> int:
    """Where Go's decoder gives up."""
    match = _BASE64.match(text)
    end = match.end() if match else 0
    if end == len(text):
        return end - end % 4
    padding = 4 - end % 4
    if text[end] != "=" or padding > 2:
        return end
    return end + padding if text.startswith("=" * padding, end) else len(text)


SCALARS: Final[dict[str, Node]] = {
    "s": TEXT,
    "i": Scalar("int32", int, _int32),
    "l": Scalar("int64", int),
    "d": Scalar("float64", None, _double),
    "b": Scalar("bool", bool),
    "y": Scalar("[]uint8", str, _base64),
    "t": Scalar("string", str, _time("2006-01-02T15:04:05Z07:00")),
    "T": Scalar("string", str, _time("2006-01-02T15:04:05.000000Z07:00")),
    "q": Scalar("resource.Quantity", None, _quantity),
    "x": Scalar("intstr.IntOrString", None, _int_or_string),
    "o": Node("map[string]interface {}").variant(atomic=True),
    "j": Node("interface {}").variant(atomic=True),
}
"""By the codes of `scripts/derive_facts.py`."""
