"""Where in the space a model is asked, and the best of what it answers.

Points are drawn evenly over the space and around the best trials; from the best of them a smooth
model is climbed along the axes that have no steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from scipy.optimize import minimize

from sampan.lib.search.history import Array
from sampan.lib.search.models.acquisition import Function
from sampan.lib.search.models.gaussian import Gaussian
from sampan.lib.search.space import Space

_EVEN = 600
_AROUND = 60  # points for each of the best trials
_BEST = 5
_CLIMBED = 3
_REACH = -3.5, -0.5  # logarithms to base 10 of how far around a trial points are
_ELSEWHERE = -1.0  # the place of a trial along an axis that it has no place on


class Model(Protocol):
    """Of losses: what is learned of them, and the middle and the deviation of what is expected."""

    def learn(self, places: Array, losses: Array) -> None: ...

    def predict(self, points: Array) -> tuple[Array, Array]: ...


class Guess:
    """A model of the space's points, of the kind that an experiment names."""

    def __init__(self, space: Space, kind: str, seed: int) -> None:
        self.space = space
        self.unordered = np.array([not axis.ordered for axis in space.axes], dtype=bool)
        self.model: Model = _model(kind, seed, self.unordered)
        self.best = 0.0

    def learn(self, places: Array, lost: Array) -> None:
        self._places, self._lost = self.filled(places), lost
        self.model.learn(self._places, lost)
        smooth = isinstance(self.model, Gaussian)  # trees do not come near the best losses
        self.best = float((self.model.predict(self._places)[0] if smooth else lost).min())
        self.found = self._places[np.argsort(lost, kind="stable")[:_BEST]]

    def expect(self, pending: Array) -> None:
        """Trials that run lose what is expected of them."""
        if not len(pending):
            return
        there = self.filled(pending)
        lost = np.append(self._lost, self.model.predict(there)[0])
        places = np.vstack([self._places, there])
        learn = getattr(self.model, "observe", self.model.learn)
        learn(places, lost)

    def filled(self, places: Array) -> Array:
        return np.where(np.isnan(places), np.where(self.unordered, _ELSEWHERE, 0.5), places)


class Proposer:
    def __init__(self, guess: Guess, random: np.random.Generator) -> None:
        self._guess = guess
        self._random = random
        self.dear: Guess | None = None
        """The logarithm of what a trial costs, where the worth is divided by it."""
        axes = guess.space.axes
        levels = [0.0 if axis.logarithmic else float(axis.levels) for axis in axes]
        self._levels = np.array(levels)

    def points(self, function: Function, *, climbing: bool) -> Iterator[list[float]]:
        """Best first; never none."""
        points = self._candidates()
        worth = function(*self._guess.model.predict(points), self._guess.best)[0]
        if self.dear is not None:
            worth, climbing = worth - self.dear.model.predict(points)[0], False
        ranked = np.argsort(-worth, kind="stable")
        model = self._guess.model
        if climbing and isinstance(model, Gaussian) and not self._levels.all():
            climbed = [self._climb(model, points[each], function) for each in ranked[:_CLIMBED]]
            yield max(climbed, key=lambda each: each[0])[1].tolist()
        for each in ranked:
            yield points[each].tolist()

    def _candidates(self) -> Array:
        axes = len(self._levels)
        even = self._random.random((_EVEN, axes))
        around = np.repeat(self._guess.found, _AROUND, axis=0)
        reach = 10 ** self._random.uniform(*_REACH, (len(around), 1))
        moved = around + reach * self._random.standard_normal(around.shape)
        jumps = self._random.random(around.shape) < reach
        fresh = self._random.random(around.shape)
        moved = np.where(self._guess.unordered, np.where(jumps, fresh, around), moved)
        points = np.clip(np.vstack([even, moved]), 0.0, 1.0)
        levels = np.maximum(self._levels, 1)
        cells = (np.minimum(np.floor(points * levels), levels - 1) + 0.5) / levels
        return np.where(self._levels > 0, cells, points)

    def _climb(self, model: Gaussian, start: Array, function: Function) -> tuple[float, Array]:
        free, best = np.flatnonzero(self._levels == 0), self._guess.best

        def steep(moved: Array) -> tuple[float, Array]:
            point = start.copy()
            point[free] = moved
            middle, deviation = model.predict(point[None])
            worth, by_middle, by_deviation = function(middle, deviation, best)
            of_middle, of_deviation = model.slopes(point)
            slopes = by_middle * of_middle + by_deviation * of_deviation
            return -float(worth[0]), -slopes[free]

        bounds = [(0.0, 1.0)] * len(free)
        found = minimize(steep, start[free], method="L-BFGS-B", jac=True, bounds=bounds)
        point = start.copy()
        point[free] = np.clip(found.x, 0.0, 1.0)
        return -float(found.fun), point


def _model(kind: str, seed: int, unordered: Any) -> Any:
    if kind == "GP":
        return Gaussian(unordered)
    forests = import_module("sampan.lib.search.models.forests")  # brings scikit-learn along
    return forests.Boosted(seed) if kind == "GBRT" else forests.Forest(kind, seed)
