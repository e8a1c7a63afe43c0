"""Each operation's gradient beside what a small change of its parents does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.lib.nets import descent, pictures, tape
from sampan.lib.nets.tape import Array, Node

SMALL = 1e-6


def some(*shape: int, seed: int = 0) -> Node:
    return Node(np.random.default_rng([seed, *shape]).standard_normal(shape))


def agrees(operation: Callable[..., Node], *parents: Node) -> None:
    """Slopes of a sum of the operation's values with uneven weights."""
    uneven = np.random.default_rng(1).standard_normal(operation(*parents).value.shape)

    def whole() -> Node:
        return tape.total(tape.scale(operation(*parents), uneven))

    tape.backward(whole())
    slopes = [each.slope for each in parents]
    for parent, slope in zip(parents, slopes, strict=True):
        assert slope is not None
        assert slope.shape == parent.value.shape
        np.testing.assert_allclose(slope, measured(parent, whole), rtol=1e-4, atol=1e-6)


def measured(parent: Node, whole: Callable[[], Node]) -> Array:
    found = np.empty_like(parent.value)
    for at in np.ndindex(parent.value.shape):
        before, ends = parent.value[at], []
        for change in (SMALL, -SMALL):
            parent.value[at] = before + change
            ends.append(float(whole().value))
        parent.value[at] = before
        found[at] = (ends[0] - ends[1]) / (2 * SMALL)
    return found


@pytest.mark.parametrize(
    ("operation", "parents"),
    [
        pytest.param(tape.add, [some(3, 2), some(1, 2)], id="add"),
        pytest.param(tape.multiply, [some(4, 3, 2), some(3, 1)], id="multiply"),
        pytest.param(lambda x: tape.scale(x, np.arange(6.0).reshape(3, 2)), [some(2)], id="scale"),
        pytest.param(tape.matmul, [some(2, 3, 4), some(4, 5)], id="matmul"),
        pytest.param(tape.relu, [some(5)], id="relu"),
        pytest.param(tape.tanh, [some(5)], id="tanh"),
        pytest.param(tape.exp, [some(5)], id="exp"),
        pytest.param(lambda *x: tape.concat(x), [some(2, 3), some(2, 1)], id="concat"),
        pytest.param(lambda *x: tape.concat(x, 0), [some(2, 3), some(1, 3)], id="concat-first"),
        pytest.param(lambda *x: tape.stack(x, 1), [some(2, 3), some(2, 3, seed=1)], id="stack"),
        pytest.param(lambda x: tape.part(x, (0, slice(1, 3))), [some(2, 4)], id="part"),
        pytest.param(lambda x: tape.rows(x, np.array([1, 1, 0])), [some(2, 4)], id="rows"),
        pytest.param(lambda x: tape.total(x, axis=(0, 2)), [some(2, 3, 2)], id="total"),
        pytest.param(tape.log_softmax, [some(3, 4)], id="log-softmax"),
        pytest.param(tape.softmax, [some(3, 4)], id="softmax"),
        pytest.param(
            lambda x: tape.cross_entropy(x, np.array([2, 0, 1])), [some(3, 3)], id="cross-entropy"
        ),
        pytest.param(
            lambda *x: tape.concat(tape.lstm(*x)),
            [some(2, 3), some(2, 2), some(2, 2, seed=1), some(5, 8)],
            id="lstm",
        ),
        pytest.param(pictures.convolve, [some(2, 4, 3, 2), some(3, 3, 2, 3)], id="convolve"),
        pytest.param(
            lambda x, w: pictures.convolve(x, w, 2), [some(2, 5, 4, 1), some(2, 2, 2, 3)],
            id="convolve-even-strided",
        ),
        pytest.param(pictures.mix, [some(2, 2, 3, 2), some(2, 3)], id="mix"),
        pytest.param(
            lambda x, w: pictures.convolve_each(x, w, 2, 2), [some(2, 5, 4, 2), some(3, 3, 2)],
            id="convolve-each-dilated-strided",
        ),
        pytest.param(lambda x: pictures.largest(x, 3, 2), [some(2, 5, 4, 2)], id="largest"),
        pytest.param(
            lambda x: pictures.largest(x, 2, 2, padded=False), [some(1, 5, 4, 2)],
            id="largest-bare",
        ),
        pytest.param(lambda x: pictures.average(x, 3, 2), [some(2, 5, 4, 2)], id="average"),
        pytest.param(lambda x: pictures.padded_to(x, 5, 4), [some(1, 2, 2, 2)], id="padded"),
        pytest.param(pictures.pooled, [some(2, 3, 3, 2)], id="pooled"),
        pytest.param(
            lambda x: pictures.Norm(2)(x, training=True), [some(2, 3, 2, 2)], id="norm-training"
        ),
        pytest.param(
            lambda x: pictures.Norm(2)(x, training=False), [some(2, 3, 2, 2)], id="norm-used"
        ),
    ],
)  # fmt: skip
def test_slopes_are_what_a_small_change_does(
    operation: Callable[..., Node], parents: Sequence[Node]
) -> None:
    agrees(operation, *parents)


