from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib.search.searching import choice, double, ended, integer
from sampan.lib.search.algorithms import enas
from sampan.lib.search.models.controller import Controller, Settings
from sampan.lib.search.problem import (
    Architecture,
    Objective,
    Operation,
    Parameter,
    Problem,
    Refused,
    State,
    Trial,
)

QUICK = {"controller_hidden_size": "8", "controller_train_steps": "5"}
OPERATIONS = (
    Operation(
        kind="convolution",
        parameters=(choice("filter_size", "5"), choice("stride", "1", "2")),
    ),
    Operation(
        kind="reduction",
        parameters=(choice("reduction_type", "max_pooling"), integer("pool_size", 2, 3, step=1)),
    ),
)
GRAPH = Architecture(layers=4, inputs=(32, 32, 8), outputs=(10,), operations=OPERATIONS)


def problem(graph: Architecture = GRAPH, minimize: bool = False, **more: Any) -> Problem:
    more = {"settings": QUICK, "parallel": 3, **more}
    objective = Objective(metric="Validation-Accuracy", minimize=minimize)
    return Problem(name="exp", objectives=(objective,), architecture=graph, **more)


def numbered(operations: int, layers: int) -> Architecture:
    kinds = choice("kind", *map(str, range(operations)))
    return Architecture(
        layers=layers, inputs=(8,), outputs=(10,),
        operations=(Operation(kind="any", parameters=(kinds,)),),
    )  # fmt: skip


def read(text: str) -> Any:
    return json.loads(text.replace("'", '"'))


def network(assignments: Mapping[str, str]) -> list[list[int]]:
    return list(read(assignments["architecture"]))


def tried(about: Problem, count: int, worth: Any) -> list[Trial]:
    """So many trials, as many at a time as run in parallel."""
    found: list[Trial] = []
    while len(found) < count:
        suggested = enas.suggest(about, found, about.parallel).suggestions
        found += [ended(each, float(worth(network(each.assignments)))) for each in suggested]
    return found


def test_networks_are_written_as_upstream_writes_them() -> None:
    (suggestion,) = enas.suggest(problem(seed=3), [], 1).suggestions
    chosen = network(suggestion.assignments)
    text = suggestion.assignments["architecture"]
    assert text == str(chosen)
    config = suggestion.assignments["nn_config"]
    start = "{'num_layers': 4, 'input_sizes': [32, 32, 8], 'output_sizes': [10], 'embedding': {"
    assert config.startswith(f"{start}'{chosen[0][0]}': {{'opt_id': {chosen[0][0]}, 'opt_type': '")
    embedding = read(config)["embedding"]
    assert set(embedding) == {str(layer[0]) for layer in chosen}


def test_operations_are_all_combinations_in_order() -> None:
    every = problem(GRAPH, settings={**QUICK, "controller_train_steps": "1"})
    found: dict[str, Any] = {}
    for seed in range(8):
        (suggestion,) = enas.suggest(Problem(**{**fields(every), "seed": seed}), [], 1).suggestions
        found |= read(suggestion.assignments["nn_config"])["embedding"]
    assert [found[each] for each in sorted(found)] == [
        {"opt_id": number, "opt_type": kind, "opt_params": parameters}
        for number, (kind, parameters) in enumerate([
            ("convolution", {"filter_size": "5", "stride": "1"}),
            ("convolution", {"filter_size": "5", "stride": "2"}),
            ("reduction", {"reduction_type": "max_pooling", "pool_size": 2}),
            ("reduction", {"reduction_type": "max_pooling", "pool_size": 3}),
        ])
    ]  # fmt: skip


