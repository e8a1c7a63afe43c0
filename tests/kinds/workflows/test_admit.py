"""What a Workflow may not say, and how it is told."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.workflows.makers import call, dag, echo, leaf, steps, task, workflow
from sampan.kinds.workflows import admit, spelling

NOT_YET = "Forbidden: not supported by Sampan yet"


def said(manifest: dict[str, Any]) -> list[str]:
    spelling.workflow(manifest)
    return [str(problem) for problem in admit.problems(manifest)]


def test_a_good_workflow_has_no_problems() -> None:
    inputs = {"parameters": [{"name": "w", "default": "x", "description": "a word"}]}
    assert (
        said(
            workflow(
                echo("say", "word"),
                steps(
                    [call("a", "say", word="{{inputs.parameters.w}}")],
                    [call("b", "say", word="{{steps.a.id}} {{workflow.name}}")],
                    inputs=inputs,
                ),
            )
        )
        == []
    )


@pytest.mark.parametrize(
    "field",
    [
        "onExit", "hooks", "synchronization", "retryStrategy", "podGC", "artifactGC", "metrics",
        "workflowMetadata", "templateDefaults", "podSpecPatch", "podDisruptionBudget",
        "archiveLogs", "executor", "priority",
    ],
)  # fmt: skip
def test_a_field_of_the_workflow_that_is_not_supported_is_refused(field: str) -> None:
    assert said(workflow(leaf("main"), **{field: {"a": 1}})) == [f"spec.{field}: {NOT_YET}"]


@pytest.mark.parametrize(
    "field",
    [
        "suspend", "resource", "http", "containerSet", "data", "plugin", "retryStrategy", "memoize",
        "synchronization", "daemon", "sidecars", "timeout", "metrics", "podSpecPatch", "executor",
        "archiveLocation", "annotations",
    ],
)  # fmt: skip
def test_a_field_of_a_template_that_is_not_supported_is_refused(field: str) -> None:
    found = said(workflow(leaf("main", **{field: {"a": 1}})))
    assert found == [f"spec.templates[0].{field}: {NOT_YET}"]


@pytest.mark.parametrize(
    "field",
    ["templateRef", "inline"],
)  # fmt: skip
def test_a_field_of_a_step_or_task_that_is_not_supported_is_refused(field: str) -> None:
    step, one = call("a") | {field: ["x"]}, task("a") | {field: ["x"]}
    assert said(workflow(leaf(), steps([step]))) == [
        f"spec.templates[1].steps[0][0].{field}: {NOT_YET}"
    ]
    assert said(workflow(leaf(), dag(one))) == [
        f"spec.templates[1].dag.tasks[0].{field}: {NOT_YET}"
    ]


def test_empty_values_of_other_fields_ask_for_nothing() -> None:
    assert said(workflow(leaf("main", outputs={}, retryStrategy={}, daemon=False), hooks={})) == []


@pytest.mark.parametrize(
    ("manifest", "problem"),
    [
        pytest.param(
            workflow(leaf("main"), entrypoint=""), "spec.entrypoint: Required value", id="no-entry"
        ),
        pytest.param(workflow(), "spec.templates: Required value", id="no-templates"),
        pytest.param(
            workflow(leaf("main"), entrypoint="x"),
            "spec.entrypoint: Invalid value: \"x\": template 'x' is not defined",
            id="entry-nowhere",
        ),
        pytest.param(
            workflow(leaf("main"), leaf("main")),
            'spec.templates[1].name: Duplicate value: "main"',
            id="template-twice",
        ),
        pytest.param(
            workflow({"name": "main"}),
            "spec.templates[0]: Required value: the template's type: one of container, script,"
            " steps, dag",
            id="no-type",
        ),
        pytest.param(
            workflow(leaf("main") | {"script": {"image": "x", "source": "y"}}),
            "spec.templates[0].script: Forbidden: the template is of type container already",
            id="two-types",
        ),
        pytest.param(
            workflow({"name": "main", "container": {"command": ["x"]}}),
            "spec.templates[0].container.image: Required value",
            id="no-image",
        ),
        pytest.param(
            workflow(leaf("main") | {"parallelism": 2}),
            "spec.templates[0].parallelism: Forbidden: has no meaning for a template of type"
            " container",
            id="parallelism-of-a-pod",
        ),
        pytest.param(
            workflow(leaf(), steps([call("a"), call("a")])),
            'spec.templates[1].steps[0][1].name: Duplicate value: "a"',
            id="step-twice",
        ),
        pytest.param(
            workflow(leaf(), dag(task("a", "b"), task("b", "a"))),
            'spec.templates[1].dag.tasks: Invalid value: "a -> b -> a": tasks wait for each other',
            id="circle-of-tasks",
        ),
        pytest.param(
            workflow(leaf(), dag(task("a", "z"))),
            "spec.templates[1].dag.tasks[0].dependencies: Invalid value: \"z\": task 'z' is not"
            " defined",
            id="dependency-nowhere",
        ),
        pytest.param(
            workflow(leaf(), dag(task("a"), task("b", "a &&"))),
            'spec.templates[1].dag.tasks[1].depends: Invalid value: "a &&": ends too early',
            id="condition",
        ),
        pytest.param(
            workflow(leaf(), steps([call("a", "main")])),
            'spec.templates: Invalid value: "main -> main": templates that call each other',
            id="recursion",
        ),
        pytest.param(
            workflow(echo("say", "word"), steps([call("a", "say")])),
            "spec.templates[1].steps[0][0].arguments.parameters: Required value: template 'say':"
            " inputs.parameters.word was not supplied",
            id="missing-argument",
        ),
        pytest.param(
            workflow(echo("main", "word")),
            "spec.arguments.parameters: Required value: template 'main': inputs.parameters.word"
            " was not supplied",
            id="missing-workflow-argument",
        ),
        pytest.param(
            workflow(leaf("main") | {"container": {"image": "{{workflow.parameters.image}}"}}),
            'spec.templates[0].container: Invalid value: "{{workflow.parameters.image}}": failed'
            " to resolve {{workflow.parameters.image}}",
            id="unresolved",
        ),
        pytest.param(
            workflow(
                echo("say", "w"),
                steps([call("a", "say", w="{{steps.b.id}}")], [call("b", "say", w="")]),
            ),
            'spec.templates[1].steps[0][0].arguments: Invalid value: "{{steps.b.id}}": failed to'
            " resolve {{steps.b.id}}",
            id="a-later-step",
        ),
        pytest.param(
            workflow(leaf("main", outputs={"artifacts": [{"name": "x"}]})),
            f"spec.templates[0].outputs.artifacts: {NOT_YET}",
            id="output-artifacts",
        ),
        pytest.param(
            workflow(leaf("main"), shutdown="Now"),
            'spec.shutdown: Unsupported value: "Now": supported values: "Terminate", "Stop"',
            id="shutdown",
        ),
        pytest.param(
            workflow(leaf("main", activeDeadlineSeconds="soon")),
            'spec.templates[0].activeDeadlineSeconds: Invalid value: "soon": must be greater'
            " than 0",
            id="deadline",
        ),
        pytest.param(
            workflow(workflowTemplateRef={"name": "t"}),
            f"spec.workflowTemplateRef: {NOT_YET}",
            id="workflow-template",
        ),
    ],
)
def test_what_is_wrong_is_named(manifest: dict[str, Any], problem: str) -> None:
    assert said(manifest) == [problem]


def test_a_mount_without_its_volume_is_named_by_the_template() -> None:
    main = leaf("main")
    main["container"]["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    assert said(workflow(main)) == [
        'spec.templates[0].container.volumeMounts[0].name: Not found: "data"'
    ]


def test_a_group_of_one_step_needs_no_list() -> None:
    manifest = workflow(leaf(), {"name": "main", "steps": [call("a"), [call("b")]]})
    assert said(manifest) == []


def test_an_update_of_the_status_alone_is_not_looked_at_again() -> None:
    bad = workflow()
    assert admit.validate(bad | {"status": {"phase": "Running"}}, bad) == []
    assert admit.validate(bad, None)
