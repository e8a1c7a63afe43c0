from __future__ import annotations

import numpy as np
import pytest

from sampan.lib.search.models.forests import Boosted, Forest


@pytest.mark.parametrize(
    "model", [Forest("RF", 1), Forest("ET", 1), Boosted(1)], ids=["RF", "ET", "GBRT"]
)
def test_trees_know_low_from_high_and_doubt_between(model: Forest | Boosted) -> None:
    places = np.random.default_rng(0).random((80, 2))
    model.learn(places, np.where(places[:, 0] > 0.5, 1.0, -1.0))
    middle, deviation = model.predict(np.array([[0.1, 0.5], [0.9, 0.5], [0.5, 0.5]]))
    assert middle[0] < -0.8
    assert middle[1] > 0.8
    assert (deviation > 0).all()
    assert deviation[2] >= deviation[0]