def fields(about: Problem) -> dict[str, Any]:
    return {name: getattr(about, name) for name in about.__struct_fields__}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    layers=st.integers(1, 6), operations=st.integers(1, 7), parallel=st.integers(1, 5),
    seed=st.integers(0, 2**32), worth=st.sampled_from([len, str, lambda _: 0.0]),
)  # fmt: skip
def test_every_network_is_one_of_the_problem(
    layers: int, operations: int, parallel: int, seed: int, worth: Any
) -> None:
    about = problem(numbered(operations, layers), parallel=parallel, seed=seed)
    for trial in tried(about, 8, lambda chosen: hash(str(worth(chosen))) % 7):
        chosen = network(trial.assignments)
        assert len(chosen) == layers
        for place, layer in enumerate(chosen):
            assert len(layer) == place + 1
            assert 0 <= layer[0] < operations
            assert set(layer[1:]) <= {0, 1}
        embedding = read(trial.assignments["nn_config"])["embedding"]
        assert set(embedding) == {str(layer[0]) for layer in chosen}


def test_the_history_gives_the_suggestion() -> None:
    eager = {**QUICK, "controller_learning_rate": "0.05"}
    about = problem(seed=5, settings=eager)
    history = tried(about, 12, lambda chosen: sum(map(sum, chosen)))
    enas._followed.clear()
    again = enas.suggest(about, history, 2)
    assert again == enas.suggest(about, history, 2)
    other = tried(about, 12, lambda chosen: -sum(map(sum, chosen)))
    assert enas.suggest(about, other, 2) != again
    assert enas.suggest(problem(seed=6, settings=eager), history, 2) != again


def test_a_batch_is_what_single_questions_are_answered() -> None:
    about = problem()
    together = enas.suggest(about, [], 2).suggestions
    first = enas.suggest(about, [], 1).suggestions
    begun = Trial(name="a", assignments=first[0].assignments, labels=first[0].labels,
                  state="running")  # fmt: skip
    assert together == first + enas.suggest(about, [begun], 1).suggestions


def test_a_generation_is_over_when_enough_have_told() -> None:
    about = problem(parallel=3)
    history = [
        ended(each, 0.5, state="failed" if place == 1 else "succeeded")
        for place, each in enumerate(enas.suggest(about, [], 4).suggestions)
    ]
    assert generation(about, history[:3]) == "0"
    assert generation(about, history) == "1"


def test_networks_are_new_as_long_as_there_are_some() -> None:
    about = problem(numbered(4, 1), settings=QUICK)
    history: list[Trial] = []
    states: tuple[State, ...] = ("running", "failed", "succeeded", "created")
    for state in states:
        (suggestion,) = enas.suggest(about, history, 1).suggestions
        history.append(ended(suggestion, 0.5, state=state))
    assert len({each.assignments["architecture"] for each in history}) == 4
    assert len(enas.suggest(about, history, 2).suggestions) == 2


def generation(about: Problem, history: list[Trial]) -> str:
    return enas.suggest(about, history, 1).suggestions[0].labels[enas.GENERATION]


def test_trials_of_an_earlier_experiment_teach() -> None:
    about = problem()
    earlier = [
        Trial(name="a", assignments={"architecture": text}, state="succeeded", values=(worth,))
        for text, worth in [
            ("[[3], [0, 1], [0, 0, 1], [2, 1, 0, 0]]", 0.88),
            ("[[1], [0, 1], [2, 1, 1], [2, 1, 1, 0]]", 0.84),
            ("[[9], [0, 1], [2, 1, 1], [2, 1, 1, 0]]", 0.99),
            ("no network", 0.99),
        ]
    ]  # fmt: skip
    assert len(enas.suggest(about, earlier, 2).suggestions) == 2
    batches, generation = enas._batches(about, enas._told(about, 4, earlier))
    assert [[worth for _, worth in batch] for batch in batches] == [[0.88, 0.84]]
    assert generation == 0


