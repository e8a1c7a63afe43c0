"""Inputs of a task: sources, selectors, types, what may be missing."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.pipelines.ir.making import RUN, Scope, artifact, dag, parameters, pipeline, task
from sampan.kinds.pipelines.ir import resolve
from sampan.kinds.pipelines.ir.faults import Unresolved
from sampan.kinds.pipelines.ir.resolve import Values


def resolved(
    sources: dict[str, Any],
    definitions: dict[str, Any],
    scope: Scope | None = None,
    **fields: Any,
) -> Values:
    """The inputs of a task `it` with these sources, next to a task `up`."""
    it = task("comp", inputs={"parameters": sources}, **fields)
    read = pipeline(dag(it=it, up=task("other")), comp=definitions, other={})
    found = read.graph("").tasks["it"]
    return resolve.inputs(
        "it",
        found,
        read.component(found.componentRef.name),
        scope or Scope(),
        RUN,
        task_id="task-id",
    )


def constant(value: Any) -> dict[str, Any]:
    return {"runtimeValue": {"constant": value}}


def given(name: str) -> dict[str, Any]:
    return {"componentInputParameter": name}


FROM_UP = {"taskOutputParameter": {"producerTask": "up", "outputParameterKey": "o"}}


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        pytest.param("STRING", "x", "x", id="text"),
        pytest.param("STRING", 1.0, "1", id="whole"),
        pytest.param("STRING", 0.5, "0.5", id="fraction"),
        pytest.param("STRING", True, "true", id="boolean-text"),
        pytest.param("STRING", [1, "a"], '[1,"a"]', id="list-text"),
        pytest.param("STRING", {"a": {"b": None}}, '{"a":{"b":null}}', id="struct-text"),
        pytest.param("NUMBER_INTEGER", 3.0, 3.0, id="integer"),
        pytest.param("NUMBER_DOUBLE", 3, 3, id="double"),
        pytest.param("BOOLEAN", False, False, id="boolean"),
        pytest.param("LIST", [], [], id="list"),
        pytest.param("STRUCT", {}, {}, id="struct"),
    ],
)
def test_text_takes_all_and_other_types_their_own(type_: str, value: Any, expected: Any) -> None:
    assert resolved({"x": constant(value)}, parameters(x=type_)).parameters == {"x": expected}


@pytest.mark.parametrize(
    ("type_", "value", "kind"),
    [
        ("NUMBER_INTEGER", "3", "string"),
        ("BOOLEAN", 1, "number"),
        ("LIST", {}, "struct"),
        ("STRUCT", [], "list"),
        ("STRUCT", True, "bool"),
    ],
)
def test_another_type_is_a_mismatch_in_upstreams_words(type_: str, value: Any, kind: str) -> None:
    with pytest.raises(Unresolved) as caught:
        resolved({"x": constant(value)}, parameters(x=type_))
    assert caught.value.message == (
        f'failed to resolve inputs: input parameter "x" type mismatch: expect {type_}, got {kind}'
    )


def test_an_input_of_the_dag_is_passed_on() -> None:
    scope = Scope(Values({"n": 4}))
    assert resolved({"x": given("n")}, parameters(x="STRING"), scope).parameters == {"x": "4"}
    with pytest.raises(Unresolved, match="parent DAG does not have input parameter m"):
        resolved({"x": given("m")}, parameters(x="STRING"), scope)


def test_null_is_for_the_component_to_do_without() -> None:
    scope = Scope(Values({"n": None}))
    optional = {"parameterType": "NUMBER_DOUBLE", "isOptional": True}
    assert resolved({"x": given("n")}, parameters(x=optional), scope).parameters == {}
    with pytest.raises(Unresolved, match="the resolved input parameter is null: n"):
        resolved({"x": given("n")}, parameters(x="STRING"), scope)


def test_an_output_of_a_sibling_is_taken() -> None:
    scope = Scope(outputs={"up": Values({"o": [1, 2]})})
    assert resolved({"x": FROM_UP}, parameters(x="LIST"), scope).parameters == {"x": [1, 2]}


def test_the_output_of_a_failed_sibling_is_missed_only_without_default() -> None:
    scope = Scope(states={"up": "FAILED"})
    with pytest.raises(Unresolved, match=r'task "up" \(FAILED\) has no output parameter "o"'):
        resolved({"x": FROM_UP}, parameters(x="STRING"), scope)
    default = {"parameterType": "STRING", "defaultValue": "d", "isOptional": True}
    assert resolved({"x": FROM_UP}, parameters(x=default), scope).parameters == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{$.pipeline_job_name}}", "Hello"),
        ("{{$.pipeline_job_resource_name}}", "hello-x7k"),
        ("{{$.pipeline_job_uuid}}", "run-id"),
        ("{{$.pipeline_task_name}}", "it"),
        ("{{$.pipeline_task_uuid}}", "task-id"),
        ("{{$.pipeline_job_create_time_utc}}", "2026-01-02T03:04:05Z"),
        ("{{$.pipeline_job_schedule_time_utc}}", "2026-01-02T03:04:05Z"),
        ("{{$.workspace_path}}/data", "/kfp-workspace/data"),
        ("of {{$.pipeline_job_name}}: {{$.pipeline_job_uuid}}", "of Hello: run-id"),
        ("{{$.inputs.parameters['y']}}", "{{$.inputs.parameters['y']}}"),
        ("{{$.unheard_of}}", "{{$.unheard_of}}"),
    ],
)
def test_constants_may_tell_of_the_run(text: str, expected: str) -> None:
    found = resolved({"x": constant(text)}, parameters(x="STRING"))
    assert found.parameters == {"x": expected}


def test_a_selector_takes_a_part() -> None:
    source = {**given("s"), "parameterExpressionSelector": 'parseJson(string_value)["A_a"]'}
    scope = Scope(Values({"s": {"A_a": "1", "B_b": 2}}))
    assert resolved({"x": source}, parameters(x="STRING"), scope).parameters == {"x": "1"}


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ('parseJson(string_value)["z"]', "no such key"),
        ("parseJson(string_value", "Syntax error"),
        ("number_value", "evaluation error"),
        ("unheard_of", "undeclared reference"),
    ],
)
def test_a_selector_that_fails_is_quoted(selector: str, message: str) -> None:
    source = {**given("s"), "parameterExpressionSelector": selector}
    with pytest.raises(Unresolved) as caught:
        resolved({"x": source}, parameters(x="STRING"), Scope(Values({"s": {}})))
    assert f'selector "{selector}" failed' in caught.value.message
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("state", "told"),
    [("SUCCEEDED", "COMPLETE"), ("FAILED", "FAILED"), ("CACHED", "CACHED"),
     ("CANCELED", "CANCELED"), ("SKIPPED", "CANCELED")],
)  # fmt: skip
def test_an_exit_handler_is_told_how_it_ended(state: str, told: str) -> None:
    found = resolved(
        {"s": {"taskFinalStatus": {"producerTask": "up"}}},
        parameters(s="TASK_FINAL_STATUS"),
        Scope(states={"up": state}),
        dependentTasks=["up"],
    )
    assert found.parameters["s"] == {
        "state": told,
        "error": {},
        "pipelineJobResourceName": "hello-x7k",
        "pipelineTaskName": "up",
    }


def test_what_no_source_gives_is_missed() -> None:
    with pytest.raises(Unresolved, match='non-optional parameter "x"'):
        resolved({}, parameters(x="STRING"))
    default = {"parameterType": "STRING", "defaultValue": "d", "isOptional": True}
    assert resolved({}, parameters(x=default)).parameters == {}


def test_a_dag_is_given_the_defaults_that_its_tasks_may_ask_for() -> None:
    default = {"parameterType": "STRING", "defaultValue": "d", "isOptional": True}
    null = {"parameterType": "STRING", "isOptional": True}
    inner = {**parameters(x=default, y=null), **dag(one=task("leaf"))}
    read = pipeline(dag(it=task("inner")), inner=inner, leaf={})
    found = resolve.inputs("it", read.graph("").tasks["it"], read.component("inner"), Scope(), RUN)
    assert found.parameters == {"x": "d", "y": None}


def test_a_dag_hands_on_what_was_not_given() -> None:
    default = {"parameterType": "STRING", "defaultValue": "d"}
    inner = {**parameters(x=default, y="LIST"), **dag(one=task("leaf"))}
    sources = {"parameters": {"x": given("n"), "y": given("n")},
               "artifacts": {"a": {"componentInputArtifact": "none"}}}  # fmt: skip
    read = pipeline(dag(it=task("inner", inputs=sources)), inner=inner, leaf={})
    it, scope = read.graph("").tasks["it"], Scope(Values({"n": None}))
    found = resolve.inputs("it", it, read.component("inner"), scope, RUN)
    assert found == Values({"x": "d", "y": None})


def test_literals_are_all_that_is_allowed() -> None:
    definition = {"parameterType": "STRING", "literals": ["a", "b"]}
    assert resolved({"x": constant("a")}, parameters(x=definition)).parameters == {"x": "a"}
    with pytest.raises(Unresolved, match='value "c" does not match any of the allowed literal'):
        resolved({"x": constant("c")}, parameters(x=definition))


def artifacts(source: dict[str, Any], scope: Scope, *, optional: bool = False) -> Values:
    definition = {"artifactType": {"schemaTitle": "system.Dataset"}, "isOptional": optional}
    component = {"inputDefinitions": {"artifacts": {"d": definition}}}
    it = task("comp", inputs={"artifacts": {"d": source}})
    read = pipeline(dag(it=it, up=task("other")), comp=component, other={})
    return resolve.inputs("it", read.graph("").tasks["it"], read.component("comp"), scope, RUN)


def test_artifacts_come_from_the_dag_or_a_sibling() -> None:
    one, two = artifact("one"), artifact("two")
    scope = Scope(Values({}, {"in": (one,)}), {"up": Values({}, {"o": (one, two)})})
    assert artifacts({"componentInputArtifact": "in"}, scope).artifacts == {"d": (one,)}
    made = {"taskOutputArtifact": {"producerTask": "up", "outputArtifactKey": "o"}}
    assert artifacts(made, scope).artifacts == {"d": (one, two)}


def test_a_missing_artifact_is_missed_unless_it_is_optional() -> None:
    absent = {"componentInputArtifact": "in"}
    made = {"taskOutputArtifact": {"producerTask": "up", "outputArtifactKey": "o"}}
    assert artifacts(absent, Scope(), optional=True).artifacts == {}
    with pytest.raises(Unresolved, match="parent DAG does not have input artifact in"):
        artifacts(absent, Scope())
    with pytest.raises(Unresolved, match='output artifact key "o" in producer task "up"'):
        artifacts(made, Scope())
