"""Several losses at once: which of them are better, and how much of the space they leave behind.

Every loss is to be small. A point dominates another one where it is nowhere worse and somewhere
better; points that nobody dominates are the first front, those that only the first front dominates
the second one, and so on.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence

Losses = Sequence[float]


def dominates(one: Losses, other: Losses) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def fronts(points: Sequence[Losses], most: int | None = None) -> list[list[int]]:
    """The numbers of the points, front by front (efficient non-dominated sort, Zhang et al. 2015:
    in lexicographic order nobody is dominated by a later point), as many fronts as have `most` of
    them."""
    if most is not None:
        return _first(points, most)
    found: list[list[int]] = []
    for number in _in_order(points):
        point = points[number]
        place = bisect_left(found, True, key=lambda front: not _beaten(points, front, point))
        if place == len(found):
            found.append([])
        found[place].append(number)
    return found


def front(points: Sequence[Losses]) -> list[int]:
    """The numbers of those of the first front, in lexicographic order."""
    return _front(points, _in_order(points))


def _first(points: Sequence[Losses], most: int) -> list[list[int]]:
    found: list[list[int]] = []
    left = _in_order(points)
    while left and most > 0:
        found.append(_front(points, left))
        most -= len(found[-1])
        taken = {*found[-1]}
        left = [each for each in left if each not in taken]
    return found


def _front(points: Sequence[Losses], ordered: Iterable[int]) -> list[int]:
    found: list[int] = []
    for number in ordered:
        if not _beaten(points, found, points[number]):
            found.append(number)
    return found


def _in_order(points: Sequence[Losses]) -> list[int]:
    return sorted(range(len(points)), key=lambda each: tuple(points[each]))


def _beaten(points: Sequence[Losses], front: Sequence[int], point: Losses) -> bool:
    """Whether one of a front that comes before the point in order dominates it. Of two losses, the
    last of the front has the least second one."""
    if len(point) == 2:
        last = points[front[-1]] if front else point
        return last != point and last[1] <= point[1]
    return any(dominates(points[each], point) for each in reversed(front))


def crowding(points: Sequence[Losses]) -> list[float]:
    """How far apart the neighbours of each point are, in each loss as a part of its range; those at
    an end of a loss have infinitely much room (Deb et al. 2002)."""
    room = [0.0] * len(points)
    for loss in range(len(points[0]) if points else 0):
        ordered = sorted(range(len(points)), key=lambda each: points[each][loss])
        spread = points[ordered[-1]][loss] - points[ordered[0]][loss]
        room[ordered[0]] = room[ordered[-1]] = math.inf
        for before, number, after in zip(ordered, ordered[1:], ordered[2:], strict=False):
            if spread:
                room[number] += (points[after][loss] - points[before][loss]) / spread
    return room


def order(points: Sequence[Losses], most: int | None = None) -> list[int]:
    """The numbers of the points, best first: by front, and within it by room. Of those beyond
    `most` there may be some, and all where it is None."""
    ordered: list[int] = []
    for front in fronts(points, most):
        room = crowding([points[each] for each in front])
        ordered += [front[each] for each in sorted(range(len(front)), key=lambda at: -room[at])]
    return ordered


def hypervolume(points: Sequence[Losses], reference: Losses) -> float:
    """The volume that the points dominate, as far as the reference: the more the better. Slices
    along the last loss; exact, in a time that grows with the points to the power of one less than
    there are losses."""
    inside = [each for each in points if all(a < b for a, b in zip(each, reference, strict=True))]
    if not inside:
        return 0.0
    if len(reference) == 1:
        return reference[0] - min(each[0] for each in inside)
    if len(reference) == 2:
        return _area(sorted(map(tuple, inside)), reference)
    volume, covered = 0.0, 0.0
    ordered = sorted(inside, key=lambda each: each[-1])
    for place, point in enumerate(ordered):
        covered = hypervolume([each[:-1] for each in ordered[: place + 1]], reference[:-1])
        above = ordered[place + 1][-1] if place + 1 < len(ordered) else reference[-1]
        volume += covered * (above - point[-1])
    return volume


def _area(ordered: Sequence[Losses], reference: Losses) -> float:
    area, below = 0.0, reference[1]
    for first, second in ordered:
        if second < below:
            area += (reference[0] - first) * (below - second)
            below = second
    return area
