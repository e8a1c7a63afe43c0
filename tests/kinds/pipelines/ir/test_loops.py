"""Items of loops, and what is collected from them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinds.pipelines.ir.making import artifact, dag, parameters, pipeline, task
from sampan.kinds.pipelines.ir import items, outputs
from sampan.kinds.pipelines.ir.faults import Unresolved
from sampan.kinds.pipelines.ir.messages import Component, Task
from sampan.kinds.pipelines.ir.resolve import Values


def loop(iterator: dict[str, Any], item: str = "STRING") -> tuple[Task, Component]:
    body = {**parameters(i=item), **dag(one=task("leaf"))}
    read = pipeline(dag(it=task("body", **iterator)), body=body, leaf={})
    return read.graph("").tasks["it"], read.component("body")


def over(**source: str) -> dict[str, Any]:
    return {"parameterIterator": {"items": source, "itemInput": "i"}}


ARTIFACTS = {"artifactIterator": {"items": {"inputArtifact": "all"}, "itemInput": "one"}}


def test_items_are_written_or_given() -> None:
    raw, _ = loop(over(raw='[{"a": 1}, "b"]'))
    assert list(items.of(raw, Values())) == [{"a": 1}, "b"]
    from_input, _ = loop(over(inputParameter="all"))
    assert list(items.of(from_input, Values({"all": [1, 2]}))) == [1, 2]
    assert list(items.of(from_input, Values({"all": "[3]"}))) == [3]
    assert list(items.of(from_input, Values({"all": []}))) == []


@pytest.mark.parametrize(
    ("iterator", "given_", "message"),
    [
        pytest.param(over(raw="{}"), {}, "value of type struct cannot be iterated", id="struct"),
        pytest.param(over(raw="[1"), {}, "no JSON", id="broken"),
        pytest.param(over(raw="[" * 100_000), {}, "no JSON", id="deep"),
        pytest.param(over(inputParameter="all"), {}, 'no input parameter "all"', id="absent"),
        pytest.param(over(inputParameter="all"), {"all": None}, "no input", id="null"),
        pytest.param(over(inputParameter="all"), {"all": 3}, "type number", id="number"),
        pytest.param(over(inputParameter="all"), {"all": [0] * (items.MOST + 1)}, "at most",
                     id="many"),
        pytest.param(ARTIFACTS, {}, 'no input artifact "all"', id="artifacts"),
    ],
)  # fmt: skip
def test_what_cannot_be_gone_through(
    iterator: dict[str, Any], given_: dict[str, Any], message: str
) -> None:
    with pytest.raises(Unresolved, match=message):
        items.of(loop(iterator)[0], Values(given_))


def test_an_iteration_has_the_inputs_of_the_loop_and_its_item() -> None:
    it, body = loop(over(inputParameter="all"))
    found = items.iteration(it, body, Values({"all": [1], "x": 2}), 1)
    assert found.parameters == {"all": [1], "x": 2, "i": "1"}


def test_an_item_has_to_be_of_the_declared_type() -> None:
    it, body = loop(over(raw="[1]"), item="STRUCT")
    with pytest.raises(Unresolved, match="expect STRUCT, got number"):
        items.iteration(it, body, Values(), 1)


def test_artifacts_are_gone_through_one_by_one() -> None:
    it, body = loop(ARTIFACTS)
    one, two = artifact("one"), artifact("two")
    inputs = Values({}, {"all": (one, two)})
    assert list(items.of(it, inputs)) == [one, two]
    assert items.iteration(it, body, inputs, two).artifacts == {"all": (one, two), "one": (two,)}


def dag_with(parameters_: dict[str, Any], artifacts_: dict[str, Any]) -> Component:
    body = dag(a=task("leaf"), b=task("leaf"))
    body["dag"]["outputs"] = {"parameters": parameters_, "artifacts": artifacts_}
    return pipeline(dag(it=task("body")), body=body, leaf={}).component("body")


def chosen(*tasks: str) -> dict[str, Any]:
    each = [{"producerSubtask": name, "outputParameterKey": "o"} for name in tasks]
    if len(each) == 1:
        return {"valueFromParameter": each[0]}
    return {"valueFromOneof": {"parameterSelectors": each}}


def chosen_artifacts(*tasks: str) -> dict[str, Any]:
    each = [{"producerSubtask": name, "outputArtifactKey": "m"} for name in tasks]
    return {"artifactSelectors": each}


def test_a_dag_gives_what_its_tasks_gave() -> None:
    body = dag_with({"p": chosen("a")}, {"q": chosen_artifacts("b")})
    one = artifact()
    done = {"a": Values({"o": 1}), "b": Values({}, {"m": (one,)})}
    assert outputs.of_dag(body, done) == Values({"p": 1}, {"q": (one,)})
    assert outputs.of_dag(body, {}) == Values()


@pytest.mark.parametrize(("done", "expected"), [("a", 1), ("b", 2), ("ab", 1)])
def test_one_of_is_the_first_that_ended_well(done: str, expected: int) -> None:
    body = dag_with({"p": chosen("a", "b")}, {"q": chosen_artifacts("a", "b")})
    all_ = {
        name: Values({"o": number}, {"m": (artifact(name),)})
        for name, number in (("a", 1), ("b", 2))
    }
    found = outputs.of_dag(body, {name: all_[name] for name in done})
    assert found.parameters == {"p": expected}
    assert found.artifacts["q"][0]["id"] == done[0]


def test_collected_keeps_the_order_and_drops_what_was_skipped() -> None:
    body = dag_with({"p": chosen("a")}, {"q": chosen_artifacts("a")})
    one, two = artifact("one"), artifact("two")
    iterations = [Values({"p": 1}, {"q": (one,)}), Values(), Values({"p": [2]}, {"q": (two, one)})]
    assert outputs.collected(body, iterations) == Values({"p": [1, [2]]}, {"q": (one, two, one)})
    assert outputs.collected(body, []) == Values({"p": []}, {"q": ()})


@given(st.lists(st.lists(st.integers(), max_size=4), max_size=4))
def test_nested_loops_make_nested_lists(numbers: list[list[int]]) -> None:
    body = dag_with({"p": chosen("a")}, {})
    outer = [
        outputs.collected(body, [Values({"p": number}) for number in inner]) for inner in numbers
    ]
    assert outputs.collected(body, outer).parameters == {"p": numbers}
