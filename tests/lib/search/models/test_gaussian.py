from __future__ import annotations

import numpy as np
import pytest

from sampan.lib.search.models.gaussian import Gaussian

ORDERED = np.array([False, False])


def learned(count: int, unordered: list[bool] | None = None) -> Gaussian:
    places = np.random.default_rng(1).random((count, 2))
    if unordered is not None:
        places[:, 1] = np.round(places[:, 1])
    model = Gaussian(ORDERED if unordered is None else np.array(unordered))
    model.learn(places, wave(places))
    return model


def wave(
    places: np.ndarray[tuple[int, int], np.dtype[np.float64]],
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.sin(6 * places[:, 0]) + places[:, 1]


def test_what_was_seen_is_known_and_what_is_far_is_not() -> None:
    model = learned(25)
    points = np.random.default_rng(1).random((25, 2))
    middle, deviation = model.predict(points)
    assert middle == pytest.approx(wave(points), abs=0.05)
    assert (deviation < 0.1).all()
    assert model.predict(np.array([[5.0, -5.0]]))[1][0] > 5 * deviation.max()


def test_what_was_not_seen_is_guessed() -> None:
    points = np.random.default_rng(2).random((50, 2))
    middle, deviation = learned(40).predict(points)
    off = np.abs(middle - wave(points))
    assert np.median(off) < 0.05
    assert (off < 4 * deviation + 0.05).mean() > 0.9


@pytest.mark.parametrize("unordered", [None, [False, True]])
def test_slopes_are_those_of_the_prediction(unordered: list[bool] | None) -> None:
    model = learned(20, unordered)
    point, step = np.array([0.4, 1.0]), 1e-6
    of_middle, of_deviation = model.slopes(point)
    for axis in range(2 if unordered is None else 1):
        away = np.eye(2)[axis] * step
        above, below = model.predict((point + away)[None]), model.predict((point - away)[None])
        assert of_middle[axis] == pytest.approx((above[0] - below[0])[0] / 2 / step, rel=1e-3)
        assert of_deviation[axis] == pytest.approx((above[1] - below[1])[0] / 2 / step, rel=1e-3)
    if unordered:
        assert of_middle[1] == of_deviation[1] == 0


def test_a_plateau_and_one_observation_are_no_obstacle() -> None:
    for count in (1, 12):
        model = Gaussian(ORDERED)
        model.learn(np.full((count, 2), 0.5), np.zeros(count))
        middle, deviation = model.predict(np.array([[0.1, 0.1], [0.5, 0.5]]))
        assert middle == pytest.approx([0, 0], abs=1e-6)
        assert deviation[1] < deviation[0]


def test_of_many_observations_all_are_known() -> None:
    model = learned(250)
    points = np.random.default_rng(3).random((50, 2))
    assert model.predict(points)[0] == pytest.approx(wave(points), abs=0.05)
