"""Losses whose minimum is known, to search with any library: Branin and Hartmann 6."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_HEIGHTS = (1.0, 1.2, 3.0, 3.2)
_STEEP = (
    (10, 3, 17, 3.5, 1.7, 8),
    (0.05, 10, 17, 0.1, 8, 14),
    (3, 3.5, 1.7, 10, 17, 8),
    (17, 8, 0.05, 10, 0.1, 14),
)
_WHERE = (
    (0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886),
    (0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991),
    (0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650),
    (0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381),
)


@dataclass(frozen=True)
class Surface:
    name: str
    loss: Callable[[Sequence[float]], float]
    ranges: tuple[tuple[float, float], ...]
    least: float


def branin(point: Sequence[float]) -> float:
    x, y = point
    bent = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return bent * bent + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def hartmann(point: Sequence[float]) -> float:
    return -sum(
        height
        * math.exp(-sum(a * (x - p) ** 2 for a, x, p in zip(steep, point, where, strict=True)))
        for height, steep, where in zip(_HEIGHTS, _STEEP, _WHERE, strict=True)
    )


SURFACES = (
    Surface("Branin", branin, ((-5, 10), (0, 15)), 0.39788735772973816),
    Surface("Hartmann 6", hartmann, ((0, 1),) * 6, -3.32236801141551),
)
