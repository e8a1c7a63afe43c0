from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from lib.search.searching import choice, ended, integer
from sampan.lib.search.algorithms import darts
from sampan.lib.search.problem import Architecture, Objective, Operation, Problem, Refused

SEPARABLE = Operation(kind="separable_convolution", parameters=(choice("filter_size", "3", "5"),))


def problem(
    *operations: Operation, layers: int = 3, settings: Mapping[str, str] | None = None
) -> Problem:
    return Problem(
        name="exp",
        objectives=(Objective(metric="Best-Genotype", minimize=False),),
        settings=settings or {},
        architecture=Architecture(layers=layers, operations=operations),
    )


def read(text: str) -> Any:
    return json.loads(text.replace("'", '"'))


def test_the_trial_is_told_of_the_search() -> None:
    about = problem(SEPARABLE, settings={"num_epoch": "10"})
    darts.check(about)
    (suggestion,) = darts.suggest(about, [], 1).suggestions
    assert suggestion.assignments == {
        "algorithm-settings": (
            "{'num_epochs': 50, 'w_lr': 0.025, 'w_lr_min': 0.001, 'w_momentum': 0.9, "
            "'w_weight_decay': 0.0003, 'w_grad_clip': 5.0, 'alpha_lr': 0.0003, "
            "'alpha_weight_decay': 0.001, 'batch_size': 128, 'num_workers': 4, "
            "'init_channels': 16, 'print_step': 50, 'num_nodes': 4, 'stem_multiplier': 3, "
            "'num_epoch': '10'}"
        ),
        "search-space": "['separable_convolution_3x3', 'separable_convolution_5x5']",
        "num-layers": "3",
    }


def test_every_question_is_answered_alike() -> None:
    about = problem(SEPARABLE)
    first = darts.suggest(about, [], 2).suggestions
    assert len(first) == 2
    history = [ended(each, None) for each in first]
    assert darts.suggest(about, history, 1).suggestions[0] == first[0] == first[1]


def test_operations_have_the_name_of_their_size() -> None:
    about = problem(
        SEPARABLE,
        Operation(kind="max_pooling", parameters=(integer("filter_size", 3, 5, step=2),)),
        Operation(kind="skip_connection"),
        Operation(kind="skip_connection", parameters=(choice("filter_size", "3", "5"),)),
    )
    darts.check(about)
    (suggestion,) = darts.suggest(about, [], 1).suggestions
    assert read(suggestion.assignments["search-space"]) == [
        "separable_convolution_3x3", "separable_convolution_5x5",
        "max_pooling_3x3", "max_pooling_5x5", "skip_connection", "skip_connection",
    ]  # fmt: skip


def test_none_is_nothing() -> None:
    about = problem(SEPARABLE, settings={"batch_size": "None"})
    darts.check(about)
    (suggestion,) = darts.suggest(about, [], 1).suggestions
    assert "'batch_size': null" in suggestion.assignments["algorithm-settings"]


def test_upstream_s_valid_settings_are_valid() -> None:
    darts.check(problem(SEPARABLE, settings={
        "num_epoch": "10", "w_lr": "0.01", "w_lr_min": "0.01", "alpha_lr": "0.01",
        "w_weight_decay": "0.25", "alpha_weight_decay": "0.25", "w_momentum": "0.9",
        "w_grad_clip": "5.0", "batch_size": "100", "num_workers": "0", "init_channels": "1",
        "print_step": "100", "num_nodes": "4", "stem_multiplier": "3",
    }))  # fmt: skip


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("num_epochs", "0", "num_epochs should be greater than zero"),
        ("w_lr", "-0.1", "w_lr should be greater than or equal to zero"),
        ("alpha_weight_decay", "-0.02",
         "alpha_weight_decay should be greater than or equal to zero"),
        ("w_momentum", "-0.8", "w_momentum should be greater than or equal to zero"),
        ("w_grad_clip", "nan", "w_grad_clip should be greater than or equal to zero"),
        ("batch_size", "0", "batch_size should be greater than or equal to one"),
        ("num_workers", "-1", "num_workers should be greater than or equal to zero"),
        ("print_step", "0", "print_step should be greater than or equal to one"),
        ("num_nodes", "x", "failed to validate num_nodes(x): "
         "invalid literal for int() with base 10: 'x'"),
        ("w_lr", "None", "failed to validate w_lr(None): "
         "could not convert string to float: 'None'"),
        ("other", "it's", "failed to validate other(it's): it must not have a quotation mark"),
    ],
)  # fmt: skip
def test_settings_are_refused_in_upstream_s_words(setting: str, value: str, said: str) -> None:
    with pytest.raises(Refused) as fault:
        darts.check(problem(SEPARABLE, settings={setting: value}))
    assert str(fault.value) == said


def test_there_have_to_be_layers_and_operations() -> None:
    with pytest.raises(Refused, match="Missing NumLayers"):
        darts.check(problem(SEPARABLE, layers=0))
    with pytest.raises(Refused, match="there are 0 of them"):
        darts.check(problem())
    with pytest.raises(Refused, match="Missing ParameterConfigs"):
        darts.check(problem(Operation(kind="max_pooling")))
