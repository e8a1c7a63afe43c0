"""Parzen estimators: a density over the unit cube, of which each observation is a bump.

A bump is a product over the axes: along an ordered axis a normal distribution, cut at the ends;
along the choices of an unordered one, some of the weight on its own choice. An axis along which an
observation has no place (NaN) is flat in its bump. One more bump is the prior, wide enough to be
drawn from everywhere. Bumps are as wide along an axis as observations are apart there: the
geometric mean of the larger distances to their neighbours, at least a part of the axis that shrinks
as there are more of them, and no less than a half of one step.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr, ndtri

from sampan.lib.search.history import Array

_HALF = 0.5**0.5
NARROW = 0.3
"""Of an axis, for one observation."""
_MOST_APART = 100  # observations, from which on bumps get no narrower


class Parzen:
    """`levels` of each axis: negative where it is unordered, 0 for a continuum. `weights`: one for
    each place; `prior` is that of the prior's bump. `narrow`: the least width of one bump alone;
    `wider`: by how much all are wider than observations are apart."""

    def __init__(
        self,
        places: Array,
        weights: Array,
        levels: Sequence[int],
        prior: float = 1.0,
        *,
        narrow: float = NARROW,
        wider: float = 1.0,
    ) -> None:
        count, axes = places.shape
        self._levels = levels
        self._places = np.vstack([places, np.full(axes, 0.5)])
        self._widths = np.ones((count + 1, axes))
        for axis, level in enumerate(levels):
            self._widths[:-1, axis] = min(1.0, wider * _width(places[:, axis], level, narrow))
        self._weights = np.append(weights, prior) / (weights.sum() + prior)
        self._tables = {
            axis: _table(places[:, axis], -level, prior)
            for axis, level in enumerate(levels)
            if level < 0
        }
        self._flat = bool(np.isnan(places).any())
        self._low = ndtr(-self._places / self._widths)
        self._mass = ndtr((1 - self._places) / self._widths) - self._low

    def draw(self, count: int, random: np.random.Generator) -> Array:
        """So many places."""
        bumps = np.searchsorted(np.cumsum(self._weights), random.random(count))
        bumps = np.minimum(bumps, len(self._weights) - 1)
        even = random.random((count, len(self._levels)))
        quantiles = self._low[bumps] + even * self._mass[bumps]
        found = self._places[bumps] + self._widths[bumps] * ndtri(quantiles)
        found = np.where(np.isnan(found), even, found)
        for axis, table in self._tables.items():
            choice = (np.cumsum(table[bumps], axis=1) < even[:, axis : axis + 1]).sum(axis=1)
            found[:, axis] = (np.minimum(choice, table.shape[1] - 1) + 0.5) / table.shape[1]
        return np.clip(found, 0.0, 1.0)

    def logarithm(self, points: Array) -> Array:
        """Of the density at each point."""
        ordered = [axis for axis in range(len(self._levels)) if axis not in self._tables]
        heights = np.log(self._widths * self._mass)[:, ordered]
        total = np.tile(np.log(self._weights) - np.nansum(heights, axis=1), (len(points), 1))
        for axis, table in self._tables.items():
            total += np.log(table.T[_choice(points[:, axis], table.shape[1])])
        for axis in ordered:
            scale = _HALF / self._widths[:, axis]
            bump = points[:, axis : axis + 1] * scale - self._places[:, axis] * scale
            bump *= bump
            total -= np.where(np.isnan(bump), 0.0, bump) if self._flat else bump
        top = total.max(axis=1)
        total -= top[:, None]
        return np.asarray(top + np.log(np.exp(total, out=total).sum(axis=1)))


def ranked(count: int, losses: int = 1) -> Array:
    """Weights of so many observations, the best first: 1 for it, and less the more are better.
    With several losses all of a front are the best."""
    if losses > 1:
        return np.ones(count)
    weights = np.log(count + 0.5) - np.log(np.arange(1, count + 1))
    return np.asarray(weights / weights.max(initial=1e-300))


def _width(places: Array, level: int, narrow: float) -> float:
    known = np.sort(places[~np.isnan(places)])
    if not len(known):
        return 1.0
    gaps = np.diff(known, prepend=0.0, append=1.0)
    apart = np.maximum(gaps[:-1], gaps[1:])
    if len(known) > 1:
        apart[0], apart[-1] = gaps[1], gaps[-2]
    least = max(narrow / min(_MOST_APART, len(known) + 2), 0.5 / level if level > 0 else 0.0)
    return float(np.exp(np.log(np.clip(apart, least, 1.0)).mean()))


def _table(places: Array, count: int, prior: float) -> Array:
    """How likely each choice is in each bump."""
    table = np.full((len(places) + 1, count), prior / count)
    known = np.flatnonzero(~np.isnan(places))
    table[known, _choice(places[known], count)] += 1.0
    return np.asarray(table / table.sum(axis=1, keepdims=True))


def _choice(places: Array, count: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    return np.minimum((places * count).astype(np.intp), count - 1)
