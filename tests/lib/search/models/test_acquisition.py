from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.lib.search.models.acquisition import FUNCTIONS, improvement, probability

everywhere = given(middle=st.floats(-5, 20), deviation=st.floats(0.05, 3), best=st.floats(-1, 1))


@pytest.mark.parametrize("name", FUNCTIONS)
@everywhere
def test_slopes_are_those_of_the_worth(
    name: str, middle: float, deviation: float, best: float
) -> None:
    def worth(m: float, s: float) -> float:
        return float(FUNCTIONS[name](np.array([m]), np.array([s]), best)[0][0])

    step = 1e-6 * deviation
    _, by_middle, by_deviation = FUNCTIONS[name](np.array([middle]), np.array([deviation]), best)
    along = (worth(middle + step, deviation) - worth(middle - step, deviation)) / 2 / step
    across = (worth(middle, deviation + step) - worth(middle, deviation - step)) / 2 / step
    assert by_middle[0] == pytest.approx(along, rel=1e-3, abs=1e-4)
    assert by_deviation[0] == pytest.approx(across, rel=1e-3, abs=1e-4)


def test_an_improvement_is_what_is_expected_of_it() -> None:
    draws = np.random.default_rng(0).normal(1.0, 2.0, 400_000)
    expected = math.log(np.maximum(0.5 - draws, 0).mean())
    assert improvement(np.array([1.0]), np.array([2.0]), 0.5)[0][0] == pytest.approx(
        expected, abs=0.01
    )


def test_the_least_hope_is_still_more_or_less() -> None:
    far = np.array([50.0, 51.0])
    for function in (improvement, probability):
        worth = function(far, np.array([0.1, 0.1]), 0.0)[0]
        assert np.isfinite(worth).all()
        assert worth[0] > worth[1]
