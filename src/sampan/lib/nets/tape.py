"""A tape of gradients: values that know what they came of.

An operation takes nodes and makes one, with a function that turns the gradient of its value into
those of its parents. `backward` walks from the last node to the first. Gradients lie in `slope`
of each node, those of the walk before are forgotten. Values are never changed in place, but for
the steps of `descent`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Back = Callable[[Array], Sequence[Array]]


_recording = ContextVar("recording", default=True)


@contextmanager
def unrecorded() -> Iterator[None]:
    """Values that are made meanwhile do not know what they came of, which need not be kept then."""
    token = _recording.set(False)
    try:
        yield
    finally:
        _recording.reset(token)


class Node:
    __slots__ = ("back", "parents", "slope", "value")

    def __init__(
        self, value: Array, parents: Sequence[Node] = (), back: Back | None = None
    ) -> None:
        recorded = _recording.get()
        self.value = value
        self.parents = parents if recorded else ()
        self.back = back if recorded else None
        self.slope: Array | None = None


def backward(last: Node) -> None:
    """The slope of `last`, a single number, with respect to everything that it came of."""
    ordered = _ordered(last)
    for each in ordered:
        each.slope = None
    last.slope = np.ones_like(last.value)
    for each in reversed(ordered):
        if each.back is None or each.slope is None:
            continue
        for parent, slope in zip(each.parents, each.back(each.slope), strict=True):
            parent.slope = slope if parent.slope is None else parent.slope + slope


def _ordered(last: Node) -> list[Node]:
    """Parents before what came of them."""
    found, seen, waiting = [], {id(last)}, [(last, iter(last.parents))]
    while waiting:
        node, parents = waiting[-1]
        for parent in parents:
            if id(parent) not in seen:
                seen.add(id(parent))
                waiting.append((parent, iter(parent.parents)))
                break
        else:
            found.append(node)
            waiting.pop()
    return found


def add(one: Node, other: Node) -> Node:
    return Node(
        one.value + other.value,
        (one, other),
        lambda slope: (_like(slope, one.value), _like(slope, other.value)),
    )


def multiply(one: Node, other: Node) -> Node:
    return Node(
        one.value * other.value,
        (one, other),
        lambda slope: (
            _like(slope * other.value, one.value),
            _like(slope * one.value, other.value),
        ),
    )


def scale(node: Node, factor: Array | float) -> Node:
    """By a factor that is no node: numbers as many as the node's, or fewer that are spread."""
    return Node(node.value * factor, (node,), lambda slope: (_like(slope * factor, node.value),))


def matmul(rows: Node, weights: Node) -> Node:
    """The last axis of `rows` by a matrix."""

    def back(slope: Array) -> Sequence[Array]:
        flat = rows.value.reshape(-1, rows.value.shape[-1])
        return slope @ weights.value.T, flat.T @ slope.reshape(-1, slope.shape[-1])

    return Node(rows.value @ weights.value, (rows, weights), back)


def relu(node: Node) -> Node:
    return Node(np.maximum(node.value, 0), (node,), lambda slope: (slope * (node.value > 0),))


def tanh(node: Node) -> Node:
    value = np.tanh(node.value)
    return Node(value, (node,), lambda slope: (slope * (1 - value * value),))


def exp(node: Node) -> Node:
    value = np.exp(node.value)
    return Node(value, (node,), lambda slope: (slope * value,))


def concat(nodes: Sequence[Node], axis: int = -1) -> Node:
    ends = np.cumsum([each.value.shape[axis] for each in nodes])[:-1]
    return Node(
        np.concatenate([each.value for each in nodes], axis=axis),
        tuple(nodes),
        lambda slope: np.split(slope, ends, axis=axis),
    )


def stack(nodes: Sequence[Node], axis: int) -> Node:
    """Along a new axis."""
    return Node(
        np.stack([each.value for each in nodes], axis=axis),
        tuple(nodes),
        lambda slope: tuple(np.moveaxis(slope, axis, 0)),
    )


def part(node: Node, place: Any) -> Node:
    """`node[place]`, where no number is taken twice."""

    def back(slope: Array) -> Sequence[Array]:
        whole = np.zeros_like(node.value)
        whole[place] = slope
        return (whole,)

    return Node(node.value[place], (node,), back)


def rows(table: Node, numbers: Array) -> Node:
    """One row of a table for each number."""

    def back(slope: Array) -> Sequence[Array]:
        whole = np.zeros_like(table.value)
        np.add.at(whole, numbers, slope)
        return (whole,)

    return Node(table.value[numbers], (table,), back)


def total(node: Node, axis: int | tuple[int, ...] | None = None) -> Node:
    def back(slope: Array) -> Sequence[Array]:
        if axis is not None:
            slope = np.expand_dims(slope, axis)
        return (np.broadcast_to(slope, node.value.shape),)

    return Node(np.asarray(node.value.sum(axis=axis)), (node,), back)


def log_softmax(node: Node) -> Node:
    """Of the last axis."""
    shifted = node.value - node.value.max(axis=-1, keepdims=True)
    value = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return Node(
        value,
        (node,),
        lambda slope: (slope - np.exp(value) * slope.sum(axis=-1, keepdims=True),),
    )


def softmax(node: Node) -> Node:
    return exp(log_softmax(node))


def cross_entropy(logits: Node, classes: Array) -> Node:
    """The mean over the rows."""
    wanted = np.zeros_like(logits.value)
    wanted[np.arange(len(classes)), classes] = -1.0 / len(classes)
    return total(scale(log_softmax(logits), wanted))


def lstm(inputs: Node, hidden: Node, cell: Node, weights: Node) -> tuple[Node, Node]:
    """The next (hidden, cell) of a long short-term memory without biases."""
    size = cell.value.shape[-1]
    gates = matmul(concat((inputs, hidden)), weights)
    into, forget, out = (
        1 / (1 + np.exp(-gates.value[..., at * size : (at + 1) * size])) for at in range(3)
    )
    fresh = np.tanh(gates.value[..., 3 * size :])
    following = into * fresh + forget * cell.value
    squashed = np.tanh(following)

    def back(slope: Array) -> Sequence[Array]:
        of_hidden, of_cell = slope
        inner = of_cell + of_hidden * out * (1 - squashed * squashed)
        of_gates = np.concatenate(
            (
                inner * fresh * into * (1 - into),
                inner * cell.value * forget * (1 - forget),
                of_hidden * squashed * out * (1 - out),
                inner * into * (1 - fresh * fresh),
            ),
            axis=-1,
        )
        return of_gates, inner * forget

    both = Node(np.stack((out * squashed, following)), (gates, cell), back)
    return part(both, 0), part(both, 1)


def _like(slope: Array, value: Array) -> Array:
    """Summed over the axes along which a value of that shape was spread."""
    if slope.shape == value.shape:
        return slope
    extra = slope.ndim - value.ndim
    spread = tuple(
        axis for axis in range(slope.ndim)
        if axis < extra or value.shape[axis - extra] == 1 != slope.shape[axis]
    )  # fmt: skip
    return np.asarray(slope.sum(axis=spread)).reshape(value.shape)
