"""The Sobol sequence, by the direction numbers of Joe and Kuo (2008).

Point n is the exclusive or of those direction numbers whose bit is set in the Gray code of n. The
numbers are read from the file that SciPy has them in, without loading `scipy.stats`, which takes
longer than a first trial may. Not scrambled, and not drawn from: points have numbers.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MOST_AXES = 21201
_BITS = 30
"""Of a coordinate, and of the number of a point."""
_FILE = "stats/_sobol_direction_numbers.npz"


def point(number: int, axes: int) -> Array:
    """Number 0 is the corner of all zeros; there are 2**30."""
    gray = number ^ number >> 1
    chosen = [bit for bit in range(_BITS) if gray >> bit & 1]
    found = np.bitwise_xor.reduce(_directions(axes)[:, chosen], axis=1)
    return np.asarray(found / 2.0**_BITS)


@lru_cache(maxsize=8)
def _directions(axes: int) -> NDArray[np.int64]:
    """A row for each axis; the recurrence is theirs (Bratley and Fox 1988, algorithm 659)."""
    with np.load(_place()) as numbers:
        polynomial = numbers["poly"][:axes].astype(np.int64)
        first = numbers["vinit"][:axes].astype(np.int64)
    degree = np.frexp(polynomial)[1].astype(np.int64) - 1
    found = np.ones((axes, _BITS), dtype=np.int64)
    for bit in range(_BITS):
        rows = np.flatnonzero(degree > bit)
        found[rows, bit] = first[rows, bit] if len(rows) else 0
        rows = np.flatnonzero((degree > 0) & (degree <= bit))
        found[rows, bit] = found[rows, bit - degree[rows]]
        for back in range(1, int(degree.max(initial=0)) + 1):
            those = rows[(degree[rows] >= back)]
            those = those[polynomial[those] >> (degree[those] - back) & 1 == 1]
            found[those, bit] ^= found[those, bit - back] << back
    return np.asarray(found << np.arange(_BITS)[::-1])


def _place() -> Path:
    spec = find_spec("scipy")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("scipy")
    return Path(spec.submodule_search_locations[0], _FILE)
