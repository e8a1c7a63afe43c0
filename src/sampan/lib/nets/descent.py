"""How weights follow their slopes: stochastic gradient descent with momentum, and Adam.

Both change the values of their nodes in place; a node without a slope stays where it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .tape import Array, Node

_TINY = 1e-8


class Momentum:
    """`decay` is of the weights. Nesterov's look ahead is not taken."""

    def __init__(self, weights: Sequence[Node], momentum: float, decay: float) -> None:
        self._weights = weights
        self._momentum = momentum
        self._decay = decay
        self._speeds = [np.zeros_like(each.value) for each in weights]

    def step(self, rate: float) -> None:
        for node, speed in zip(self._weights, self._speeds, strict=True):
            if node.slope is not None:
                speed *= self._momentum
                speed += node.slope + self._decay * node.value
                node.value -= rate * speed


class Adam:
    """Kingma and Ba 2015; `decay` of the weights is part of the slope."""

    def __init__(
        self, weights: Sequence[Node], *, first: float = 0.9, second: float = 0.999,
        decay: float = 0.0,
    ) -> None:  # fmt: skip
        self._weights = weights
        self._first, self._second, self._decay = first, second, decay
        self._means = [np.zeros_like(each.value) for each in weights]
        self._squares = [np.zeros_like(each.value) for each in weights]
        self._steps = 0

    def step(self, rate: float) -> None:
        self._steps += 1
        rate *= (1 - self._second**self._steps) ** 0.5 / (1 - self._first**self._steps)
        for node, mean, square in zip(self._weights, self._means, self._squares, strict=True):
            if node.slope is not None:
                slope = node.slope + self._decay * node.value if self._decay else node.slope
                mean += (1 - self._first) * (slope - mean)
                square += (1 - self._second) * (slope * slope - square)
                node.value -= rate * mean / (np.sqrt(square) + _TINY)


def clip(weights: Sequence[Node], most: float) -> None:
    """Shorten all slopes together, so that their length is at most this."""
    slopes: list[Array] = [each.slope for each in weights if each.slope is not None]
    length = sum(float((each * each).sum()) for each in slopes) ** 0.5
    if length > most:
        for each in weights:
            if each.slope is not None:
                each.slope = each.slope * (most / length)
