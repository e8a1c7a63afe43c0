from __future__ import annotations

import numpy as np
import pytest

from sampan.lib.search.models.parzen import Parzen, ranked

NAN = float("nan")


def line(count: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return ((np.arange(count) + 0.5) / count)[:, None]


def density(of: Parzen, points: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> float:
    return float(np.exp(of.logarithm(points)).mean() / np.sqrt(2 * np.pi))


def test_a_density_has_a_volume_of_one() -> None:
    places = np.array([[0.0], [0.2], [0.21], [1.0]])
    assert density(Parzen(places, np.ones(4), [0]), line(5000)) == pytest.approx(1, rel=1e-3)


def test_the_likeliest_choice_is_the_one_most_seen() -> None:
    seen = Parzen(np.array([[0.5], [0.5], [5 / 6]]), np.ones(3), [-3])
    thirds = np.exp(seen.logarithm(line(3)))
    assert thirds.sum() == pytest.approx(1)
    assert thirds[1] > thirds[2] > thirds[0]


def test_draws_follow_the_density() -> None:
    random = np.random.default_rng(0)
    near = Parzen(np.full((20, 2), [0.8, 0.25]), np.ones(20), [0, -2]).draw(500, random)
    assert np.median(near[:, 0]) == pytest.approx(0.8, abs=0.05)
    assert set(near[:, 1]) <= {0.25, 0.75}
    assert (near[:, 1] == 0.25).mean() > 0.6
    assert ((near >= 0) & (near <= 1)).all()


def test_without_observations_all_is_nearly_as_likely() -> None:
    none = Parzen(np.empty((0, 2)), np.ones(0), [0, -4])
    logarithms = none.logarithm(none.draw(200, np.random.default_rng(0)))
    assert np.ptp(logarithms) < 0.2


def test_an_observation_without_a_place_says_nothing_along_that_axis() -> None:
    half = Parzen(np.array([[0.5, NAN]] * 5), np.ones(5), [0, 0])
    points = np.array([[0.5, 0.1], [0.5, 0.9]])
    one, other = half.logarithm(points)
    assert one == pytest.approx(other)
    assert not np.isnan(half.draw(50, np.random.default_rng(0))).any()


def test_the_best_weighs_most() -> None:
    weights = ranked(5)
    assert weights[0] == 1
    assert (np.diff(weights) < 0).all()
    assert (weights > 0).all()
    assert ranked(3, losses=2).tolist() == [1, 1, 1]
    assert ranked(0).tolist() == []
