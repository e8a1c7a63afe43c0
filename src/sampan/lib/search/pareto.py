"""Several losses at once: which of them are better, and how much of the space they leave behind.

Every loss is to be small. A point dominates another one where it is nowhere worse and somewhere
better; points that nobody dominates are the first front, those that only the first front dominates
the second one, and so on.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

Losses = Sequence[float]


def dominates(one: Losses, other: Losses) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def fronts(points: Sequence[Losses]) -> list[list[int]]:
    """The numbers of the points, front by front (efficient non-dominated sort, Zhang et al. 2015:
    in lexicographic order nobody is dominated by a later point)."""
    found: list[list[int]] = []
    for number in sorted(range(len(points)), key=lambda each: tuple(points[each])):
        point = points[number]
        place = bisect_left(
            found, True, key=lambda front: not any(
                dominates(points[each], point) for each in reversed(front)
            ),
        )  # fmt: skip
        if place == len(found):
            found.append([])
        found[place].append(number)
    return found


def front(points: Sequence[Losses]) -> list[int]:
    """The numbers of those of the first front, in lexicographic order."""
    found: list[int] = []
    ordered = sorted(range(len(points)), key=lambda each: tuple(points[each]))
    for number in ordered:
        point = points[number]
        # Of two losses, the last of the front so far has the least second one.
        rivals = found[-1:] if len(point) == 2 else reversed(found)
        if not any(dominates(points[each], point) for each in rivals):
            found.append(number)
    return found


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


def order(points: Sequence[Losses]) -> list[int]:
    """The numbers of the points, best first: by front, and within it by room."""
    ordered: list[int] = []
    for front in fronts(points):
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