@pytest.mark.slow
@pytest.mark.parametrize("minimize", [False, True])
def test_it_learns_which_operation_is_worth_more(minimize: bool) -> None:
    about = problem(
        numbered(4, 3), minimize=minimize, parallel=4,
        settings={"controller_hidden_size": "16", "controller_learning_rate": "0.005"},
    )  # fmt: skip
    sign = -1 if minimize else 1
    history = tried(about, 60, lambda chosen: sign * sum(layer[0] == 2 for layer in chosen))
    count = [sum(layer[0] == 2 for layer in network(each.assignments)) for each in history]
    assert sum(count[-20:]) > 2 * 20 * 3 / 4, "twice what chance has"


@pytest.mark.slow
def test_it_learns_which_layers_to_join() -> None:
    about = problem(
        numbered(2, 4), parallel=4,
        settings={"controller_hidden_size": "16", "controller_learning_rate": "0.005",
                  "controller_skip_weight": "None"},
    )  # fmt: skip
    history = tried(about, 64, lambda chosen: sum(sum(layer[1:]) for layer in chosen))
    joined = [sum(sum(layer[1:]) for layer in network(each.assignments)) for each in history]
    assert sum(joined[-16:]) > 0.8 * 16 * 6, "and there are only 16 networks with all six"


@pytest.mark.slow
def test_joins_go_where_the_target_is_when_nothing_is_to_be_learned() -> None:
    about = problem(
        numbered(2, 5), parallel=4,
        settings={"controller_hidden_size": "16", "controller_learning_rate": "0.005",
                  "controller_skip_target": "0.05", "controller_skip_weight": "5",
                  "controller_temperature": "None"},
    )  # fmt: skip
    history = tried(about, 40, lambda _: 1.0)
    joined = [sum(sum(layer[1:]) for layer in network(each.assignments)) for each in history]
    assert sum(joined[-10:]) < 0.5 * sum(joined[:10])


def test_the_gradient_is_zero_on_average_when_worth_is_chance() -> None:
    """And it is not when it is not, which upstream's is."""
    chance = np.random.default_rng(0)
    settings = Settings(hidden=16, rate=0.02, skip_weight=None, entropy_weight=None)
    shares = {True: 0, False: 0}
    for informed in shares:
        for seed in range(20):
            controller = Controller(1, 2, settings, seed)
            drawn = controller.draw((seed, 0), 40)
            worth = [float(each[0][0]) if informed else chance.random() for each in drawn]
            controller.learn(drawn, worth, 20)
            shares[informed] += sum(each[0][0] for each in controller.draw((seed, 99), 40))
    assert abs(shares[False] / 800 - 0.5) < 0.08
    assert shares[True] / 800 > 0.57


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("controller_hidden_size", "0", "0 with int type must be in range [1, inf)"),
        ("controller_temperature", "0", "0.0 with float type must be in range (0, inf)"),
        ("controller_entropy_weight", "-1", "-1.0 with float type must be in range (0.0, inf)"),
        ("controller_baseline_decay", "1.5", "1.5 with float type must be in range (0.0, 1.0)"),
        ("controller_skip_target", "nan", "nan with float type must be in range (0.0, 1.0)"),
        ("controller_train_steps", "0", "0 with int type must be in range [1, inf)"),
        ("controller_hidden_size", "9999", "9999 is more than can be trained with here"),
    ],
)
def test_settings_out_of_range_are_refused(setting: str, value: str, said: str) -> None:
    with pytest.raises(Refused) as fault:
        enas.check(problem(settings={setting: value}))
    assert str(fault.value) == f"Algorithm Setting {setting}: {said}"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"x": "1"}, "Unknown Algorithm Setting name: x"),
        (
            {"controller_train_steps": "None"},
            "Algorithm Setting controller_train_steps must be int type: exception "
            "invalid literal for int() with base 10: 'None'",
        ),
    ],
)
def test_settings_that_are_none_are_refused(settings: Mapping[str, str], said: str) -> None:
    with pytest.raises(Refused) as fault:
        enas.check(problem(settings=settings))
    assert str(fault.value) == said


