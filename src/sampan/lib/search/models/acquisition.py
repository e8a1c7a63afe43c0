"""What a point is worth trying, given the middle and the deviation of what it may lose.

Each function answers the worth and its slopes by the middle and the deviation. `best` is the least
loss so far. Worths are logarithms where they are products of small chances.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtr

from sampan.lib.search.history import Array

Worth = tuple[Array, Array, Array]
Function = Callable[[Array, Array, float], Worth]

_KAPPA = 1.96  # deviations below the middle
_BETTER = 0.01  # by how much less a loss has to be to count as an improvement
_ROOT = math.sqrt(2 * math.pi)


def lower_bound(middle: Array, deviation: Array, best: float) -> Worth:
    ones = np.ones_like(middle)
    return _KAPPA * deviation - middle, -ones, _KAPPA * ones


def improvement(middle: Array, deviation: Array, best: float) -> Worth:
    """The logarithm of the expected improvement (Ament et al. 2023)."""
    z = np.clip((best - middle) / deviation, -1e4, 1e4)
    low = np.minimum(z, 0.0)
    ratio = math.sqrt(math.pi / 2) * erfcx(-low / math.sqrt(2))  # of chance and density
    high = np.maximum(z, 0.0)
    density, chance = np.exp(-0.5 * high * high) / _ROOT, ndtr(high)
    worth = np.where(
        z < 0,
        -0.5 * low * low - math.log(_ROOT) + np.log1p(low * ratio),
        np.log(density + high * chance),
    )
    slope = np.where(z < 0, ratio / (1 + low * ratio), chance / (density + high * chance))
    return np.log(deviation) + worth, -slope / deviation, (1 - slope * z) / deviation


def probability(middle: Array, deviation: Array, best: float) -> Worth:
    """The logarithm of the chance to improve."""
    z = (best - _BETTER - middle) / deviation
    chance = log_ndtr(z)
    slope = np.exp(-0.5 * z * z - chance) / _ROOT
    return chance, -slope / deviation, -slope * z / deviation


FUNCTIONS: Mapping[str, Function] = {
    "EI": improvement,
    "LCB": lower_bound,
    "PI": probability,
    "EIps": improvement,
    "PIps": probability,
}
"""By the names that experiments give them."""
PER_SECOND = frozenset({"EIps", "PIps"})
"""Those that are divided by the seconds that a trial is expected to take."""
