"""What networks will be worth, guessed from those that were trained: a ridge regression.

It knows a network by what its layers are (their kinds and the parameters of these, numbers by their
size), at each place and all together, and by which layers are joined. Few networks are known of a
space of millions, so how far they are believed is what would have guessed each of them best from
the others; where that is no better than their mean, all are worth the same. Not a model of how
layers work together: nothing but sums.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sampan.lib.search.networks import Layer

Array = NDArray[np.float64]
Network = Sequence[Sequence[int]]

_RIDGES = np.geomspace(0.01, 30, 8)
"""Of the mean square of what is known of a network."""
_APART, _MOST_SIZES = 0.5, 16
"""What a number counts for by itself, whatever its size, where a name has few of them."""


def guesses(
    layers: Sequence[Layer], known: Sequence[Network], worth: Sequence[float],
    asked: Sequence[Network],
) -> Array:  # fmt: skip
    """Of those that are asked for, beside the mean of the known ones."""
    table = _operations(layers)
    seen = _features(table, known)
    middle = seen.mean(axis=0)
    weights = _weights(seen - middle, np.array(worth, dtype=float))
    return np.asarray((_features(table, asked) - middle) @ weights)


def _weights(seen: Array, worth: Array) -> Array:
    """Of the features; zeros where they tell nothing."""
    apart, count = worth - worth.mean(), len(worth)
    values, vectors = np.linalg.eigh(seen @ seen.T)
    values = np.maximum(values, 0.0)
    along = vectors.T @ apart
    best, chosen = float((apart**2).sum()) * (count / max(count - 1, 1)) ** 2, None
    for ridge in _RIDGES * values.sum() / count:
        shares = values / (values + ridge) if ridge else np.zeros_like(values)
        used = (vectors**2) @ shares + 1 / count
        missed = (apart - vectors @ (shares * along)) / np.maximum(1 - used, 1e-6)
        if (lost := float((missed**2).sum())) < best:
            best, chosen = lost, ridge
    if chosen is None:
        return np.zeros(seen.shape[1])
    return np.asarray(seen.T @ (vectors @ (along / (values + chosen))))


def _features(table: Array, networks: Sequence[Network]) -> Array:
    places = np.array([[layer[0] for layer in each] for each in networks])
    joined = np.array([[join for layer in each for join in layer[1:]] for each in networks])
    layers = table[places]
    count = layers.shape[1]
    parts = (
        layers.mean(axis=1),
        layers.reshape(len(places), -1) / count,
        joined.mean(axis=1, keepdims=True) if count > 1 else joined,
        joined / max(joined.shape[1], 1) ** 0.5,
    )
    return np.concatenate(parts, axis=1)


def _operations(layers: Sequence[Layer]) -> Array:
    """A row for each operation."""
    columns: dict[Any, Array] = {}
    for row, layer in enumerate(layers):
        for key, value in _said(layer).items():
            columns.setdefault(key, np.full(len(layers), np.nan))[row] = value
    found = [_scaled(each) for each in columns.values()]
    for column in columns.values():
        several = np.unique(column[~np.isnan(column)])
        if 2 < len(several) <= _MOST_SIZES:
            found += [_APART * (column == each) for each in several]
    return np.stack(found, axis=1)


def _said(layer: Layer) -> Mapping[Any, float]:
    """Numbers of a name mean the same with each kind of layer."""
    said: dict[Any, float] = {("kind", layer.kind): 1.0}
    for name, value in layer.parameters.items():
        number = _number(value)
        if number is None:
            said[name, layer.kind, value] = 1.0
        else:
            said[name] = number
    return said


def _scaled(column: Array) -> Array:
    """From -1 to 1, and 0 for layers that do not have it."""
    low, high = np.nanmin(column), np.nanmax(column)
    if low == high:
        return np.where(np.isnan(column), 0.0, 1.0)
    return np.nan_to_num(2 * (column - low) / (high - low) - 1)


def _number(value: str | int | float) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if np.isfinite(number) else None
