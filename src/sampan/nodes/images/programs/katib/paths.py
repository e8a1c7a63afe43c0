"""Paths through a network that is searched in: for each node of a cell two of its edges, and of
each an operation. How they are drawn, how likely they are, and how that follows the shares.

Shares are rows of an edge that add up to 1, the last of them the share of having none of the
operations. Two edges are taken together as often as the product of what is left without it says,
and an operation of each by its share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from nets.tape import Array
from numpy.random import Generator

Path = Sequence[Sequence[tuple[int, int]]]
"""For each node (edge, operation), by their numbers."""
Paths = Mapping[bool, Path]
"""By whether a cell halves the picture."""

_TAKEN = 2  # edges of a node


def drawn(shares: Sequence[Array], random: Generator) -> Path:
    return [_drawn(edges, random) for edges in shares]


def _drawn(edges: Array, random: Generator) -> list[tuple[int, int]]:
    pairs, apart = [*combinations(range(len(edges)), _TAKEN)], _apart(edges)
    chances = np.array([apart[one] * apart[other] for one, other in pairs])
    pair = pairs[int(random.choice(len(pairs), p=chances / chances.sum()))]
    return [
        (at, int(random.choice(edges.shape[1] - 1, p=edges[at, :-1] / edges[at, :-1].sum())))
        for at in pair
    ]


def likeliest(shares: Sequence[Array]) -> Path:
    """For each node the edges with the largest share of an operation, the larger one first."""
    path = []
    for edges in shares:
        starts = np.argsort(-edges[:, :-1].max(axis=1), kind="stable")[:_TAKEN]
        path.append([(start, int(edges[start, :-1].argmax())) for start in starts.tolist()])
    return path


def likelihood(shares: Sequence[Array], path: Path) -> float:
    """The logarithm of how often it is drawn."""
    found = 0.0
    for edges, taken in zip(shares, path, strict=True):
        found -= np.log(_pairs(_apart(edges)))
        found += sum(np.log(edges[at, place]) for at, place in taken)
    return float(found)


def slopes(shares: Sequence[Array], path: Path) -> list[Array]:
    """Of the likelihood, with respect to what the shares are the softmax of."""
    return [_slopes(edges, taken) for edges, taken in zip(shares, path, strict=True)]


def _slopes(edges: Array, taken: Sequence[tuple[int, int]]) -> Array:
    apart = _apart(edges)
    none = np.zeros_like(edges)
    none[:, -1] = 1
    rest = (apart.sum() - apart) / _pairs(apart)
    found = (rest * edges[:, -1])[:, None] * (none - edges)
    for at, place in taken:
        found[at] -= edges[at]
        found[at, place] += 1
    return np.asarray(found)


def _apart(edges: Array) -> Array:
    """Of each edge what is left without none."""
    return np.asarray(edges[:, :-1].sum(axis=1))


def _pairs(apart: Array) -> float:
    """The sum of the products of all pairs."""
    return float((apart.sum() ** 2 - (apart**2).sum()) / 2)
