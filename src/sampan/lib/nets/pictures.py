"""Layers of pictures: arrays of (channel, row, column, picture), and what the tape does with them.

The pictures of a batch come last, so that numbers that meet the same weight lie side by side: with
few channels and small pictures that is three times as fast as channels last. Windows are padded as
"same" does, so that with stride 1 a picture keeps its size and otherwise has `ceil(size / stride)`
rows. They are walked place by place of the window, all pictures at once.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .tape import Array, Node

_NARROWEST = 1e-5  # variance


class Windows:
    """The places that a window of `size` by `size` has over pictures of this shape."""

    def __init__(
        self, shape: tuple[int, ...], size: int, *, stride: int = 1, dilation: int = 1,
        padded: bool = True,
    ) -> None:  # fmt: skip
        reach = dilation * (size - 1)
        self._before = reach // 2 if padded else 0
        self._after = reach - reach // 2 if padded else 0
        spread = self._before + self._after - reach
        self.rows, self.columns = ((each + spread - 1) // stride + 1 for each in shape[1:3])
        self._size, self._stride, self._dilation = size, stride, dilation
        self._shape = shape

    def padded(self, pictures: Array, filling: float = 0.0) -> Array:
        around = self._before + self._after
        if not around:
            return pictures
        channels, rows, columns, count = pictures.shape
        shape = (channels, rows + around, columns + around, count)
        found = np.full(shape, filling, pictures.dtype)
        self.cut(found)[:] = pictures
        return found

    def cut(self, padded: Array) -> Array:
        """The pictures without their padding."""
        return padded[:, self._before : self._before + self._shape[1],
                      self._before : self._before + self._shape[2]]  # fmt: skip

    def __iter__(self) -> Iterator[tuple[int, int, tuple[slice, ...]]]:
        """(row and column in the window, where in padded pictures its pixels are)."""
        for row in range(self._size):
            for column in range(self._size):
                yield row, column, (slice(None), self._along(row, self.rows),
                                    self._along(column, self.columns))  # fmt: skip

    def _along(self, place: int, count: int) -> slice:
        start = place * self._dilation
        return slice(start, start + (count - 1) * self._stride + 1, self._stride)


def of(images: Array) -> Node:
    """Of an array of (picture, row, column, channel)."""
    return Node(np.ascontiguousarray(images.transpose(3, 1, 2, 0)))


def convolve(pictures: Node, weights: Node, stride: int = 1) -> Node:
    """`weights`: (row, column, channels before, channels after)."""
    size, after = len(weights.value), weights.value.shape[-1]
    windows = Windows(pictures.value.shape, size, stride=stride)
    padded = windows.padded(pictures.value)
    seen = np.stack([padded[at] for _, _, at in windows])  # (place, channel, row, column, picture)
    flat = seen.reshape(-1, seen[0, 0].size)
    matrix = weights.value.reshape(-1, after)
    value = matrix.T @ flat

    def back(slope: Array) -> tuple[Array, Array]:
        slope = slope.reshape(after, -1)
        whole = np.zeros_like(padded)
        for part, (_, _, at) in zip((matrix @ slope).reshape(seen.shape), windows, strict=True):
            whole[at] += part
        return windows.cut(whole), (flat @ slope.T).reshape(weights.value.shape)

    return Node(value.reshape(after, *seen.shape[2:]), (pictures, weights), back)


def mix(pictures: Node, weights: Node) -> Node:
    """The channels of each pixel together. `weights`: (channels before, channels after)."""
    flat = pictures.value.reshape(len(pictures.value), -1)

    def back(slope: Array) -> tuple[Array, Array]:
        slope = slope.reshape(len(slope), -1)
        return (weights.value @ slope).reshape(pictures.value.shape), flat @ slope.T

    value = (weights.value.T @ flat).reshape(-1, *pictures.value.shape[1:])
    return Node(value, (pictures, weights), back)


def convolve_each(pictures: Node, weights: Node, stride: int = 1, dilation: int = 1) -> Node:
    """Every channel by itself. `weights`: (row, column, channel)."""
    windows = Windows(pictures.value.shape, len(weights.value), stride=stride, dilation=dilation)
    padded = windows.padded(pictures.value)
    factors = weights.value[..., None, None, None]
    value = np.zeros((len(padded), windows.rows, windows.columns, padded.shape[-1]), padded.dtype)
    term = np.empty_like(value)
    for row, column, at in windows:
        np.multiply(padded[at], factors[row, column], out=term)
        value += term

    def back(slope: Array) -> tuple[Array, Array]:
        whole, own = np.zeros_like(padded), np.empty_like(weights.value)
        term = np.empty_like(slope)
        for row, column, at in windows:
            np.multiply(slope, factors[row, column], out=term)
            whole[at] += term
            np.multiply(padded[at], slope, out=term)
            own[row, column] = _flat(term).sum(axis=1)
        return windows.cut(whole), own

    return Node(value, (pictures, weights), back)


def largest(pictures: Node, size: int, stride: int, *, padded: bool = True) -> Node:
    """The largest pixel of each window. Of equals the first is moved."""
    windows = Windows(pictures.value.shape, size, stride=stride, padded=padded)
    filled = windows.padded(pictures.value, -np.inf)
    value = np.maximum.reduce([filled[at] for _, _, at in windows])

    def back(slope: Array) -> tuple[Array]:
        whole, left = np.zeros_like(filled), slope
        for _, _, at in windows:
            found = filled[at] == value
            whole[at] += np.where(found, left, 0)
            left = np.where(found, 0, left)
        return (windows.cut(whole),)

    return Node(value, (pictures,), back)


def average(pictures: Node, size: int, stride: int, *, padded: bool = True) -> Node:
    """The mean of those pixels of each window that are in the picture."""
    windows = Windows(pictures.value.shape, size, stride=stride, padded=padded)
    inside = windows.padded(np.ones_like(pictures.value[:1, :, :, :1]))
    count = np.asarray(sum(inside[at] for _, _, at in windows))
    filled = windows.padded(pictures.value)
    value = np.asarray(sum(filled[at] for _, _, at in windows)) / count

    def back(slope: Array) -> tuple[Array]:
        whole, shared = np.zeros_like(filled), slope / count
        for _, _, at in windows:
            whole[at] += shared
        return (windows.cut(whole),)

    return Node(value, (pictures,), back)


def padded_to(pictures: Node, rows: int, columns: int) -> Node:
    """With zeros around it, as large as that."""
    shape = pictures.value.shape
    before = (rows - shape[1]) // 2, (columns - shape[2]) // 2
    at = (slice(None), *(slice(b, b + n) for b, n in zip(before, shape[1:3], strict=True)))
    value = np.zeros((shape[0], rows, columns, shape[3]), pictures.value.dtype)
    value[at] = pictures.value
    return Node(value, (pictures,), lambda slope: (slope[at],))


def pooled(pictures: Node) -> Node:
    """The mean of each channel: (picture, channel)."""
    shape = pictures.value.shape
    spread = 1 / (shape[1] * shape[2])
    return Node(
        pictures.value.mean(axis=(1, 2)).T,
        (pictures,),
        lambda slope: (np.broadcast_to((slope.T * spread)[:, None, None], shape),),
    )


class Norm:
    """Each channel less its mean, over its deviation (batch normalization): of the batch while
    `training`, of what it usually was otherwise. No weights of its own."""

    def __init__(self, channels: int, momentum: float = 0.1) -> None:
        self._momentum = momentum
        self._mean = np.zeros((channels, 1), np.float32)
        self._variance = np.ones((channels, 1), np.float32)

    def __call__(self, pictures: Node, training: bool) -> Node:
        shape, flat = pictures.value.shape, _flat(pictures.value)
        if not training:
            scale = 1 / np.sqrt(self._variance + _NARROWEST)
            value = (flat - self._mean) * scale
            return Node(
                value.reshape(shape), (pictures,),
                lambda slope: ((_flat(slope) * scale).reshape(shape),),
            )  # fmt: skip
        mean = flat.mean(axis=1, keepdims=True)
        apart = flat - mean
        variance = _along(apart, apart)
        self._mean += self._momentum * (mean - self._mean)
        self._variance += self._momentum * (variance - self._variance)
        scale = 1 / np.sqrt(variance + _NARROWEST)
        value = apart * scale

        def back(slope: Array) -> tuple[Array]:
            slope = _flat(slope)
            even = slope.mean(axis=1, keepdims=True)
            return (((slope - even - value * _along(slope, value)) * scale).reshape(shape),)

        return Node(value.reshape(shape), (pictures,), back)


def _flat(pictures: Array) -> Array:
    return pictures.reshape(len(pictures), -1)


def _along(one: Array, other: Array) -> Array:
    """For each channel the mean of the products."""
    return np.asarray(np.einsum("ci,ci->c", one, other)[:, None] / one.shape[1])
