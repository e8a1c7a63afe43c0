"""Quantities: the numbers of `resources` and `storage`, such as `500m`, `1Gi` and `1e3`.

`parse` gives an exact Fraction, so that sums and comparisons never round. Writing one back in
the canonical form of Kubernetes is not done here.
Upstream: k8s.io/apimachinery pkg/api/resource.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

PATTERN = r"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
"""What a real server shows when a quantity cannot be read."""

_NUMBER = re.compile(
    r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]{1,3}))?"
)
_SUFFIXES = {
    "n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000),
    "k": Fraction(10**3), "M": Fraction(10**6), "G": Fraction(10**9),
    "T": Fraction(10**12), "P": Fraction(10**15), "E": Fraction(10**18),
    "Ki": Fraction(2**10), "Mi": Fraction(2**20), "Gi": Fraction(2**30),
    "Ti": Fraction(2**40), "Pi": Fraction(2**50), "Ei": Fraction(2**60),
}  # fmt: skip


@lru_cache(maxsize=4096)
def parse(quantity: str | int | float) -> Fraction:
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
