from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.lib.search import pareto

grid = st.integers(0, 6).map(float)
clouds = st.integers(1, 3).flatmap(
    lambda losses: st.lists(st.tuples(*[grid] * losses), min_size=1, max_size=30)
)


@given(clouds)
def test_nobody_in_a_front_is_dominated_but_by_a_front_before(
    points: list[tuple[float, ...]],
) -> None:
    fronts = pareto.fronts(points)
    assert sorted(each for front in fronts for each in front) == list(range(len(points)))
    for before, front in zip([[], *fronts], fronts, strict=False):
        for number in front:
            assert not any(pareto.dominates(points[each], points[number]) for each in front)
            if before:
                assert any(pareto.dominates(points[each], points[number]) for each in before)


@given(clouds)
def test_the_first_front_is_that_of_all_fronts(points: list[tuple[float, ...]]) -> None:
    assert pareto.front(points) == pareto.fronts(points)[0]


@given(clouds, st.integers(0, 40))
def test_the_best_are_the_same_where_no_others_are_asked_for(
    points: list[tuple[float, ...]], most: int
) -> None:
    best = pareto.order(points, most)
    assert best[:most] == pareto.order(points)[:most]


@given(clouds)
def test_a_hypervolume_is_the_number_of_cells_below(points: list[tuple[float, ...]]) -> None:
    reference = (7.0,) * len(points[0])
    cells = {cell for point in points for cell in _cells([range(int(each), 7) for each in point])}
    assert pareto.hypervolume(points, reference) == len(cells)


def _cells(ranges: list[range]) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = [()]
    for each in ranges:
        found = [(*before, place) for before in found for place in each]
    return found


def test_points_beyond_the_reference_have_no_volume() -> None:
    assert pareto.hypervolume([(1.0, 9.0)], (5.0, 5.0)) == 0
    assert pareto.hypervolume([], (5.0, 5.0)) == 0


def test_the_ends_of_a_front_and_lonely_points_come_first() -> None:
    points = [(0.0, 10.0), (1.0, 6.0), (1.2, 5.9), (6.0, 2.0), (10.0, 0.0), (11.0, 11.0)]
    order = pareto.order(points)
    assert set(order[:2]) == {0, 4}
    assert order[2:] == [3, 2, 1, 5]


def test_losses_that_are_all_the_same_give_no_room() -> None:
    assert pareto.crowding([(1.0,), (1.0,), (1.0,)])[1] == pytest.approx(0)
