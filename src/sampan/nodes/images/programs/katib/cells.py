"""The networks of differentiable architecture search (Liu et al. 2019): cells of one shape, between
whose nodes operations are mixed, or a few chosen ones are left.

A cell has two inputs, the two cells before it, and nodes, each the sum of edges from what comes
before it; its output are all nodes. Some cells halve the picture (`reduce`), all others keep it
(`normal`); cells of a kind share the shares of their operations.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Sequence

import numpy as np
from layers import Layer, Weights, added, chain, convolution, halved, pool, separable
from nets import pictures, tape
from nets.tape import Array, Node
from numpy.random import Generator

NONE = "none"
SKIP = "skip_connection"
_NAMED = re.compile(r"(max_pooling|avg_pooling|separable_convolution|dilated_convolution)_(\d+)x\2")
_EDGES = 2  # that are left for each node

Genotype = namedtuple("Genotype", "normal normal_concat reduce reduce_concat")
"""`normal` and `reduce`: for each node, (operation, number of the input or node before it)."""

Edges = Sequence[Sequence[tuple[int, Sequence[str]]]]
"""For each node of a cell its edges: where from, and which operations."""
Mix = Callable[[int, int], Node]
"""The shares of the operations of an edge: of which node, which of its edges."""


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


def chosen(genes: Sequence[Sequence[tuple[str, int]]]) -> Edges:
    return [[(start, (name,)) for name, start in node] for node in genes]


def best(shares: Sequence[Array], names: Sequence[str]) -> list[list[tuple[str, int]]]:
    """For each node the edges with the largest share of an operation; the last one is none."""
    found = []
    for edges in shares:
        largest = edges[:, :-1].max(axis=1)
        starts = np.argsort(-largest, kind="stable")[:_EDGES].tolist()
        found.append([(names[edges[start, :-1].argmax()], start) for start in starts])
    return found


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
                    None if name == NONE else operation(
                        name, weights, channels, 2 if halves and start < 2 else 1
                    ) for name in names
                ])
                for start, names in node
            ] for node in edges
        ]  # fmt: skip

    def __call__(self, first: Node, second: Node, mix: Mix | None, training: bool) -> Node:
        states = [self._first(first, training), self._second(second, training)]
        for number, edges in enumerate(self._nodes):
            terms = []
            for at, (start, layers) in enumerate(edges):
                for place, layer in enumerate(layers):
                    if layer is not None:
                        term = layer(states[start], training)
                        share = None if mix is None else tape.part(mix(number, at), place)
                        terms.append(term if share is None else tape.multiply(term, share))
            states.append(added(terms))
        return tape.concat(states[2:], axis=0)


class Network:
    """With `genotype`, of its operations; else of all in `names`, mixed by `alphas`."""

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
            genes = genotype and (genotype.reduce if halves else genotype.normal)
            edges = chosen(genes) if genes else everything(nodes, names)
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

    def __call__(self, images: Array, training: bool = False) -> Node:
        """The scores of the classes."""
        shares = {kind: [*map(tape.softmax, alphas)] for kind, alphas in self.alphas.items()}
        first = second = self._norm(pictures.convolve(pictures.of(images), self._stem), training)
        for cell in self._cells:
            mix = _mixed(shares[cell.halves]) if shares else None
            first, second = second, cell(first, second, mix, training)
        return tape.add(tape.matmul(pictures.pooled(second), self._last), self._bias)

    def shares(self, halves: bool) -> list[Array]:
        return [tape.softmax(each).value for each in self.alphas.get(halves, ())]


def _mixed(shares: Sequence[Node]) -> Mix:
    return lambda node, edge: tape.part(shares[node], edge)


def _halving(layers: int) -> set[int]:
    """Which cells halve the picture: those a third and two thirds of the way."""
    if layers <= 2:
        return {1} if layers == 2 else set()
    return {layers // 3, 2 * layers // 3}
