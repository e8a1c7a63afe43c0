"""What nodes give on: outputs of steps and dags, of loops, of executors; who asks for a result."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sampan.kinds.workflows.language import aggregate, outputs, passing, scopes
from sampan.kinds.workflows.language.arguments import ABSENT
from sampan.kinds.workflows.language.faults import Missing

ARTIFACT = {"name": "f", "path": "/f", "s3": {"key": "dir"}}
TOLD: dict[str, Any] = {
    "steps.a.outputs.result": "r",
    "steps.a.outputs.parameters.p": "v",
    "steps.a.outputs.artifacts.f": ARTIFACT,
    "steps.gone.outputs.parameters.p": None,
    "steps.git.outputs.artifacts.g": {"name": "g", "git": {"repo": "r"}},
    "inputs.parameters.n": "3",
    "inputs.parameters.sub": "below",
}


def given(field: str, *listed: dict[str, Any]) -> Any:
    found = outputs.of_template({"outputs": {field: list(listed)}}, TOLD)
    return found and found[field]


@pytest.mark.parametrize(
    ("source", "value"),
    [
        pytest.param({"parameter": "{{steps.a.outputs.result}}"}, "r", id="tag"),
        pytest.param({"parameter": "{{ steps.a.outputs.parameters.p }}"}, "v", id="spaces"),
        pytest.param({"parameter": "steps.a.outputs.result"}, "r", id="bare"),
        pytest.param({"expression": "steps.a.outputs.result + '!'"}, "r!", id="expression"),
        pytest.param({"expression": "asInt(inputs.parameters.n) * 2"}, "6", id="number"),
        pytest.param({"expression": "[1, 'a']"}, "[1 a]", id="as-go-prints-a-list"),
        pytest.param({"expression": "steps.gone.outputs.parameters.p ?? 'x'"}, "x", id="or-else"),
        pytest.param({"parameter": "{{steps.b.outputs.result}}", "default": 1}, "1", id="default"),
        pytest.param(
            {"parameter": "{{steps.gone.outputs.parameters.p}}", "default": "d"}, "d", id="absent"
        ),
        pytest.param({"expression": "asInt('x')", "default": "d"}, "d", id="default-of-a-mistake"),
    ],
)
def test_an_output_parameter_comes_from_below(source: dict[str, Any], value: str) -> None:
    declared = {"name": "p", "valueFrom": source, "globalName": "g"}
    assert given("parameters", declared) == [{"name": "p", "globalName": "g", "value": value}]


@pytest.mark.parametrize(
    ("declared", "why"),
    [
        ({}, "output parameters must have a valueFrom specified"),
        ({"valueFrom": {"parameter": "{{steps.b.x}}"}}, 'Unable to resolve: "steps.b.x"'),
        ({"valueFrom": {"expression": "nil"}}, 'failed to evaluate expression "nil"'),
        (
            {"valueFrom": {"parameter": "{{steps.gone.outputs.parameters.p}}"}},
            'output parameter "p": "{{steps.gone.outputs.parameters.p}}" is an absent optional'
            " (skipped/omitted node output with no default)",
        ),
    ],
)
def test_an_output_parameter_may_be_missing(declared: dict[str, Any], why: str) -> None:
    with pytest.raises(Missing) as missing:
        given("parameters", {"name": "p", **declared})
    assert str(missing.value) == why


def test_nothing_declared_is_nothing_given() -> None:
    assert outputs.of_template({}, TOLD) is None
    assert given("artifacts", {"name": "own", "path": "/x"}) is None


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ({"from": "{{steps.a.outputs.artifacts.f}}"}, "dir"),
        ({"fromExpression": "steps.a.outputs.artifacts.f"}, "dir"),
        ({"from": "{{steps.a.outputs.artifacts.f}}", "subPath": "x/y.txt"}, "dir/x/y.txt"),
        ({"from": "{{steps.a.outputs.artifacts.f}}", "subPath": "{{inputs.parameters.sub}}"},
         "dir/below"),
    ],
)  # fmt: skip
def test_an_output_artifact_comes_from_below(source: dict[str, Any], key: str) -> None:
    assert given("artifacts", {"name": "mine", **source}) == [
        {"name": "mine", "path": "/f", "s3": {"key": key}}
    ]


def test_an_optional_artifact_may_be_missing() -> None:
    nowhere = {"name": "m", "from": "{{steps.b.outputs.artifacts.f}}"}
    assert given("artifacts", {**nowhere, "optional": True}) is None
    with pytest.raises(Missing) as missing:
        given("artifacts", nowhere)
    assert str(missing.value) == (
        'unable to resolve outputs from scope: Unable to resolve: "steps.b.outputs.artifacts.f"'
    )


@pytest.mark.parametrize(
    ("argument", "passed"),
    [
        pytest.param("{{steps.a.outputs.result}}", "r", id="tag"),
        pytest.param("{{steps.gone.outputs.parameters.p}}", ABSENT, id="absent"),
        pytest.param("{{=steps.gone.outputs.parameters.p ?? 'x'}}", "x", id="or-else"),
        pytest.param("steps.gone.outputs.parameters.p", "steps.gone.outputs.parameters.p",
                     id="a-text-is-no-reference"),
        pytest.param("{{item}}", "{{item}}", id="later"),
    ],
)  # fmt: skip
def test_parameters_are_passed_on(argument: str, passed: str) -> None:
    found = passing.arguments({"parameters": [{"name": "p", "value": argument}]}, TOLD)
    assert found == {"parameters": [{"name": "p", "value": passed}]}


@pytest.mark.parametrize(
    "argument", ["x-{{steps.gone.outputs.parameters.p}}", "{{steps.b.outputs.result}}"]
)
def test_parameters_may_not_be_had(argument: str) -> None:
    with pytest.raises(Missing):
        passing.arguments({"parameters": [{"name": "p", "value": argument}]}, TOLD)


def test_where_nothing_is_demanded_a_tag_may_stay() -> None:
    given = {"parameters": [{"name": "p", "value": "{{steps.b.outputs.result}}"}]}
    assert passing.arguments(given, TOLD, ()) == given


@pytest.mark.parametrize(
    ("argument", "passed"),
    [
        ({"from": "{{steps.a.outputs.artifacts.f}}"}, [{**ARTIFACT, "name": "a"}]),
        ({"raw": {"data": "{{steps.a.outputs.result}}"}}, [{"name": "a", "raw": {"data": "r"}}]),
        ({"from": "{{steps.b.outputs.artifacts.f}}", "optional": True}, []),
    ],
)
def test_artifacts_are_passed_on(argument: dict[str, Any], passed: list[Any]) -> None:
    found = passing.arguments({"artifacts": [{"name": "a", **argument}]}, TOLD)
    assert found == {"artifacts": passed}


@pytest.mark.parametrize(
    ("argument", "why"),
    [
        ({"from": "{{steps.b.outputs.artifacts.f}}"}, 'Unable to resolve: "steps.b.outputs'),
        ({"from": "{{steps.a.outputs.result}}"}, 'Unable to resolve: "r"'),
        ({"from": "{{steps.git.outputs.artifacts.g}}", "subPath": "x"}, "key unsupported: "),
    ],
)
def test_artifacts_may_not_be_had(argument: dict[str, Any], why: str) -> None:
    with pytest.raises(Missing) as missing:
        passing.arguments({"artifacts": [{"name": "a", **argument}]}, TOLD)
    assert str(missing.value).startswith(f"unable to resolve references: {why}")


def member(result: str | None = None, phase: str = "Succeeded", **parameters: str) -> Any:
    body: dict[str, Any] = {} if result is None else {"result": result}
    if parameters:
        body["parameters"] = [{"name": k, "value": v} for k, v in parameters.items()]
    return {"phase": phase, "outputs": body}


def lists(*members: Any) -> dict[str, Any]:
    found = aggregate.of_members("steps.a", members)
    return {name.removeprefix("steps.a.outputs."): json.loads(text) for name, text in found}


def test_a_loop_gives_lists() -> None:
    assert lists(member("1", p="x", q="[1]"), member('"b"', p="y", q='{"k": 2}')) == {
        "result": [1, "b"],
        "parameters": [{"p": "x", "q": "[1]"}, {"p": "y", "q": '{"k": 2}'}],
        "parameters.p": ["x", "y"],
        "parameters.q": [[1], {"k": 2}],
    }


def test_only_members_that_succeeded_count() -> None:
    hook = {**member("3"), "nodeFlag": {"hooked": True}}
    found = lists(member("1"), member("2", "Failed"), hook, {"phase": "Succeeded"})
    assert found == {"result": [1], "parameters": []}
    assert lists() == {}


def test_a_list_of_some_json_is_a_list_of_texts() -> None:
    assert lists(member(p="[1]"), member(p="2"))["parameters.p"] == ["[1]", "2"]


def test_a_result_of_a_loop_has_to_be_json() -> None:
    with pytest.raises(Missing) as missing:
        lists(member("hello"))
    assert str(missing.value) == "invalid character 'h' looking for beginning of value"


NODE = {
    "id": "wf-1", "phase": "Succeeded", "podIP": "10.0.0.1", "startedAt": "s", "finishedAt": None,
    "outputs": {
        "result": "r", "exitCode": "0", "parameters": [{"name": "p", "value": "v"}],
        "artifacts": [ARTIFACT],
    },
}  # fmt: skip


def test_what_a_step_tells() -> None:
    assert scopes.of_child("steps", "a", NODE) == {
        "steps.a.id": "wf-1", "steps.a.status": "Succeeded", "steps.a.ip": "10.0.0.1",
        "steps.a.startedAt": "s", "steps.a.exitCode": "0", "steps.a.outputs.result": "r",
        "steps.a.outputs.parameters.p": "v", "steps.a.outputs.artifacts.f": ARTIFACT,
    }  # fmt: skip


def test_what_a_step_tells_that_was_skipped() -> None:
    declared = {
        "parameters": [{"name": "p", "valueFrom": {"default": 1}}, {"name": "q"}],
        "artifacts": [{"name": "f", "path": "/f"}],
    }
    node = {"id": "i", "phase": "Skipped"}
    told = scopes.of_child("steps", "a", node, declared=declared)
    assert told["steps.a.outputs.parameters.p"] == "1"
    assert told["steps.a.outputs.parameters.q"] is None
    assert told["steps.a.outputs.artifacts.f"] == {"name": "f"}
    ran = scopes.of_child("steps", "a", {"id": "i", "phase": "Succeeded"}, declared=declared)
    assert ran.keys() == {"steps.a.id", "steps.a.status"}
    task = scopes.of_child("tasks", "a", {"id": "i", "phase": "Omitted"}, declared=declared)
    assert "tasks.a.outputs.artifacts.f" not in task
