"""A perceptron of several layers, and what changes its weights: enough of a network for 64 pixels.

Rectified linear units, then softmax. Gradients are means over a batch. What diverges becomes NaN
silently, as with the libraries that this stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Array = NDArray[np.float32]
Labels = NDArray[np.int64]

np.seterr(all="ignore")


Layer = tuple[Array, Array]
"""Weights and biases."""


def wide(random: Generator, before: int, after: int) -> Layer:
    """A layer that hands on what it gets as it is spread (He et al. 2015)."""
    weights = np.sqrt(2 / before) * random.standard_normal((before, after))
    return weights.astype(np.float32), np.zeros(after, np.float32)


def narrow(random: Generator, before: int, after: int) -> Layer:
    """As PyTorch begins: all classes are about as likely, so that what the first steps bring is
    more than the chance of a batch."""
    most = before**-0.5
    weights, biases = (random.uniform(-most, most, shape) for shape in ((before, after), after))
    return weights.astype(np.float32), biases.astype(np.float32)


class Perceptron:
    def __init__(
        self,
        sizes: Sequence[int],
        random: Generator,
        layer: Callable[[Generator, int, int], Layer] = wide,
    ) -> None:
        """`sizes`: of the input, of each hidden layer, of the output. `layer`: how it begins."""
        self.parameters: list[Array] = []
        for before, after in pairwise(sizes):
            self.parameters += layer(random, before, after)

    def gradients(self, images: Array, labels: Labels) -> tuple[float, int, list[Array]]:
        """The mean loss, how many are right, and a gradient for each of `parameters`."""
        layers = self._forward(images)
        chances, losses = _softmax(layers.pop(), labels)
        right = int((chances.argmax(1) == labels).sum())
        chances[np.arange(len(labels)), labels] -= 1
        slope = chances / np.float32(len(labels))
        found: list[Array] = []
        for index in range(len(self.parameters) - 2, -1, -2):
            below = layers.pop()
            found += [slope.sum(0), below.T @ slope]
            if index:
                slope = (slope @ self.parameters[index].T) * (below > 0)
        return float(losses.mean()), right, found[::-1]

    def test(self, images: Array, labels: Labels) -> tuple[float, float]:
        """(mean loss, accuracy)."""
        scores = self._forward(images)[-1]
        chances, losses = _softmax(scores, labels)
        return float(losses.mean()), float((chances.argmax(1) == labels).mean())

    def _forward(self, images: Array) -> list[Array]:
        layers = [images]
        for index in range(0, len(self.parameters), 2):
            scores = layers[-1] @ self.parameters[index] + self.parameters[index + 1]
            last = index + 2 == len(self.parameters)
            layers.append(scores if last else np.maximum(scores, np.float32(0)))
        return layers


class Sgd:
    """Gradient descent with momentum, Nesterov's if asked for."""

    def __init__(
        self, rate: float, momentum: float = 0.0, decay: float = 0.0, *, nesterov: bool = False
    ) -> None:
        self.rate, self._momentum, self._decay, self._nesterov = rate, momentum, decay, nesterov
        self._speeds: list[Array] = []

    def step(self, parameters: list[Array], gradients: Sequence[Array]) -> None:
        self._speeds = self._speeds or [np.zeros_like(each) for each in parameters]
        for each, slope, speed in zip(parameters, gradients, self._speeds, strict=True):
            whole = slope + self._decay * each
            speed *= self._momentum
            speed += whole
            each -= self.rate * (whole + self._momentum * speed if self._nesterov else speed)


class Adam:
    def __init__(self, rate: float, decay: float = 0.0) -> None:
        self.rate, self._decay, self._steps = rate, decay, 0
        self._means: list[tuple[Array, Array]] = []

    def step(self, parameters: list[Array], gradients: Sequence[Array]) -> None:
        self._means = self._means or [(np.zeros_like(p), np.zeros_like(p)) for p in parameters]
        self._steps += 1
        rate = self.rate * np.sqrt(1 - 0.999**self._steps) / (1 - 0.9**self._steps)
        for each, slope, (mean, square) in zip(parameters, gradients, self._means, strict=True):
            whole = slope + self._decay * each
            mean += 0.1 * (whole - mean)
            square += 0.001 * (whole * whole - square)
            each -= np.float32(rate) * mean / (np.sqrt(square) + np.float32(1e-8))


class Ftrl:
    """Follow the regularized leader (McMahan et al. 2013), with MXNet's defaults."""

    _SPARSITY, _BETA = 0.01, 1.0

    def __init__(self, rate: float, decay: float = 0.0) -> None:
        self.rate, self._decay = rate, decay
        self._sums: list[tuple[Array, Array]] = []

    def step(self, parameters: list[Array], gradients: Sequence[Array]) -> None:
        self._sums = self._sums or [(np.zeros_like(p), np.zeros_like(p)) for p in parameters]
        for each, slope, (z, squares) in zip(parameters, gradients, self._sums, strict=True):
            before = np.sqrt(squares)
            squares += slope * slope
            after = np.sqrt(squares)
            z += slope - (after - before) / self.rate * each
            pull = np.sign(z) * np.maximum(np.abs(z) - self._SPARSITY, 0)
            each[...] = -pull / ((self._BETA + after) / self.rate + self._decay)


def batches(count: int, size: int, random: Generator) -> Iterator[NDArray[np.int64]]:
    """Indices of one epoch in random order; the last batch may be smaller."""
    order = random.permutation(count)
    for start in range(0, count, size):
        yield order[start : start + size]


def _softmax(scores: Array, labels: Labels) -> tuple[Array, Array]:
    """(chances, the loss of each row)."""
    scores = scores - scores.max(1, keepdims=True)
    powers = np.exp(scores)
    sums = powers.sum(1, keepdims=True)
    losses = np.log(sums[:, 0]) - scores[np.arange(len(labels)), labels]
    return powers / sums, losses
