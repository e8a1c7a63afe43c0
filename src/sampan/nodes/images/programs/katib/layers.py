"""Layers of convolutional networks, with the weights that they learn.

A layer is a function of pictures, and of whether the network is training. Rectified linear units
come before a convolution, normalization after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from nets import pictures, tape
from nets.tape import Node
from numpy.random import Generator

Layer = Callable[[Node, bool], Node]


class Weights:
    """Of all layers that were made with it."""

    def __init__(self, random: Generator) -> None:
        self._random = random
        self.nodes: list[Node] = []

    def made(self, *shape: int, inputs: int) -> Node:
        """Normally distributed, so that what comes of so many inputs is as large as one of them."""
        values = self._random.standard_normal(shape) * np.sqrt(2 / inputs)
        self.nodes.append(Node(values.astype(np.float32)))
        return self.nodes[-1]


def convolution(weights: Weights, size: int, before: int, after: int, stride: int = 1) -> Layer:
    filters = weights.made(size, size, before, after, inputs=size * size * before)
    norm = pictures.Norm(after)
    return lambda given, training: norm(
        pictures.convolve(tape.relu(given), filters, stride), training
    )


def separable(
    weights: Weights, size: int, before: int, after: int, *, stride: int = 1, dilation: int = 1,
    multiplier: int = 1,
) -> Layer:  # fmt: skip
    """Each channel by itself, so many times, then all channels of a pixel together."""
    apart = weights.made(size, size, before * multiplier, inputs=size * size)
    together = weights.made(before * multiplier, after, inputs=before * multiplier)
    norm = pictures.Norm(after)

    def layer(given: Node, training: bool) -> Node:
        spread = tape.concat([tape.relu(given)] * multiplier, axis=0)
        found = pictures.convolve_each(spread, apart, stride, dilation)
        return norm(pictures.mix(found, together), training)

    return layer


def depthwise(
    weights: Weights, size: int, before: int, *, stride: int = 1, multiplier: int = 1
) -> Layer:
    apart = weights.made(size, size, before * multiplier, inputs=size * size)
    norm = pictures.Norm(before * multiplier)

    def layer(given: Node, training: bool) -> Node:
        spread = tape.concat([tape.relu(given)] * multiplier, axis=0)
        return norm(pictures.convolve_each(spread, apart, stride), training)

    return layer


def pool(kind: str, size: int, channels: int, stride: int) -> Layer:
    """`kind`: max or avg; normalized, and as large as a convolution would make it."""
    norm = pictures.Norm(channels)
    pooled = {"max": pictures.largest, "avg": pictures.average}[kind]
    return lambda given, training: norm(pooled(given, size, stride), training)


def halved(weights: Weights, before: int, after: int) -> Layer:
    """Half as many rows and columns without a window: some channels of the even pixels, the others
    of the odd ones."""
    first = weights.made(before, after // 2, inputs=before)
    other = weights.made(before, after - after // 2, inputs=before)
    norm = pictures.Norm(after)
    even, odd = ((slice(None), slice(start, None, 2), slice(start, None, 2)) for start in range(2))

    def layer(given: Node, training: bool) -> Node:
        given = tape.relu(given)
        parts = (
            pictures.mix(tape.part(given, even), first),
            pictures.mix(tape.part(given, odd), other),
        )
        return norm(tape.concat(parts, axis=0), training)

    return layer


def chain(*layers: Layer) -> Layer:
    def all_of_them(given: Node, training: bool) -> Node:
        for each in layers:
            given = each(given, training)
        return given

    return all_of_them


def added(nodes: Iterable[Node]) -> Node:
    first, *others = nodes
    for each in others:
        first = tape.add(first, each)
    return first
