from __future__ import annotations

import numpy as np
import pytest
from cmaes import CMA

from sampan.lib.search.models import evolution

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def bent(points: Array) -> Array:
    x, y = points[:, 0] - 0.7, points[:, 1] - 0.2
    return (x + y) ** 2 + 100 * (x - y) ** 2 + ((points[:, 2:] - 0.5) ** 2).sum(axis=1)


def after(generations: int, size: int = 2, seed: int = 0) -> evolution.Evolution:
    random = np.random.default_rng(seed)
    state = evolution.begun(np.full(size, 0.5), np.full(size, 1 / 6))
    for _ in range(generations):
        points = np.array([state.draw(random) for _ in range(state.population)])
        state = state.told(points, bent(points))
    return state


@pytest.mark.parametrize("size", [2, 7])
def test_it_goes_where_a_known_implementation_goes(size: int) -> None:
    random = np.random.default_rng(1)
    ours = evolution.begun(np.full(size, 0.5), np.linspace(0.1, 0.2, size))
    theirs = CMA(
        mean=np.full(size, 0.5), sigma=ours.sigma, cov=ours.covariance.copy(),
        bounds=np.array([[0.0, 1.0]] * size),
    )  # fmt: skip
    assert theirs.population_size == ours.population
    for _ in range(40):
        points = np.array([ours.draw(random) for _ in range(ours.population)])
        theirs.tell(list(zip(points, bent(points).tolist(), strict=True)))
        ours = ours.told(points, bent(points))
        assert ours.mean == pytest.approx(theirs.mean, abs=1e-9)
        assert ours.sigma == pytest.approx(theirs._sigma, rel=1e-6)
        assert ours.covariance == pytest.approx(theirs._C, abs=1e-6)


def test_a_bent_valley_is_followed_to_its_end() -> None:
    assert after(60).mean == pytest.approx([0.7, 0.2], abs=1e-4)


def test_points_are_inside_the_cube() -> None:
    state = evolution.begun(np.zeros(3), np.full(3, 5.0))
    points = np.array([state.draw(np.random.default_rng(seed)) for seed in range(50)])
    assert ((points >= 0) & (points <= 1)).all()


def test_a_mirrored_point_is_across_the_mean_where_that_is_inside() -> None:
    state, skewed = after(3), evolution.begun(np.array([0.01, 0.5]), np.full(2, 0.2))
    for seed in range(20):
        one = state.draw(np.random.default_rng(seed))
        other = state.draw(np.random.default_rng(seed), mirrored=True)
        if ((2 * state.mean - one >= 0) & (2 * state.mean - one <= 1)).all():
            assert one + other == pytest.approx(2 * state.mean)
        other = skewed.draw(np.random.default_rng(seed), mirrored=True)
        assert ((other >= 0) & (other <= 1)).all()


def test_a_state_is_not_changed_by_what_it_is_told() -> None:
    state = after(3)
    mean, covariance = state.mean.copy(), state.covariance.copy()
    state.told(np.random.default_rng(5).random((state.population, 2)), np.arange(6.0))
    assert (state.mean == mean).all()
    assert (state.covariance == covariance).all()


def test_a_search_has_settled_when_nothing_changes() -> None:
    assert not after(10).settled
    assert after(400).settled
    plateau, random = evolution.begun(np.full(2, 0.5), np.full(2, 0.1)), np.random.default_rng(0)
    for _ in range(25):
        plateau = plateau.told(random.random((plateau.population, 2)), np.zeros(plateau.population))
    assert plateau.settled
