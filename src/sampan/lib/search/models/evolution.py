"""Covariance matrix adaptation: a normal distribution that follows the best of each generation.

A state and what its generation lost give the next state; nothing is changed in place. After Hansen,
"The CMA Evolution Strategy: A Tutorial" (2016), with negative weights for the worse half; numbers
of equations are those of the tutorial. It searches the unit cube: points outside are drawn anew.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from sampan.lib.search.history import Array

_DRAWS = 100  # of a point, until it is inside; then it is moved there
_LEAST_EIGENVALUE = 1e-16
_TINY = 1e-8
_SMALL = 1e-12  # of losses, and of deviations as a part of the first one: the search has settled
_WIDEST = 1e4
_CROOKED = 1e14  # of the largest and the smallest eigenvalue


@dataclass(frozen=True)
class Rates:
    """What only dimensions and population decide (equations 49 to 58)."""

    positive: Array
    """Weights of the better half, and `negative` those of the others; `total`: their sum."""
    negative: Array
    total: float
    step: float
    step_gain: float
    damping: float
    path: float
    path_gain: float
    one: float
    many: float
    length: float
    """Of a standard normal vector, as expected; `longest` is that of a path that is not stalled."""
    longest: float
    memory: int
    """Generations in which something has to change."""


@dataclass(frozen=True)
class Evolution:
    mean: Array
    sigma: float
    covariance: Array
    population: int
    first: float
    """`sigma` at the start."""
    stride: Array
    """The path of `sigma`, and `path` that of the covariance."""
    path: Array
    generation: int = 0
    losses: tuple[float, ...] = ()
    """The least and the largest one of late generations, in turn."""

    def draw(self, random: np.random.Generator, *, mirrored: bool = False) -> Array:
        """`mirrored`: across the mean from what this randomness draws otherwise. A generation of
        such pairs is spread more evenly, and finds as much in fewer of them (Brockhoff et al.
        2010). Where the mirror image is outside, another point is drawn."""
        spread, turned = self._axes
        for _ in range(_DRAWS):
            away = self.sigma * (turned @ (spread * random.standard_normal(len(spread))))
            if _inside(self.mean + away):
                if not mirrored:
                    return self.mean + away
                if _inside(self.mean - away):
                    return self.mean - away
                mirrored = False
        return np.clip(self.mean + away, 0.0, 1.0)

    def told(self, points: Array, losses: Array) -> Evolution:
        """The next generation, after as many points as the population."""
        rates = _rates(len(self.mean), self.population)
        order = losses.argsort(kind="stable")
        spread, turned = self._axes
        away = (points[order] - self.mean) / self.sigma
        white = (away @ turned) / spread @ turned.T  # the covariance's inverse root times each
        moved = rates.positive @ away
        stride = (1 - rates.step) * self.stride + rates.step_gain * (rates.positive @ white)
        length = math.sqrt(stride @ stride)
        steady = length / math.sqrt(1 - (1 - rates.step) ** (2 * (self.generation + 2)))
        kept = steady < rates.longest
        path = (1 - rates.path) * self.path + (rates.path_gain * moved if kept else 0.0)
        ends = float(losses[order[0]]), float(losses[order[-1]])
        return Evolution(
            mean=self.mean + self.sigma * moved,
            sigma=self.sigma * math.exp(rates.step / rates.damping * (length / rates.length - 1)),
            covariance=self._adapted(rates, away, white, path, kept),
            population=self.population,
            first=self.first,
            stride=stride,
            path=path,
            generation=self.generation + 1,
            losses=(*self.losses, *ends)[-2 * rates.memory :],
        )

    @property
    def settled(self) -> bool:
        """Whether it will find nothing more."""
        spread = self._axes[0]
        deviations = self.sigma * np.sqrt(np.diag(self.covariance))
        memory = 2 * _rates(len(self.mean), self.population).memory
        return bool(
            (len(self.losses) >= memory and max(self.losses) - min(self.losses) < _SMALL)
            or (deviations < _SMALL * self.first).all()
            or (self.mean == self.mean + 0.2 * deviations).any()
            or self.sigma * spread.max() > _WIDEST
            or (spread.max() / spread.min()) ** 2 > _CROOKED
        )

    def _adapted(self, rates: Rates, away: Array, white: Array, path: Array, kept: bool) -> Array:
        """Equation 47, with the weights of equation 46."""
        far = len(path) / ((white * white).sum(axis=1) + _TINY)
        weights = rates.positive + rates.negative * far
        stalled = 0.0 if kept else rates.path * (2 - rates.path)
        decay = 1 + rates.one * (stalled - 1) - rates.many * rates.total
        late = rates.one * path[:, None] * path
        now = rates.many * (away.T * weights) @ away
        return np.asarray(decay * self.covariance + late + now)

    @cached_property
    def _axes(self) -> tuple[Array, Array]:
        """The deviations along the main axes, and these as columns."""
        values, turned = np.linalg.eigh(self.covariance)
        return np.sqrt(np.maximum(values, _LEAST_EIGENVALUE)), turned


def _inside(point: Array) -> bool:
    return bool(((point >= 0) & (point <= 1)).all())


def usual(size: int) -> int:
    """The population for so many dimensions (equation 48)."""
    return 4 + math.floor(3 * math.log(size))


def begun(mean: Array, deviations: Array, population: int | None = None) -> Evolution:
    """With the usual population where there is none."""
    size = len(mean)
    sigma = float(np.exp(np.log(deviations).mean()))
    return Evolution(
        mean=mean,
        sigma=sigma,
        covariance=np.diag((deviations / sigma) ** 2),
        population=population or usual(size),
        first=sigma,
        stride=np.zeros(size),
        path=np.zeros(size),
    )


@lru_cache(maxsize=64)
def _rates(size: int, population: int) -> Rates:
    half = population // 2
    raw = math.log((population + 1) / 2) - np.log(np.arange(1, population + 1))
    chosen = float(raw[:half].sum() ** 2 / (raw[:half] ** 2).sum())
    others = float(raw[half:].sum() ** 2 / (raw[half:] ** 2).sum())
    one = 2 / ((size + 1.3) ** 2 + chosen)
    many = min(1 - one, 2 * (chosen - 2 + 1 / chosen) / ((size + 2) ** 2 + chosen))
    lowest = min(1 + one / many, 1 + 2 * others / (chosen + 2), (1 - one - many) / (size * many))
    positive, negative = np.maximum(raw, 0.0), np.minimum(raw, 0.0)
    positive, negative = positive / positive.sum(), negative * lowest / -negative.sum()
    step = (chosen + 2) / (size + chosen + 5)
    path = (4 + chosen / size) / (size + 4 + 2 * chosen / size)
    length = math.sqrt(size) * (1 - 1 / (4 * size) + 1 / (21 * size * size))
    return Rates(
        positive=positive,
        negative=negative,
        total=float(positive.sum() + negative.sum()),
        step=step,
        step_gain=math.sqrt(step * (2 - step) * chosen),
        damping=1 + 2 * max(0.0, math.sqrt((chosen - 1) / (size + 1)) - 1) + step,
        path=path,
        path_gain=math.sqrt(path * (2 - path) * chosen),
        one=one,
        many=many,
        length=length,
        longest=(1.4 + 2 / (size + 1)) * length,
        memory=10 + math.ceil(30 * size / population),
    )