def test_a_value_used_twice_has_both_slopes() -> None:
    twice = some(3)
    tape.backward(tape.total(tape.multiply(twice, tape.add(twice, twice))))
    assert twice.slope is not None
    np.testing.assert_allclose(twice.slope, 4 * twice.value)


def test_what_is_not_recorded_has_the_same_value_and_no_slope() -> None:
    given = some(3)
    with tape.unrecorded():
        forgotten = tape.relu(tape.add(given, given))
    kept = tape.relu(tape.add(given, given))
    np.testing.assert_array_equal(forgotten.value, kept.value)
    tape.backward(tape.total(forgotten))
    assert given.slope is None
    tape.backward(tape.total(kept))
    assert given.slope is not None


def test_a_long_tape_does_not_exhaust_the_stack() -> None:
    first = last = some(1)
    for _ in range(5000):
        last = tape.scale(last, 1.0)
    tape.backward(tape.total(last))
    assert first.slope == 1


@given(st.integers(1, 9), st.integers(1, 5), st.integers(1, 3), st.integers(1, 2))
def test_padded_windows_have_as_many_places_as_same_has(
    pixels: int, size: int, stride: int, dilation: int
) -> None:
    windows = pictures.Windows((1, pixels, pixels, 1), size, stride=stride, dilation=dilation)
    assert windows.rows == windows.columns == -(-pixels // stride)
    padded = windows.padded(np.ones((1, pixels, pixels, 1)))
    assert windows.cut(padded).shape == (1, pixels, pixels, 1)
    assert {padded[at].shape for _, _, at in windows} == {(1, windows.rows, windows.rows, 1)}


def around(pictures: Array, size: int, stride: int, row: int, column: int) -> Array:
    """What a window of that place of the result sees, by the definition: zeros around it."""
    wide = np.pad(pictures, ((0, 0), (9, 9), (9, 9), (0, 0)))
    top, left = (9 + stride * at - (size - 1) // 2 for at in (row, column))
    return wide[:, top : top + size, left : left + size]


@pytest.mark.parametrize(("size", "stride"), [(3, 1), (3, 2), (2, 2), (5, 1)])
def test_convolutions_are_sums_over_windows(size: int, stride: int) -> None:
    given, weights, own = some(2, 5, 4, 3), some(size, size, 2, 4), some(size, size, 2)
    found = pictures.convolve(given, weights, stride).value
    each = pictures.convolve_each(given, own, stride).value
    assert found.shape == (4, -(-5 // stride), -(-4 // stride), 3)
    for row, column in np.ndindex(found.shape[1:3]):
        seen = around(given.value, size, stride, row, column)
        wanted = np.einsum("brcn,rcba->an", seen, weights.value)
        np.testing.assert_allclose(found[:, row, column], wanted)
        alone = np.einsum("brcn,rcb->bn", seen, own.value)
        np.testing.assert_allclose(each[:, row, column], alone)


def test_of_equal_pixels_only_one_is_moved() -> None:
    even = Node(np.zeros((1, 2, 2, 1)))
    tape.backward(tape.total(pictures.largest(even, 2, 2, padded=False)))
    assert even.slope is not None
    assert even.slope.sum() == 1


def test_the_average_is_of_pixels_of_the_picture() -> None:
    ones = Node(np.ones((1, 3, 3, 1)))
    np.testing.assert_allclose(pictures.average(ones, 3, 1).value, 1.0)


def test_norms_remember_what_was_usual() -> None:
    norm, data = pictures.Norm(1, momentum=1.0), Node(np.array([1.0, 3.0]).reshape(1, 1, 1, 2))
    trained = norm(data, training=True).value
    np.testing.assert_allclose(norm(data, training=False).value, trained, rtol=1e-4)
    np.testing.assert_allclose(trained.ravel(), [-1, 1], rtol=1e-4)


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(lambda nodes: descent.Adam(nodes), id="adam"),
        pytest.param(lambda nodes: descent.Momentum(nodes, 0.9, 0.0), id="momentum"),
    ],
)
def test_descent_finds_the_bottom(rule: Callable[..., descent.Adam | descent.Momentum]) -> None:
    place, still = some(3), some(2)
    optimizer = rule([place, still])
    before = still.value.copy()
    for _ in range(500):
        apart = tape.add(place, Node(np.full(3, -2.0)))
        tape.backward(tape.total(tape.multiply(apart, apart)))
        optimizer.step(0.03)
    np.testing.assert_allclose(place.value, 2.0, atol=0.01)
    np.testing.assert_array_equal(still.value, before)


def test_slopes_are_shortened_together() -> None:
    nodes = [Node(np.zeros(1)), Node(np.zeros(1)), Node(np.zeros(1))]
    nodes[0].slope, nodes[1].slope = np.array([3.0]), np.array([4.0])
    descent.clip(nodes, 1.0)
    np.testing.assert_allclose([nodes[0].slope[0], nodes[1].slope[0]], [0.6, 0.8])
    descent.clip(nodes, 1.0)
    np.testing.assert_allclose([nodes[0].slope[0], nodes[1].slope[0]], [0.6, 0.8])
