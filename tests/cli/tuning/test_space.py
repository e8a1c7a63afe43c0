"""What a parameter in words becomes of Katib's, and what the function gets."""

from __future__ import annotations

import pytest

from sampan.cli.tuning import space
from sampan.kube.errors import UserMistake


@pytest.mark.parametrize(
    ("word", "type", "kind", "feasible"),
    [
        ("x=uniform(0, 1)", "double", "float", {"min": "0", "max": "1", "distribution": "uniform"}),
        ("x=uniform(0,1,.1)", "double", "float",
         {"min": "0", "max": "1", "step": ".1", "distribution": "uniform"}),
        ("x=loguniform(1e-4,1e-1)", "double", "float",
         {"min": "1e-4", "max": "1e-1", "distribution": "logUniform"}),
        ("x=int(-3,5)", "int", "int", {"min": "-3", "max": "5", "distribution": "uniform"}),
        ("x=logint(1,99)", "int", "int", {"min": "1", "max": "99", "distribution": "logUniform"}),
        ("x=choice(sgd, 'a, b',l-bfgs)", "categorical", "str", {"list": ["sgd", "a, b", "l-bfgs"]}),
        ("x=choice(32,64)", "discrete", "int", {"list": ["32", "64"]}),
        ("x=choice(0.5,1)", "discrete", "float", {"list": ["0.5", "1"]}),
        ("x=choice(True,false)", "categorical", "bool", {"list": ["true", "false"]}),
    ],
)  # fmt: skip
def test_a_parameter(word: str, type: str, kind: str, feasible: dict[str, object]) -> None:
    (found,) = space.parse([word]).searched
    assert (found.name, found.type, found.kind, found.space) == ("x", type, kind, feasible)


def test_what_is_no_space_is_the_same_in_each_trial() -> None:
    given = ["n=int(1,2)", "epochs=3", "rate=0.5", "fast=true", "data=s3://bucket/a"]
    fixed = {"epochs": 3, "rate": 0.5, "fast": True, "data": "s3://bucket/a"}
    assert space.parse(given).fixed == fixed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["x"], "NAME="),
        (["2x=int(1,2)"], "NAME="),
        (["x=int(1,2)", "x=3"], "given twice"),
        (["x=3"], "nothing to search"),
        (["x=normal(0,1)"], "there is no normal; there are uniform, loguniform"),
        (["x=int(1)"], "takes a minimum, a maximum"),
        (["x=int(1,2.5)"], "2.5 is no whole number"),
        (["x=uniform(a,1)"], "a is no number"),
        (["x=uniform(0,inf)"], "not finite"),
        (["x=uniform(1,0)"], "the minimum 1 is not below 0"),
        (["x=loguniform(0,1)"], "minimum above 0"),
        (["x=int(1,9,0)"], "step"),
        (["x=choice()"], "what to choose from"),
        (["x=choice(a,a)"], "given twice"),
        (["x=choice('a)"], "No closing quotation"),
        (["x=choice(${HOME})"], "must not contain '$'"),
        (["x=choice('a\"b')"], "must not contain '\"'"),
    ],
)
def test_what_is_none_is_refused(words: list[str], said: str) -> None:
    with pytest.raises(UserMistake) as refused:
        space.parse(words)
    assert said in str(refused.value)
