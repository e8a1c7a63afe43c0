"""Trees as guesses of the loss: forests of random ones, and boosted ones for three quantiles."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    RandomForestRegressor,
)

from sampan.lib.search.history import Array

_TREES = 100
_KINDS = {"RF": RandomForestRegressor, "ET": ExtraTreesRegressor}
_QUANTILES = 0.16, 0.5, 0.84  # a deviation below the middle, the middle, a deviation above
_LEAST = 1e-6  # deviation


class Forest:
    """The middle of what the trees say, and their deviation; each of them knows all it was told."""

    def __init__(self, kind: str, seed: int) -> None:
        self._model = _KINDS[kind](_TREES, random_state=seed % 2**32)

    def learn(self, places: Array, losses: Array) -> None:
        self._model.fit(places, losses)

    def predict(self, points: Array) -> tuple[Array, Array]:
        leaves = self._model.apply(points)
        trees = zip(self._model.estimators_, leaves.T, strict=True)
        said = np.array([each.tree_.value[leaf, 0, 0] for each, leaf in trees])
        return said.mean(axis=0), np.maximum(said.std(axis=0), _LEAST)


class Boosted:
    def __init__(self, seed: int) -> None:
        self._models = [
            GradientBoostingRegressor(
                loss="quantile", alpha=each, n_estimators=30, random_state=seed % 2**32
            )
            for each in _QUANTILES
        ]

    def learn(self, places: Array, losses: Array) -> None:
        for each in self._models:
            each.fit(places, losses)

    def predict(self, points: Array) -> tuple[Array, Array]:
        low, middle, high = (each.predict(points) for each in self._models)
        return middle, np.maximum(np.abs(high - low) / 2, _LEAST)
