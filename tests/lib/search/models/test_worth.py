from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sampan.lib.search.models import worth
from sampan.lib.search.networks import Layer

CONVOLUTIONS = [Layer("convolution", {"size": size, "filters": n}) for size in "35" for n in (4, 8)]
POOLS = [Layer("pool", {"kind": kind}) for kind in ("max", "avg")]
LAYERS = [*CONVOLUTIONS, *POOLS]
Network = tuple[tuple[int, ...], ...]


def some(count: int, layers: int, seed: int, operations: int = len(LAYERS)) -> list[Network]:
    random = np.random.default_rng(seed)
    return [
        tuple(
            (int(random.integers(operations)), *random.integers(2, size=layer).tolist())
            for layer in range(layers)
        )
        for _ in range(count)
    ]


def agree(one: Sequence[float], other: Sequence[float]) -> float:
    return float(np.corrcoef(one, other)[0, 1])


def test_what_adds_up_is_guessed() -> None:
    def is_worth(network: Network) -> float:
        return sum(LAYERS[layer[0]].kind == "convolution" for layer in network) - network[2][1]

    known, asked = some(40, 3, 0), some(40, 3, 1)
    found = worth.guesses(LAYERS, known, [*map(is_worth, known)], asked)
    assert agree(found.tolist(), [*map(is_worth, asked)]) > 0.95


def test_a_few_networks_tell_something_in_spite_of_noise() -> None:
    noise = np.random.default_rng(0)
    known, asked = some(12, 4, 2), some(40, 4, 3)

    def is_worth(network: Network) -> float:
        return sum(layer[0] < 4 for layer in network)

    said = [is_worth(each) + 0.3 * noise.standard_normal() for each in known]
    found = worth.guesses(LAYERS, known, said, asked)
    assert agree(found.tolist(), [*map(is_worth, asked)]) > 0.6


def test_numbers_mean_the_same_with_other_kinds() -> None:
    layers = [Layer(kind, {"filters": str(n)}) for kind in ("a", "b") for n in (4, 8, 16)]
    known = some(20, 2, 4, operations=3)
    said = [sum(layer[0] for layer in each) for each in known]
    few, many = worth.guesses(layers, known, said, [((3,), (3, 0)), ((5,), (5, 0))])
    assert many > few + 1


def test_a_number_in_the_middle_may_be_the_best() -> None:
    layers = [Layer("any", {"size": str(n)}) for n in range(5)]
    known, asked = some(30, 3, 9, operations=5), [tuple((n, *[0] * at) for at in range(3))
                                                  for n in range(5)]  # fmt: skip
    said = [sum(layer[0] == 2 for layer in each) for each in known]
    assert worth.guesses(layers, known, said, asked).argmax() == 2


def test_where_nothing_is_told_all_are_worth_the_same() -> None:
    known, asked = some(10, 3, 5), some(5, 3, 6)
    assert not worth.guesses(LAYERS, known, [0.5] * 10, asked).any()
    assert not worth.guesses(LAYERS, known[:1] * 8, [*range(8)], asked).any()


@settings(max_examples=30)
@given(st.integers(1, 4), st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9))
def test_guesses_are_numbers(layers: int, said: list[float]) -> None:
    found = worth.guesses(LAYERS, some(len(said), layers, 7), said, some(3, layers, 8))
    assert found.shape == (3,)
    assert np.isfinite(found).all()
