"""Neural architecture search by reinforcement: a controller writes networks, and learns from what
those that were trained are worth.

A trial trains one network from nothing; no weights are shared between trials. Trials carry the
number of their generation as a label. One is over when enough of its trials have told, as many as
run at a time, and the controller then learns from these pairs of a network and its worth, so that a
suggestion follows from the history alone. Upstream trains the controller with fresh networks and
the mean worth of all trials instead, from which it learns nothing on average.

Where ENAS judges several networks of its controller by the weights that they share, to train the
best of them, several are judged here by what trials with layers like theirs were worth.

Where the rate and the decay of the baseline are not set, they are such that it learns from some ten
networks; upstream's defaults are for thousands.
Upstream: pkg/suggestion/v1beta1/nas/enas (names, settings, and the form of what is suggested).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import partial
from itertools import chain
from itertools import count as counted
from typing import NamedTuple

import msgspec

from sampan.lib.search import history, networks, outcomes, settings
from sampan.lib.search.memo import Memo
from sampan.lib.search.models import worth
from sampan.lib.search.models.controller import Controller, Network, Settings
from sampan.lib.search.networks import Layer
from sampan.lib.search.problem import Answer, Architecture, Problem, Refused, Suggestion, Trial

GENERATION = "enas-generation"
"""The label of a trial."""

_LEAST = 3  # networks of a generation
_TRAINED = 20  # generations that are learned from with all steps; later ones get ever fewer
_RATE, _DECAY = 2e-3, 0.9  # upstream's defaults are 5e-5 and 0.999
_DRAWN = 32  # networks that the controller writes, of which one is suggested
_GUESSED_FROM, _KNOWN = 6, 200  # trials that guesses need at least, and use at most
_MOST_LAYERS = 100
_MOST_WORK = 6000  # layers times steps: some seconds for a generation
_MOST = {"controller_hidden_size": 256, "controller_train_steps": 1000}

_RANGES: Mapping[str, tuple[Callable[[str], float], float, float]] = {
    "controller_hidden_size": (int, 1, math.inf),
    "controller_temperature": (float, 0, math.inf),
    "controller_tanh_const": (float, 0, math.inf),
    "controller_entropy_weight": (float, 0.0, math.inf),
    "controller_baseline_decay": (float, 0.0, 1.0),
    "controller_learning_rate": (float, 0.0, 1.0),
    "controller_skip_target": (float, 0.0, 1.0),
    "controller_skip_weight": (float, 0.0, math.inf),
    "controller_train_steps": (int, 1, math.inf),
    "controller_log_every_steps": (int, 1, math.inf),
}
"""Type, least and most. Floats are above the least one."""
_MAY_BE_NONE = ("controller_temperature", "controller_tanh_const", "controller_entropy_weight",
                "controller_skip_weight")  # fmt: skip

_STEPS = "controller_train_steps"

Batch = list[tuple[Network, float]]
"""Networks and what each was worth."""


class Told(NamedTuple):
    """Of a trial that trained a network; `generation` is -1 for one of another experiment."""

    generation: int
    network: Network
    worth: float


_followed: Memo[Controller] = Memo(8)


def check(problem: Problem) -> None:
    settings.one_objective(problem, "enas")
    graph = problem.architecture or Architecture()
    if not graph.inputs:
        raise Refused("Missing InputSizes in GraphConfig:\n" + networks.graph(graph))
    if not graph.outputs:
        raise Refused("Missing OutputSizes in GraphConfig:\n" + networks.graph(graph))
    if graph.layers <= 0:
        raise Refused("Missing NumLayers in GraphConfig:\n" + networks.graph(graph))
    if graph.layers > _MOST_LAYERS:
        raise Refused(f"numLayers: at most {_MOST_LAYERS}, not {graph.layers}")
    networks.verify(graph.operations)
    networks.layers_of(graph.operations)
    for name, text in problem.settings.items():
        _check_setting(name, text)
    steps = settings.integer(problem, _STEPS, 50)
    if graph.layers * steps > _MOST_WORK:
        raise Refused(f"Algorithm Setting {_STEPS}: {steps} is too much for {graph.layers} layers")


def suggest(problem: Problem, trials: Sequence[Trial], count: int) -> Answer:
    graph = problem.architecture or Architecture()
    layers = networks.layers_of(graph.operations)
    told = _told(problem, len(layers), trials)
    controller, generation = _follow(problem, len(layers), told)
    labels = {GENERATION: str(generation)}
    drawn = [controller.draw((problem.seed, len(trials) + more), _DRAWN) for more in range(count)]
    tried = {each.assignments.get("architecture", "") for each in trials}
    return Answer(
        suggestions=tuple(
            Suggestion(assignments=assigned(graph, layers, each), labels=labels)
            for each in _promising(_guessed(layers, told, drawn), tried)
        )
    )


def _guessed(
    layers: Sequence[Layer], told: Sequence[Told], drawn: Sequence[Sequence[Network]]
) -> list[list[tuple[Network, float]]]:
    """Each draw with what its networks are guessed to be worth, 0 where nothing can be guessed."""
    known, every = told[-_KNOWN:], list(chain.from_iterable(drawn))
    guesses = [0.0] * len(every)
    if len(known) >= _GUESSED_FROM:
        tried, said = [each.network for each in known], [each.worth for each in known]
        guesses = worth.guesses(layers, tried, said, every).tolist()
    left = iter(guesses)
    return [[(network, next(left)) for network in several] for several in drawn]


def _promising(
    drawn: Sequence[Sequence[tuple[Network, float]]], tried: set[str]
) -> Iterator[Network]:
    """Of each draw the network that is guessed to be worth the most, rather one that is new; of
    equals the first."""
    for several in drawn:
        best, _ = max(several, key=lambda each: (networks.quoted(each[0]) not in tried, each[1]))
        tried.add(networks.quoted(best))
        yield best


def assigned(graph: Architecture, layers: Sequence[Layer], network: Network) -> dict[str, str]:
    used = dict.fromkeys(layer[0] for layer in network)
    config = {
        "num_layers": graph.layers,
        "input_sizes": graph.inputs,
        "output_sizes": graph.outputs,
        "embedding": {
            str(number): {
                "opt_id": number,
                "opt_type": layers[number].kind,
                "opt_params": layers[number].parameters,
            }
            for number in used
        },
    }
    return {"architecture": networks.quoted(network), "nn_config": networks.quoted(config)}


def _follow(problem: Problem, operations: int, told: Sequence[Told]) -> tuple[Controller, int]:
    """The controller after the history, and the number of the generation that it draws."""
    batches, generation = _batches(problem, told)
    keys = _keys(problem, operations, batches)
    kept = next((at for at in reversed(range(len(keys))) if keys[at] in _followed), 0)
    controller = _followed.get(keys[kept], partial(_begun, problem, operations))
    for at in range(kept, len(batches)):
        taught = partial(_taught, problem, controller, at, batches[at])
        controller = _followed.get(keys[at + 1], taught)
    return controller, generation


def _begun(problem: Problem, operations: int) -> Controller:
    assert problem.architecture is not None
    return Controller(problem.architecture.layers, operations, _settings(problem), problem.seed)


def _taught(problem: Problem, before: Controller, at: int, batch: Batch) -> Controller:
    steps = settings.integer(problem, _STEPS, 50)
    controller = deepcopy(before)
    controller.learn(
        [network for network, _ in batch],
        [worth for _, worth in batch],
        math.ceil(steps * min(1.0, _TRAINED / (at + 1))),
    )
    return controller


def _batches(problem: Problem, told: Sequence[Told]) -> tuple[list[Batch], int]:
    """What is learned from, in turn: trials without a label, as those of an earlier experiment,
    then generation by generation."""
    found: dict[int, Batch] = {}
    for each in told:
        found.setdefault(each.generation, []).append((each.network, each.worth))
    batches = [found[-1]] if -1 in found else []
    for generation in counted():
        if len(found.get(generation, ())) < max(problem.parallel, _LEAST):
            return batches, generation
        batches.append(found[generation])
    raise AssertionError("count() has no end")


def _told(problem: Problem, operations: int, trials: Sequence[Trial]) -> list[Told]:
    told = outcomes.told(problem, trials)
    read = [_read(each.assignments.get("architecture", ""), problem, operations) for each in told]
    return [
        Told(_generation(each), network, -lost)
        for each, network, (lost,) in zip(
            told, read, history.losses(problem, told).tolist(), strict=True
        )
        if network is not None
    ]


def _generation(trial: Trial) -> int:
    label = trial.labels.get(GENERATION, "")
    return int(label) if label.isdecimal() else -1


def _read(text: str, problem: Problem, operations: int) -> Network | None:
    """The network of an assignment; None where it is none of this problem."""
    try:
        network = msgspec.json.decode(text.replace("'", '"'), type=Network)
    except msgspec.DecodeError:
        return None
    layers = problem.architecture.layers if problem.architecture else 0
    good = len(network) == layers and all(
        len(layer) == place + 1 and 0 <= layer[0] < operations and {*layer[1:]} <= {0, 1}
        for place, layer in enumerate(network)
    )
    return network if good else None


def _keys(problem: Problem, operations: int, batches: Sequence[Batch]) -> list[bytes]:
    """Of what the controller comes of, before any batch and after each."""
    about = problem.architecture, operations, sorted(problem.settings.items()), problem.seed
    digest = hashlib.blake2b(repr(about).encode())
    found = [digest.digest()]
    for batch in batches:
        digest.update(repr(batch).encode())
        found.append(digest.digest())
    return found


def _settings(problem: Problem) -> Settings:
    return Settings(
        hidden=settings.integer(problem, "controller_hidden_size", 64),
        temperature=_optional(problem, "controller_temperature", 5.0),
        tanh=_optional(problem, "controller_tanh_const", 2.25),
        entropy_weight=_optional(problem, "controller_entropy_weight", 1e-5),
        baseline_decay=settings.number(problem, "controller_baseline_decay", _DECAY),
        rate=settings.number(problem, "controller_learning_rate", _RATE),
        skip_target=settings.number(problem, "controller_skip_target", 0.4),
        skip_weight=_optional(problem, "controller_skip_weight", 0.8),
    )


def _optional(problem: Problem, name: str, default: float) -> float | None:
    text = problem.settings.get(name)
    return None if text == "None" else default if text is None else float(text)


def _check_setting(name: str, text: str) -> None:
    if name not in _RANGES:
        raise Refused(f"Unknown Algorithm Setting name: {name}")
    if text == "None" and name in _MAY_BE_NONE:
        return
    convert, least, most = _RANGES[name]
    kind = "int" if convert is int else "float"
    try:
        value = convert(text)
    except ValueError as fault:
        raise Refused(f"Algorithm Setting {name} must be {kind} type: exception {fault}") from None
    if not (value >= least if kind == "int" else least < value <= most):
        ends = f"[{least}, inf)" if kind == "int" else f"({least}, {most})"
        raise Refused(f"Algorithm Setting {name}: {value} with {kind} type must be in range {ends}")
    if math.isinf(value) or value > _MOST.get(name, value):
        raise Refused(f"Algorithm Setting {name}: {value} is more than can be trained with here")
