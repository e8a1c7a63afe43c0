"""Loops over items, and the conditions of steps and tasks."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from kinds.workflows.makers import (
    call,
    dag,
    echo,
    finish,
    leaf,
    node,
    nodes,
    phases,
    started,
    status,
    steps,
    task,
    workflow,
)
from sampan.kinds.workflows.templates import loops, when


def turns(**child: Any) -> list[tuple[str, dict[str, str]]]:
    return [(each.suffix, dict(each.scope)) for each in loops.items(child)]


@pytest.mark.parametrize(
    ("item", "suffix", "scope"),
    [
        pytest.param("a (b)", "(0:a b)", {"item": "a (b)"}, id="text"),
        pytest.param("two\nlines", "(0:two\\nlines)", {"item": "two\nlines"}, id="lines"),
        pytest.param(1.0, "(0:1)", {"item": "1"}, id="number"),
        pytest.param(True, "(0:true)", {"item": "true"}, id="truth"),
        pytest.param([1, "a"], "(0:[1 a])", {"item": '[1,"a"]'}, id="list"),
        pytest.param(
            {"b": 1, "a": "x"}, "(0:a:x,b:1)",
            {"item": '{"a":"x","b":1}', "item.a": "x", "item.b": "1"}, id="map",
        ),
        pytest.param(
            {"a": {"c": [1], "b": "ü"}}, '(0:a:{"b":"ü","c":[1]})',
            {"item": '{"a":{"b":"ü","c":[1]}}', "item.a": '{"b":"ü","c":[1]}'}, id="nested",
        ),
    ],
)  # fmt: skip
def test_what_an_item_stands_for(item: Any, suffix: str, scope: dict[str, str]) -> None:
    assert turns(withItems=[item]) == [(suffix, scope)]
    assert turns(withParam=json.dumps([item])) == [
        (suffix.replace("(0:1)", "(0:1.0)"), {**scope, "item": "1.0"} if item == 1.0 else scope)
    ] or isinstance(item, bool)


@pytest.mark.parametrize(
    ("sequence", "found"),
    [
        pytest.param({"count": "3"}, ["0", "1", "2"], id="count"),
        pytest.param({"count": 2, "start": 5}, ["5", "6"], id="from"),
        pytest.param({"start": "3", "end": "1"}, ["3", "2", "1"], id="down"),
        pytest.param({"count": "0"}, [], id="none"),
        pytest.param({"count": 2, "format": "t%02d"}, ["t00", "t01"], id="format"),
        pytest.param({"count": 1, "format": "%x%%"}, ["0%"], id="percent"),
    ],
)
def test_sequences(sequence: dict[str, Any], found: list[str]) -> None:
    assert [scope["item"] for _, scope in turns(withSequence=sequence)] == found


@pytest.mark.parametrize(
    ("loop", "why"),
    [
        pytest.param({"withParam": "hello"}, "withParam value could not be parsed as a JSON list: "
                     "hello: ", id="no-json"),
        pytest.param({"withParam": '{"a":1}'}, "withParam value could not be parsed as a JSON list",
                     id="no-list"),
        pytest.param({"withSequence": {"count": "1000000"}}, "a loop over 1000000 items is too "
                     "long: at most 100000 are possible", id="a-million"),
        pytest.param({"withSequence": {"count": "x"}}, 'strconv.Atoi: parsing "x": invalid syntax',
                     id="no-number"),
        pytest.param({"withSequence": {"end": "99999999999999999999"}}, "a loop over 1000000000000",
                     id="very-many"),
    ],
)  # fmt: skip
def test_loops_over_nothing_that_can_be_gone_over(loop: dict[str, Any], why: str) -> None:
    with pytest.raises(loops.Mistake) as mistake:
        loops.items(loop)
    assert str(mistake.value).startswith(why)


def looped(kind: str, **fields: Any) -> dict[str, Any]:
    """Template `main` with a loop `a`, and `b` behind it."""
    first = call("a", "say", word="<{{item}}>") | fields
    if kind == "steps":
        return steps([first], [call("b")])
    return dag(first, task("b", "a"))


@pytest.mark.parametrize("kind", ["steps", "dag"])
def test_a_loop_has_a_node_for_each_item(kind: str) -> None:
    toy = started(workflow(leaf(), echo("say", "word"), looped(kind, withItems=["x", "y"])))
    assert sorted(pod["spec"]["containers"][0]["args"][0] for pod in toy.pods()) == ["<x>", "<y>"]
    finish(toy)
    members = [node(toy, "a(0:x)"), node(toy, "a(1:y)")]
    around = node(toy, "a" if kind == "dag" else "[0]")
    assert around["type"] == {"dag": "TaskGroup", "steps": "StepGroup"}[kind]
    assert around["children"] == [each["id"] for each in members]
    assert [each["inputs"] for each in members] == [
        {"parameters": [{"name": "word", "value": f"<{item}>"}]} for item in "xy"
    ]
    after = node(toy, "b" if kind == "dag" else "[1]")["id"]
    assert [each["children"] for each in members] == [[after], [after]]
    assert status(toy)["phase"] == "Succeeded"


@pytest.mark.parametrize("kind", ["steps", "dag"])
def test_a_loop_over_nothing_is_skipped(kind: str) -> None:
    toy = finish(started(workflow(leaf(), echo("say", "word"), looped(kind, withParam="[]"))))
    empty = node(toy, "a")
    assert (empty["type"], empty["phase"], empty["message"]) == (
        "Skipped", "Skipped", "Skipped, empty params",
    )  # fmt: skip
    assert (phases(toy)["b"], status(toy)["phase"]) == ("Succeeded", "Succeeded")


@pytest.mark.parametrize("kind", ["steps", "dag"])
def test_each_item_has_its_own_condition(kind: str) -> None:
    fields = {"withItems": [1, 2, 3], "when": "{{item}} > 1"}
    toy = finish(started(workflow(leaf(), echo("say", "word"), looped(kind, **fields))))
    found = phases(toy)
    assert [found[f"a({i}:{i + 1})"] for i in range(3)] == ["Skipped", "Succeeded", "Succeeded"]
    assert node(toy, "a(0:1)")["message"] == "when '1 > 1' evaluated false"
    assert status(toy)["phase"] == "Succeeded"


@pytest.mark.parametrize("kind", ["steps", "dag"])
def test_a_loop_that_is_off_need_not_be_a_list(kind: str) -> None:
    fields = {"withParam": "none", "when": "1 > 2"}
    toy = finish(started(workflow(leaf(), echo("say", "word"), looped(kind, **fields))))
    assert (node(toy, "a")["phase"], status(toy)["phase"]) == ("Skipped", "Succeeded")


@pytest.mark.parametrize(
    ("kind", "phase", "where"),
    [("steps", "Failed", "[0]"), ("dag", "Error", "a")],
)
def test_a_million_items_end_in_an_error_that_says_so(kind: str, phase: str, where: str) -> None:
    begun = time.process_time()
    fields = {"withSequence": {"count": "1000000"}}
    toy = started(workflow(leaf(), echo("say", "word"), looped(kind, **fields)))
    assert time.process_time() - begun < 5
    assert (status(toy)["phase"], node(toy, where)["phase"]) == (phase, "Error")
    assert node(toy, where)["message"] == (
        "a loop over 1000000 items is too long: at most 100000 are possible"
    )


def test_a_group_of_a_loop_has_the_phase_of_what_broke() -> None:
    tasks = [
        task("a") | {"withItems": ["x", "y"]},
        task("any", "a.AnySucceeded"),
        task("all", "a.AllFailed"),
        task("plain", "a.Succeeded"),
    ]
    toy = finish(started(workflow(leaf(), dag(*tasks))), **{"a(0:x)": "Failed"})
    found = phases(toy)
    assert (found["a"], found["any"], found["all"]) == ("Failed", "Succeeded", "Omitted")
    assert (found["plain"], status(toy)["phase"]) == ("Omitted", "Failed")


@pytest.mark.parametrize("kind", ["steps", "dag"])
def test_what_is_not_to_run_is_skipped(kind: str) -> None:
    child = call("a") | {"when": "{{workflow.name}} == other"}
    main = steps([child], [call("b")]) if kind == "steps" else dag(child, task("b", "a"))
    toy = finish(started(workflow(leaf(), main)))
    skipped = node(toy, "a")
    assert (skipped["type"], skipped["phase"], skipped["message"]) == (
        "Skipped", "Skipped", "when 'wf == other' evaluated false",
    )  # fmt: skip
    assert (phases(toy)["b"], status(toy)["phase"]) == ("Succeeded", "Succeeded")


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("", True), ("true", True), ("a == a", True), ("a != a", False),
        ("3 > 2 && b in (a, b)", True),
        ("'true' == true", False), ("'1.10' == 1.1", False), ("1.10 == 1.1", True),
    ],
)  # fmt: skip
def test_conditions(condition: str, holds: bool) -> None:
    assert when.holds(condition) is holds


@pytest.mark.parametrize("condition", ["a", "1 +", "foo-bar == foo-bar", "1.2.3 == 1", "1 + 1"])
def test_texts_that_are_no_conditions(condition: str) -> None:
    with pytest.raises(when.Mistake) as mistake:
        when.holds(condition)
    assert condition in str(mistake.value)


def test_a_condition_that_is_none_is_an_error() -> None:
    toy = started(workflow(leaf(), dag(call("a") | {"when": "1 +"}, task("b", "a"))))
    assert node(toy, "a")["message"].startswith("Invalid 'when' expression '1 +'")
    assert (node(toy, "b")["phase"], status(toy)["phase"]) == ("Omitted", "Error")
    toy = started(workflow(leaf(), steps([call("a") | {"when": "1 +"}])))
    assert node(toy, "[0]")["message"].startswith(
        "failed to resolve references: Invalid 'when' expression '1 +'"
    )
    assert status(toy)["phase"] == "Failed"


@pytest.mark.parametrize("kind", ["steps", "dag"])
@pytest.mark.parametrize("allowed", [True, False])
def test_what_may_fail_does_not_stop_the_rest(kind: str, allowed: bool) -> None:
    child = call("a") | {"continueOn": {"failed": allowed, "error": True}}
    main = steps([child], [call("b")]) if kind == "steps" else dag(child, task("b", "a"))
    toy = finish(started(workflow(leaf(), main)), a="Failed")
    assert ("b" in phases(toy) and phases(toy)["b"] == "Succeeded") is allowed
    assert status(toy)["phase"] == ("Succeeded" if allowed else "Failed")


def test_a_last_task_that_may_fail_leaves_the_dag_well() -> None:
    toy = finish(
        started(
            workflow(leaf(), dag(task("a"), task("b", "a") | {"continueOn": {"failed": True}}))
        ),
        b="Failed",
    )
    assert (phases(toy)["b"], status(toy)["phase"]) == ("Failed", "Succeeded")


def test_loops_within_loops() -> None:
    inner = steps([call("in") | {"withSequence": {"count": "2"}}], name="inner")
    outer = steps([call("out", "inner") | {"withItems": [{"k": "v"}, 5]}])
    toy = finish(started(workflow(leaf(), inner, outer)))
    names = {each["name"] for each in nodes(toy).values()}
    assert "wf[0].out(0:k:v)[0].in(1:1)" in names
    assert len([each for each in nodes(toy).values() if each["type"] == "Pod"]) == 4
    assert status(toy)["phase"] == "Succeeded"
