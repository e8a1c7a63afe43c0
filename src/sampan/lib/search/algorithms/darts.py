"""Differentiable architecture search: the trial searches, by gradients, and is only told of what.

Every suggestion is the same: the settings, the operations by name and size, and how many layers.
`skip_connection` needs no parameters here (upstream refuses its own example for that).
Upstream: pkg/suggestion/v1beta1/nas/darts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from sampan.lib.search import networks
from sampan.lib.search.networks import SKIP
from sampan.lib.search.problem import Answer, Architecture, Problem, Refused, Suggestion, Trial

_DEFAULTS: Mapping[str, int | float] = {
    "num_epochs": 50,
    "w_lr": 0.025,
    "w_lr_min": 0.001,
    "w_momentum": 0.9,
    "w_weight_decay": 3e-4,
    "w_grad_clip": 5.0,
    "alpha_lr": 3e-4,
    "alpha_weight_decay": 1e-3,
    "batch_size": 128,
    "num_workers": 4,
    "init_channels": 16,
    "print_step": 50,
    "num_nodes": 4,
    "stem_multiplier": 3,
}

_ABOVE_ZERO = "{} should be greater than zero"
_FROM_ZERO = "{} should be greater than or equal to zero"
_FROM_ONE = "{} should be greater than or equal to one"
_RULES: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "num_epochs": (lambda text: int(text) > 0, _ABOVE_ZERO),
    "num_workers": (lambda text: int(text) >= 0, _FROM_ZERO),
    "batch_size": (lambda text: text == "None" or int(text) >= 1, _FROM_ONE),
    **{
        name: (lambda text: 0 <= float(text) < math.inf, _FROM_ZERO)
        for name in ("w_lr", "w_lr_min", "w_momentum", "w_weight_decay", "w_grad_clip",
                     "alpha_lr", "alpha_weight_decay")
    },
    **{
        name: (lambda text: int(text) >= 1, _FROM_ONE)
        for name in ("init_channels", "print_step", "num_nodes", "stem_multiplier")
    },
}  # fmt: skip


def check(problem: Problem) -> None:
    """Other settings are handed on to the trial, as upstream does."""
    graph = problem.architecture or Architecture()
    networks.verify(graph.operations)
    networks.layers_of(graph.operations)
    if graph.layers <= 0:
        raise Refused("Missing NumLayers in GraphConfig:\n" + networks.graph(graph))
    for name, text in problem.settings.items():
        good, otherwise = _RULES.get(name, (lambda _: True, ""))
        try:
            right = good(text)
        except ValueError as fault:
            raise Refused(f"failed to validate {name}({text}): {fault}") from None
        if not right:
            raise Refused(otherwise.format(name))
        if "'" in text or '"' in text:
            raise Refused(f"failed to validate {name}({text}): it must not have a quotation mark")


def suggest(problem: Problem, trials: Sequence[Trial], count: int) -> Answer:
    graph = problem.architecture or Architecture()
    given = {name: None if text == "None" else text for name, text in problem.settings.items()}
    suggestion = Suggestion(
        assignments={
            "algorithm-settings": networks.quoted({**_DEFAULTS, **given}),
            "search-space": networks.quoted([*_named(graph)]),
            "num-layers": str(graph.layers),
        }
    )
    return Answer(suggestions=(suggestion,) * count)


def _named(graph: Architecture) -> Iterator[str]:
    """Each operation with each size that its first parameter may have: `max_pooling_3x3`."""
    for each in graph.operations:
        if each.kind == SKIP:
            yield SKIP
        else:
            yield from (
                f"{each.kind}_{size}x{size}" for size in networks.values(each.parameters[0])
            )
