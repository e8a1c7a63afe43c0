"""A controller that writes networks: layer by layer, a long short-term memory chooses an operation
and which earlier layers are joined to the one before, as ENAS does (Pham et al. 2018).

`learn` moves it by REINFORCE towards the networks that were worth more than usual, of those that it
has drawn itself and that were then trained. Several steps are taken for each batch; what they may
change about the odds of a choice is bounded, since beyond it the batch says nothing about the
policy that has come of it (Schulman et al. 2017). No weights of networks are known or shared here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from msgspec import Struct

from sampan.lib.nets import tape
from sampan.lib.nets.descent import Adam
from sampan.lib.nets.tape import Array, Node

Network = tuple[tuple[int, ...], ...]
"""For each layer its operation, and whether (1) or not (0) each earlier one is joined to its input
besides the one before."""

Choose = Callable[[Array], Array]
"""Numbers chosen along the last axis of an array of logarithms of probabilities."""

_CLIP = 0.2  # of the odds of a choice, that one batch may change


class Settings(Struct, frozen=True, kw_only=True):
    """Scores are left as they are without a temperature or a tanh constant."""

    hidden: int = 64
    temperature: float | None = 5.0
    tanh: float | None = 2.25
    entropy_weight: float | None = 1e-5
    baseline_decay: float = 0.9
    rate: float = 2e-3
    skip_target: float = 0.4
    skip_weight: float | None = 0.8


class Controller:
    def __init__(self, layers: int, operations: int, settings: Settings, seed: int) -> None:
        self._layers, self._settings = layers, settings
        random, size = np.random.default_rng(seed), settings.hidden

        def weights(*shape: int) -> Node:
            return Node(random.uniform(-1, 1, shape) / size**0.5)

        self._begin = weights(1, size)
        self._memory = weights(2 * size, 4 * size)
        self._embedding = weights(operations, size)
        self._operation = weights(size, operations)
        self._keys, self._query, self._join = (
            weights(size, size),
            weights(size, size),
            weights(size, 1),
        )
        self._weights = [self._begin, self._memory, self._embedding, self._operation, self._keys,
                         self._query, self._join]  # fmt: skip
        self._adam = Adam(self._weights)
        self._usual = _Usual(settings.baseline_decay)

    def draw(self, seed: Sequence[int], count: int = 1) -> list[Network]:
        random = np.random.default_rng(seed)

        def choose(logs: Array) -> Array:
            threshold = random.random(logs.shape[:-1])[..., None]
            reached = np.exp(logs).cumsum(axis=-1)[..., :-1] <= threshold
            return np.asarray(reached.sum(axis=-1))

        chosen = [picked.tolist() for _, picked in self._decisions(count, choose)]
        operations, joined = chosen[:1] + chosen[1::2], chosen[2::2]
        return [
            tuple(
                (operations[layer][at], *(joined[layer - 1][at] if layer else ()))
                for layer in range(self._layers)
            )
            for at in range(count)
        ]

    def learn(self, networks: Sequence[Network], worth: Sequence[float], steps: int) -> None:
        advantages = self._usual.told(np.array(worth))
        recorded = list(_choices(networks))
        before = [_at(log.value, picked) for log, picked in self._again(recorded)]
        for _ in range(steps):
            decided = list(self._again(recorded))
            terms = [
                tape.total(tape.scale(log, -_pull(log.value, picked, old, advantages)))
                for (log, picked), old in zip(decided, before, strict=True)
            ]
            terms += self._regular([log for log, _ in decided])
            loss = terms[0]
            for each in terms[1:]:
                loss = tape.add(loss, each)
            tape.backward(loss)
            self._adam.step(self._settings.rate)

    def _again(self, recorded: Sequence[Array]) -> Iterator[tuple[Node, Array]]:
        """The decisions when these were chosen."""
        left = iter(recorded)
        return self._decisions(len(recorded[0]), lambda _: next(left))

    def _regular(self, logs: Sequence[Node]) -> Iterator[Node]:
        """What is added to the loss: less for entropy, more for joining more or less often than is
        wanted (the divergence of the odds from the wanted ones)."""
        settings = self._settings
        wanted = np.log([1 - settings.skip_target, settings.skip_target])
        for log in logs:
            count, joins = log.value.shape[0], log.value.ndim == 3
            if settings.entropy_weight:
                surprise = tape.multiply(tape.exp(log), log)
                yield tape.scale(tape.total(surprise), settings.entropy_weight / count)
            if settings.skip_weight and joins and np.isfinite(wanted).all():
                apart = tape.add(log, Node(-wanted))
                divergence = tape.total(tape.multiply(tape.exp(log), apart))
                share = settings.skip_weight / count / (self._layers - 1)
                yield tape.scale(divergence, share)

    def _decisions(self, count: int, choose: Choose) -> Iterator[tuple[Node, Array]]:
        """Logarithms of the probabilities of each decision, and what was chosen: the operation of
        a layer, then (but for the first) whether to join each earlier one."""
        cell = hidden = Node(np.zeros((count, self._settings.hidden)))
        begin = tape.add(self._begin, hidden)
        inputs, earlier, keys = begin, list[Node](), list[Node]()
        for layer in range(self._layers):
            hidden, cell = tape.lstm(inputs, hidden, cell, self._memory)
            logs = tape.log_softmax(self._scores(tape.matmul(hidden, self._operation)))
            picked = choose(logs.value)
            yield logs, picked
            inputs = tape.rows(self._embedding, picked)
            hidden, cell = tape.lstm(inputs, hidden, cell, self._memory)
            inputs = begin
            if layer:
                logs = self._joins(hidden, keys)
                picked = choose(logs.value)
                yield logs, picked
                shares = picked / (1 + picked.sum(axis=-1, keepdims=True))
                inputs = tape.total(tape.scale(tape.stack(earlier, 1), shares[..., None]), axis=1)
            earlier.append(hidden)
            keys.append(tape.matmul(hidden, self._keys))

    def _joins(self, hidden: Node, keys: Sequence[Node]) -> Node:
        query = tape.stack([tape.matmul(hidden, self._query)], 1)
        likes = tape.matmul(tape.tanh(tape.add(tape.stack(keys, 1), query)), self._join)
        likes = self._scores(likes)
        return tape.log_softmax(tape.concat((tape.scale(likes, -1.0), likes)))

    def _scores(self, node: Node) -> Node:
        if self._settings.temperature is not None:
            node = tape.scale(node, 1 / self._settings.temperature)
        if self._settings.tanh is not None:
            node = tape.scale(tape.tanh(node), self._settings.tanh)
        return node


class _Usual:
    """What networks are usually worth, the newer ones more: a mean and a deviation that decay."""

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self._count = self._sum = self._squares = 0.0

    def told(self, worth: Array) -> Array:
        """By how many deviations each is worth more than usual, itself included."""
        for each in worth:
            self._count = self._decay * self._count + 1
            self._sum = self._decay * self._sum + each
            self._squares = self._decay * self._squares + each * each
        mean = self._sum / self._count
        deviation = max(self._squares / self._count - mean * mean, 0.0) ** 0.5
        if deviation <= 1e-9 * max(1.0, abs(mean)):
            return np.zeros_like(worth)
        return np.asarray((worth - mean) / deviation)


def _choices(networks: Sequence[Network]) -> Iterator[Array]:
    """Of each decision, what was chosen in each network."""
    for layer in range(len(networks[0])):
        yield np.array([each[layer][0] for each in networks])
        if layer:
            yield np.array([each[layer][1:] for each in networks])


def _at(logs: Array, picked: Array) -> Array:
    return np.take_along_axis(logs, picked[..., None], axis=-1)[..., 0]


def _pull(logs: Array, picked: Array, before: Array, advantages: Array) -> Array:
    """The slope of the bounded gain with respect to the logarithms, as if it were fixed."""
    advantage = advantages.reshape(-1, *[1] * (picked.ndim - 1))
    odds = np.exp(_at(logs, picked) - before)
    inside = np.where(advantage > 0, odds < 1 + _CLIP, odds > 1 - _CLIP)
    found = np.zeros_like(logs)
    pull = odds * advantage * inside / len(picked)
    np.put_along_axis(found, picked[..., None], pull[..., None], axis=-1)
    return found
