"""Quantities: the numbers of `resources` and `storage`, such as `500m`, `1Gi` and `1e3`.

`parse` gives an exact Fraction, so that sums and comparisons never round; `milli` and `value` are
the two integers that a scheduler wants, rounded up; `format` writes one back in the canonical form,
and `canonical` does both. Upstream: k8s.io/apimachinery pkg/api/resource.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from functools import lru_cache
from typing import Literal

Quantity = str | int | float
Style = Literal["decimal", "binary", "exponent"]
"""How a quantity is written: `1k` and `1m`, `1Ki`, or `1e3`."""

PATTERN = r"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
"""What a real server shows when a quantity cannot be read."""

_NUMBER = re.compile(
    r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]{1,3}))?"
)
_DECIMAL = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E")  # 10 ** -9 and on, by thousands
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_SUFFIXES = {
    **{suffix: Fraction(1000) ** (rank - 3) for rank, suffix in enumerate(_DECIMAL)},
    **{suffix: Fraction(1024**rank) for rank, suffix in enumerate(_BINARY)},
}
_NANO = 10**9


@lru_cache(maxsize=4096)
def parse(quantity: Quantity) -> Fraction:
    """The number that a quantity stands for: `"100m"` is 1/10, `"1Ki"` is 1024.

    ValueError when it is no quantity. JSON numbers are taken as they are.
    """
    match = _NUMBER.fullmatch(str(quantity))
    if match is None:
        raise ValueError(f"quantities must match the regular expression '{PATTERN}'")
    number, suffix, exponent = match.groups()
    value = Fraction(number)
    if suffix:
        return value * _SUFFIXES[suffix]
    return value * Fraction(10) ** int(exponent) if exponent else value


def milli(quantity: Quantity) -> int:
    """Thousandths, rounded up: `"100m"` is 100. ValueError when it is no quantity."""
    return math.ceil(parse(quantity) * 1000)


def value(quantity: Quantity) -> int:
    """Whole units, rounded up: `"1.5Ki"` is 1536, `"100m"` is 1. ValueError as `parse`."""
    return math.ceil(parse(quantity))


def style_of(quantity: Quantity) -> Style:
    """The style that a quantity was written in."""
    match = _NUMBER.fullmatch(str(quantity))
    if match is not None and (match[2] or "").endswith("i"):
        return "binary"
    return "exponent" if match is not None and match[3] else "decimal"


def format(number: Fraction | int, style: Style = "decimal") -> str:
    """The canonical form: no fraction, the largest suffix that allows it, at most nano precision.

    Below 1024 the binary style writes as the decimal one does; a number with a fraction is
    rounded up there, as upstream does.
    """
    exact = Fraction(number)
    if style == "binary" and abs(exact) >= 1024:
        return _binary(math.ceil(exact))
    return _decimal(exact, style)


def canonical(quantity: Quantity) -> str:
    """The same amount as a real server would write it: `"0.5"` is `500m`, `"1024Mi"` is `1Gi`."""
    return format(parse(quantity), style_of(quantity))


def _binary(number: int) -> str:
    rank = 0
    while number % 1024 == 0 and rank < len(_BINARY) - 1:
        number, rank = number // 1024, rank + 1
    return f"{number}{_BINARY[rank]}"


def _decimal(number: Fraction, style: Style) -> str:
    nanos = math.ceil(number * _NANO) if number > 0 else math.floor(number * _NANO)
    if not nanos:
        return "0"
    rank = 0
    while nanos % 1000 == 0 and (rank < len(_DECIMAL) - 1 or style == "exponent"):
        nanos, rank = nanos // 1000, rank + 1
    if style == "exponent":
        return f"{nanos}e{3 * rank - 9}" if rank != 3 else str(nanos)
    return f"{nanos}{_DECIMAL[rank]}"
