"""What the validator says of what is wrong, in upstream's words."""

from __future__ import annotations

import pytest

from kinds.workflows.makers import call, dag, echo, leaf, steps, task, workflow
from kinds.workflows.validating import PATH, SAY, asking, outputs, parameters, said, tagged
from sampan.kube.keys import Manifest

NAME = "name must consist of alpha-numeric characters or '-', and must start with an"
NAME += " alpha-numeric character (e.g. My-name1-2, 123-NAME)"
BAD = [
    pytest.param(workflow(leaf("main"), entrypoint=""), "spec.entrypoint is required", id="entry"),
    pytest.param(workflow(leaf("x")), "template name 'main' undefined", id="entry-nowhere"),
    pytest.param(
        workflow({"container": {"image": "x"}}), "spec.templates[0].name is required", id="no-name"
    ),
    pytest.param(
        workflow(leaf("main"), leaf("main")),
        "spec.templates[1].name 'main' is not unique",
        id="template-twice",
    ),
    pytest.param(
        workflow(leaf("main"), leaf("a b")),
        f"spec.templates[1].name: 'a b' is invalid: {NAME}",
        id="template-name",
    ),
    pytest.param(workflow({"name": "main"}), "template 'main' type is unknown", id="no-type"),
    pytest.param(
        workflow({"name": "main", "container": {}}),
        "templates.main.container.image may not be empty",
        id="no-image",
    ),
    pytest.param(
        workflow(leaf("main", parallelism=2)),
        "templates.main.parallelism is only valid for steps and dag templates",
        id="parallelism",
    ),
    pytest.param(
        workflow(leaf("main", timeout="10")),
        "main has invalid duration format in timeout",
        id="timeout-without-unit",
    ),
    pytest.param(
        workflow(leaf(), steps([call("a")], timeout="1s")),
        "Steps template doesn't support timeout field",
        id="timeout-of-steps",
    ),
    pytest.param(
        workflow(leaf(), dag(task("a")) | {"pendingTimeout": "1s"}),
        "DAG template doesn't support pendingTimeout field",
        id="pending-timeout-of-dag",
    ),
    pytest.param(
        workflow(leaf(), steps([call("a")], activeDeadlineSeconds=1)),
        "templates.main.activeDeadlineSeconds is only valid for leaf templates",
        id="deadline-of-steps",
    ),
    pytest.param(
        workflow(leaf("main", activeDeadlineSeconds="soon")),
        "templates.main.activeDeadlineSeconds must be a positive integer > 0 or an argo variable",
        id="deadline",
    ),
    pytest.param(
        workflow(tagged("main", "{{inputs.parameters.x}}")),
        "templates.main: failed to resolve {{inputs.parameters.x}}",
        id="unknown-input",
    ),
    pytest.param(
        workflow(tagged("main", "{{workflow.parameters.x}}")),
        "templates.main: failed to resolve {{workflow.parameters.x}}",
        id="unknown-argument",
    ),
    pytest.param(
        workflow(leaf(), steps([call("a", "nowhere")])),
        "templates.main.steps[0].a template name 'nowhere' undefined",
        id="step-nowhere",
    ),
    pytest.param(
        workflow(leaf(), steps([call("a"), call("a")])),
        "templates.main.steps[0].name 'a' is not unique",
        id="step-twice",
    ),
    pytest.param(
        workflow(SAY, leaf(), steps([asking("{{steps.a.id}}")], [call("a")])),
        "templates.main.steps failed to resolve {{steps.a.id}}",
        id="a-later-step",
    ),
    pytest.param(
        workflow(SAY, steps([call("a", "say")])),
        "templates.main.steps[0].a templates.say inputs.parameters.word was not supplied",
        id="argument-missing",
    ),
    pytest.param(
        workflow(echo("main", "x")),
        "templates.main inputs.parameters.x was not supplied",
        id="argument-of-the-entry-missing",
    ),
    pytest.param(
        workflow(leaf("main"), **parameters({"name": "x"})),
        "spec.arguments.x.value or spec.arguments.x.valueFrom is required",
        id="no-value",
    ),
    pytest.param(
        workflow(leaf("main"), **parameters({"name": "x", "value": "3", "enum": ["1"]})),
        "spec.arguments.x.value should be present in spec.arguments.x.enum list",
        id="enum",
    ),
    pytest.param(
        workflow(leaf("main"), **parameters({"name": "x", "valueFrom": {"path": "/a"}})),
        "spec.arguments.x.valueFrom only allows: default, configMapKeyRef and supplied",
        id="value-from",
    ),
    pytest.param(
        workflow(leaf("main"), arguments={"artifacts": [{"name": "x"}]}),
        "spec.arguments.x.from, artifact location, or key is required",
        id="artifact",
    ),
    pytest.param(
        workflow(leaf("main", inputs={"artifacts": [{"name": "x", "path": "/x"}]})),
        "templates.main inputs.artifacts.x was not supplied",
        id="artifact-missing",
    ),
    pytest.param(
        workflow(
            leaf(
                "main",
                inputs={"artifacts": [{"name": "x", "path": "/a/../../b", "optional": True}]},
            )
        ),
        "error in templates.main.inputs.artifacts.x: Artifact 'x' attempted to use a path"
        " containing '..'. Directory traversal is not permitted",
        id="path",
    ),
    pytest.param(
        workflow(leaf(), dag(task("a", "b"), task("b", "a"))),
        "templates.main sorting failed: graph with cycle",
        id="circle",
    ),
    pytest.param(
        workflow(leaf(), dag(task("a", "b"))),
        "templates.main sorting failed: invalid dependency b",
        id="dependency-nowhere",
    ),
    pytest.param(
        workflow(leaf(), dag(task("a"), task("b", "a"), task("c", "a.Failed"))),
        "templates.main cannot use both 'depends' and 'dependencies' in the same DAG template",
        id="two-ways-to-wait",
    ),
    pytest.param(
        workflow(leaf(), dag(task("a"), task("b", "a.Perhaps"))),
        "templates.main.tasks.b task result 'Perhaps' for task 'a' is invalid",
        id="result",
    ),
    pytest.param(
        workflow(leaf(), dag(task("a"), task("b", "a && (a.Failed"))),
        "templates.main.tasks.b depends 'a && (a.Failed' is malformed: a bracket is not closed",
        id="depends",
    ),
    pytest.param(
        workflow(leaf(), dag(task("a"), task("b", "a.AllFailed"))),
        "templates.main.tasks.b dependency 'a' uses an items-based condition such as"
        " .AnySucceeded or .AllFailed but does not contain any items",
        id="no-items",
    ),
    pytest.param(
        workflow(leaf(), dag(task("a"), task("1b", "a"))),
        "templates.main.tasks.1b name cannot begin with a digit when using either 'depends'"
        " or 'dependencies'",
        id="digit",
    ),
    pytest.param(
        workflow(leaf(), dag(task("a"), target="b")),
        "templates.main.targets: target 'b' is not defined",
        id="target",
    ),
    pytest.param(
        workflow(
            SAY,
            outputs("work", PATH),
            dag(task("a"), task("b", "", "say", word="{{tasks.a.outputs.parameters.out}}")),
        ),
        "templates.main.tasks.b missing dependency 'a' for parameter 'word'",
        id="missing-dependency",
    ),
    pytest.param(
        workflow(SAY, leaf(), dag(task("a"), task("b", "", "say", word="{{tasks.a.status}}"))),
        "templates.main.tasks.b failed to resolve {{tasks.a.status}}",
        id="status-of-a-stranger",
    ),
    pytest.param(
        workflow(leaf(), steps([{**call("a"), "withItems": [1], "withParam": "[]"}])),
        "templates.main.steps[0].a only one of withItems, withParam, withSequence can be specified",
        id="two-loops",
    ),
    pytest.param(
        workflow(leaf(), steps([{**call("a"), "hooks": {"h": {"template": "work"}}}])),
        "templates.main.steps[0].a.h Expression required",
        id="hook",
    ),
    pytest.param(
        workflow(leaf("main"), hooks={"h": {"template": "main"}}),
        "hooks.h Expression required",
        id="hook-of-the-workflow",
    ),
    pytest.param(
        workflow(outputs("main", {"name": "x"})),
        "templates.main.outputs.parameters.x does not have valueFrom or value specified",
        id="output-from-nowhere",
    ),
    pytest.param(
        workflow(outputs("main", {"name": "x", "valueFrom": {"parameter": "{{workflow.name}}"}})),
        "templates.main.outputs.parameters.x.path must be specified for Container templates",
        id="output-of-a-container",
    ),
    pytest.param(
        workflow(
            leaf(),
            steps(
                [call("a")],
                outputs={
                    "parameters": [
                        {"name": "x", "valueFrom": {"parameter": "{{steps.b.outputs.result}}"}}
                    ]
                },
            ),
        ),
        "templates.main.outputs failed to resolve {{steps.b.outputs.result}}",
        id="output-of-steps",
    ),
    pytest.param(
        workflow({"name": "main", "resource": {"action": "create"}}),
        "either templates.main.resource.manifest or templates.main.resource.manifestFrom"
        " must be specified",
        id="resource",
    ),
    pytest.param(
        workflow({"name": "main", "resource": {"action": "create", "manifest": "a: ["}}),
        "templates.main.resource.manifest must be a valid yaml",
        id="manifest",
    ),
    pytest.param(
        workflow(
            {
                "name": "main",
                "containerSet": {
                    "containers": [{"name": "a", "image": "x", "dependencies": ["b"]}]
                },
            }
        ),
        "templates.main.containerSet.containers.a dependency 'b' not defined",
        id="set",
    ),
    pytest.param(
        workflow(leaf("main", sidecars=[{"name": "wait", "image": "x"}])),
        'templates.main.sidecars: "wait" is a reserved Argo container name',
        id="reserved",
    ),
    pytest.param(
        workflow(leaf("main", metrics={"prometheus": [{"name": "a b", "help": "x"}]})),
        "templates.main metric name 'a b' is invalid. Metric names must contain"
        " alphanumeric characters or '_'",
        id="metric",
    ),
    pytest.param(
        workflow(steps([{"name": "a", "templateRef": {"name": "lib", "template": "no"}}])),
        "templates.main.steps[0].a template reference lib.no not found",
        id="reference-nowhere",
    ),
    pytest.param(
        workflow(steps([{"name": "a", "template": "x", "templateRef": {"name": "lib"}}])),
        "templates.main.steps[0].a template name cannot be specified with templateRef",
        id="two-names",
    ),
    pytest.param(
        workflow(steps([{"name": "a", "templateRef": {"name": "lib", "template": "say"}}])),
        "templates.main.steps[0].a templates.say inputs.parameters.word was not supplied",
        id="argument-of-a-reference-missing",
    ),
    pytest.param(
        workflow(leaf("main"), workflowTemplateRef={"name": "lib"}),
        "Templates is invalid field in spec if workflow referred WorkflowTemplate reference",
        id="templates-beside-a-reference",
    ),
    pytest.param(
        {"metadata": {"name": "w"}, "spec": {"workflowTemplateRef": {"name": "bad"}}},
        "templates.none template 'none' type is unknown",
        id="a-bad-template",
    ),
    pytest.param(
        {**workflow(leaf("main")), "metadata": {"name": "x" * 64}},
        f'workflow name "{"x" * 64}" must not be more than 63 characters long (currently 64)',
        id="long-name",
    ),
]


@pytest.mark.parametrize(("manifest", "fault"), BAD)
def test_what_is_wrong_is_said_as_upstream_says_it(manifest: Manifest, fault: str) -> None:
    assert said(manifest)[:1] == [fault]
