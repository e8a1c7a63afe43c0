"""Layers of pictures: arrays of (picture, row, column, channel), and what the tape does with them.

Windows are padded as "same" does, so that with stride 1 a picture keeps its size and otherwise has
`ceil(size / stride)` rows. They are walked place by place of the window, all pictures at once: as
few steps as the window has places, each of them one product of matrices or of arrays.
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
        ends = (self._before, self._after)
        if not any(ends):
            return pictures
        return np.pad(pictures, ((0, 0), ends, ends, (0, 0)), constant_values=filling)

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


def convolve(pictures: Node, weights: Node, stride: int = 1) -> Node:
    """`weights`: (row, column, channels before, channels after)."""
    windows = Windows(pictures.value.shape, len(weights.value), stride=stride)
    padded = windows.padded(pictures.value)
    value = sum(padded[at] @ weights.value[row, column] for row, column, at in windows)

    def back(slope: Array) -> tuple[Array, Array]:
        whole, own = np.zeros_like(padded), np.empty_like(weights.value)
        flat = slope.reshape(-1, slope.shape[-1])
        for row, column, at in windows:
            whole[at] += slope @ weights.value[row, column].T
            own[row, column] = padded[at].reshape(-1, padded.shape[-1]).T @ flat
        return windows.cut(whole), own

    return Node(np.asarray(value), (pictures, weights), back)


def convolve_each(pictures: Node, weights: Node, stride: int = 1, dilation: int = 1) -> Node:
    """Every channel by itself. `weights`: (row, column, channel)."""
    size = len(weights.value)
    windows = Windows(pictures.value.shape, size, stride=stride, dilation=dilation)
    padded = windows.padded(pictures.value)
    value = sum(padded[at] * weights.value[row, column] for row, column, at in windows)

    def back(slope: Array) -> tuple[Array, Array]:
        whole, own = np.zeros_like(padded), np.empty_like(weights.value)
        for row, column, at in windows:
            whole[at] += slope * weights.value[row, column]
            own[row, column] = np.einsum("bijc,bijc->c", padded[at], slope)
        return windows.cut(whole), own

    return Node(np.asarray(value), (pictures, weights), back)


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
        pictures.value.mean(axis=(1, 2)),
        (pictures,),
        lambda slope: (np.broadcast_to((slope * spread)[:, None, None], shape),),
    )


class Norm:
    """Each channel less its mean, over its deviation (batch normalization): of the batch while
    `training`, of what it usually was otherwise. No weights of its own."""

    def __init__(self, channels: int, momentum: float = 0.1) -> None:
        self._momentum = momentum
        self._mean = np.zeros(channels, np.float32)
        self._variance = np.ones(channels, np.float32)

    def __call__(self, pictures: Node, training: bool) -> Node:
        if not training:
            scale = 1 / np.sqrt(self._variance + _NARROWEST)
            value = (pictures.value - self._mean) * scale
            return Node(value, (pictures,), lambda slope: (slope * scale,))
        mean = pictures.value.mean(axis=(0, 1, 2))
        variance = pictures.value.var(axis=(0, 1, 2))
        self._mean += self._momentum * (mean - self._mean)
        self._variance += self._momentum * (variance - self._variance)
        scale = 1 / np.sqrt(variance + _NARROWEST)
        value = (pictures.value - mean) * scale

        def back(slope: Array) -> tuple[Array]:
            even = slope.mean(axis=(0, 1, 2))
            along = (slope * value).mean(axis=(0, 1, 2))
            return ((slope - even - value * along) * scale,)

        return Node(value, (pictures,), back)
