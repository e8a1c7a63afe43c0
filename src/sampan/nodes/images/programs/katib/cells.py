"""The networks of differentiable architecture search (Liu et al. 2019): cells of one shape, whose
nodes are sums of edges, each an operation on something before it.

A cell has two inputs, the two cells before it, and nodes; its output are all nodes. Some cells
halve the picture (`reduce`), all others keep it (`normal`), and cells of a kind are alike. A
network that is searched in has all operations on all edges, but is never computed as a whole: each
time a path is taken through it, as many edges and operations as a network has in the end, so that
it costs no more than one of these, and weights learn what they are for there.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Sequence

import numpy as np
from layers import Layer, Weights, added, chain, convolution, halved, pool, separable
from nets import pictures, tape
from nets.tape import Array, Node
from numpy.random import Generator
from paths import Path, Paths

NONE = "none"
SKIP = "skip_connection"
_NAMED = re.compile(r"(max_pooling|avg_pooling|separable_convolution|dilated_convolution)_(\d+)x\2")

Genotype = namedtuple("Genotype", "normal normal_concat reduce reduce_concat")
"""`normal` and `reduce`: for each node, (operation, number of the input or node before it)."""

Edges = Sequence[Sequence[tuple[int, Sequence[str]]]]
"""For each node of a cell its edges: where from, and which operations."""


def operation(name: str, weights: Weights, channels: int, stride: int) -> Layer:
    if name == SKIP:
        return halved(weights, channels, channels) if stride == 2 else lambda given, _: given
    named = _NAMED.fullmatch(name)
    if named is None:
        raise SystemExit(f"the search space has an operation that is not known: {name}")
    size = int(named[2])
    if named[1].endswith("pooling"):
        return pool(named[1][:3], size, channels, stride)
    if named[1].startswith("dilated"):
        return separable(weights, size, channels, channels, stride=stride, dilation=2)
    return chain(
        separable(weights, size, channels, channels, stride=stride),
        separable(weights, size, channels, channels),
    )


def everything(nodes: int, names: Sequence[str]) -> Edges:
    """All edges, with all operations."""
    return [[(start, names) for start in range(2 + node)] for node in range(nodes)]


def only(chosen: Sequence[Sequence[tuple[str, int]]]) -> Edges:
    return [[(start, (name,)) for name, start in node] for node in chosen]


def genes(path: Path, names: Sequence[str]) -> list[list[tuple[str, int]]]:
    return [[(names[place], start) for start, place in node] for node in path]


class Cell:
    def __init__(
        self, weights: Weights, before: tuple[int, int], channels: int, edges: Edges,
        *, halves: bool, halved_before: bool,
    ) -> None:  # fmt: skip
        """`before`: the channels of the two inputs."""
        self.halves = halves
        self._first = (
            halved(weights, before[0], channels)
            if halved_before
            else convolution(weights, 1, before[0], channels)
        )
        self._second = convolution(weights, 1, before[1], channels)
        self._nodes = [
            [
                (start, [
                    operation(name, weights, channels, 2 if halves and start < 2 else 1)
                    for name in names if name != NONE
                ])
                for start, names in node
            ] for node in edges
        ]  # fmt: skip
        self._only = [[(at, 0) for at in range(len(node))] for node in edges]

    def __call__(self, first: Node, second: Node, training: bool, path: Path | None) -> Node:
        states = [self._first(first, training), self._second(second, training)]
        for number, taken in enumerate(path or self._only):
            terms = []
            for at, place in taken:
                start, layers = self._nodes[number][at]
                terms.append(layers[place](states[start], training))
            states.append(added(terms))
        return tape.concat(states[2:], axis=0)


class Network:
    """With `genotype`, of its operations; else of all in `names`, with `alphas` for the shares."""

    def __init__(
        self, random: Generator, *, layers: int, channels: int, nodes: int, stem: int,
        classes: int, names: Sequence[str] = (), genotype: Genotype | None = None,
    ) -> None:  # fmt: skip
        weights = Weights(random)
        self._stem = weights.made(3, 3, 1, stem * channels, inputs=9)
        self._norm = pictures.Norm(stem * channels)
        halving = _halving(layers)
        before, halved_before = (stem * channels, stem * channels), False
        self._cells = []
        for layer in range(layers):
            halves = layer in halving
            channels *= 2 if halves else 1
            chosen = genotype and (genotype.reduce if halves else genotype.normal)
            edges = only(chosen) if chosen else everything(nodes, names)
            self._cells.append(Cell(weights, before, channels, edges, halves=halves,
                                    halved_before=halved_before))  # fmt: skip
            before, halved_before = (before[1], channels * nodes), halves
        self._last = weights.made(before[1], classes, inputs=before[1])
        self._bias = weights.made(classes, inputs=1)
        self._bias.value[:] = 0
        self.weights = weights.nodes
        self.alphas: dict[bool, list[Node]] = {}
        """By whether the cell halves the picture: for each node, (edge, operation)."""
        for kind in (False, *([True] if halving else [])) if genotype is None else ():
            self.alphas[kind] = [
                Node((1e-3 * random.standard_normal((2 + node, len(names)))).astype(np.float32))
                for node in range(nodes)
            ]

    def __call__(self, images: Array, training: bool = False, paths: Paths | None = None) -> Node:
        """The scores of the classes."""
        first = second = self._norm(pictures.convolve(pictures.of(images), self._stem), training)
        for cell in self._cells:
            path = paths[cell.halves] if paths else None
            first, second = second, cell(first, second, training, path)
        return tape.add(tape.matmul(pictures.pooled(second), self._last), self._bias)

    def shares(self, halves: bool) -> list[Array]:
        return [tape.softmax(each).value for each in self.alphas.get(halves, ())]


def _halving(layers: int) -> set[int]:
    """Which cells halve the picture: those a third and two thirds of the way."""
    if layers <= 2:
        return {1} if layers == 2 else set()
    return {layers // 3, 2 * layers // 3}