def test_work_without_bound_is_refused() -> None:
    with pytest.raises(Refused) as fault:
        enas.check(problem(numbered(2, 100), settings={"controller_train_steps": "61"}))
    said = "Algorithm Setting controller_train_steps: 61 is too much for 100 layers"
    assert str(fault.value) == said


def test_settings_may_be_none_where_upstream_lets_them() -> None:
    none = dict.fromkeys(
        ("controller_temperature", "controller_tanh_const", "controller_entropy_weight",
         "controller_skip_weight"), "None",
    )  # fmt: skip
    about = problem(settings={**QUICK, **none, "controller_log_every_steps": "10"})
    enas.check(about)
    assert len(tried(about, 6, len)) == 6


@pytest.mark.parametrize(
    ("graph", "said"),
    [
        (Architecture(), "Missing InputSizes in GraphConfig:\n"),
        (
            Architecture(layers=4, inputs=(8,)),
            "Missing OutputSizes in GraphConfig:\nnum_layers: 4\ninput_sizes: 8\n",
        ),
        (
            Architecture(inputs=(8,), outputs=(10,)),
            "Missing NumLayers in GraphConfig:\ninput_sizes: 8\noutput_sizes: 10\n",
        ),
        (
            Architecture(layers=1000, inputs=(8,), outputs=(10,)),
            "numLayers: at most 100, not 1000",
        ),
    ],
)
def test_graphs_that_are_none_are_refused(graph: Architecture, said: str) -> None:
    with pytest.raises(Refused) as fault:
        enas.check(problem(graph))
    assert str(fault.value) == said


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        (Operation(kind=""), "Missing operationType in Operation:\n"),
        (
            Operation(kind="conv"),
            'Missing ParameterConfigs in Operation:\noperation_type: "conv"\n',
        ),
        (
            Operation(kind="conv", parameters=(choice("size"),)),
            "Missing List in ParameterConfig.feasibleSpace:\n"
            'name: "size"\nparameter_type: CATEGORICAL\n',
        ),
        (
            Operation(kind="conv", parameters=(choice("", "1"),)),
            "Missing Name in ParameterConfig:\n"
            'parameter_type: CATEGORICAL\nfeasible_space {\n  list: "1"\n}\n',
        ),
        (
            Operation(kind="conv", parameters=(Parameter(name="n", kind="int"),)),
            "Missing Max and Min in ParameterConfig.feasibleSpace:\n"
            'name: "n"\nparameter_type: INT\n',
        ),
        (
            Operation(kind="conv", parameters=(double("n", 1, 2),)),
            "Step parameter should be > 0 in ParameterConfig.feasibleSpace:\n"
            'name: "n"\nparameter_type: DOUBLE\nfeasible_space {\n  max: "2"\n  min: "1"\n}\n',
        ),
        (
            Operation(kind="conv", parameters=(choice("size", "it's"),)),
            "operation conv: it's must not have a quotation mark",
        ),
        (
            Operation(kind="conv", parameters=(integer("n", 1, 5000),)),
            "operations: there are 5000 of them, but may be 1 to 4096",
        ),
    ],
)
def test_operations_that_are_none_are_refused(operation: Operation, said: str) -> None:
    graph = Architecture(layers=4, inputs=(8,), outputs=(10,), operations=(operation,))
    with pytest.raises(Refused) as fault:
        enas.check(problem(graph))
    assert str(fault.value) == said


def test_numbers_of_operations_are_counted_exactly() -> None:
    dropout = Operation(kind="dropout", parameters=(double("rate", 0.1, 0.3, step=0.1),))
    about = problem(Architecture(layers=6, inputs=(8,), outputs=(10,), operations=(dropout,)))
    found = {}
    for each in enas.suggest(about, [], 5).suggestions:
        found |= read(each.assignments["nn_config"])["embedding"]
    assert {each["opt_params"]["rate"] for each in found.values()} == {0.1, 0.2, 0.3}
