"""What the validator says, in upstream's words, and what it lets pass."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinds.workflows.makers import call, dag, echo, leaf, steps, task, workflow
from sampan.kinds.workflows import spelling
from sampan.kinds.workflows.validate import graphs, manifests
from sampan.kube.keys import Manifest

LIBRARY: dict[str, Any] = {
    "namespaced/lib": {"templates": [leaf("work"), echo("say", "word")]},
    "cluster/lib": {"templates": [leaf("shared")], "entrypoint": "shared"},
    "namespaced/bad": {"templates": [leaf("ok"), {"name": "none"}], "entrypoint": "ok"},
}


def said(manifest: Manifest, *, kind: str = "Workflow", lint: bool = False) -> list[str]:
    manifest = {**manifest, "kind": kind}
    spelling.workflow(manifest)
    return [problem.message for problem in manifests.problems(manifest, LIBRARY, lint=lint)]


def tagged(name: str, tag: str, **fields: Any) -> dict[str, Any]:
    """A leaf with a tag among its arguments."""
    return {"name": name, "container": {"image": "busybox", "args": [tag]}, **fields}


def outputs(name: str, *parameters: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return leaf(name, outputs={"parameters": list(parameters)}, **fields)


def asking(value: str, **fields: Any) -> dict[str, Any]:
    return {**call("b", "say", word=value), **fields}


def parameters(*listed: dict[str, Any]) -> dict[str, Any]:
    return {"arguments": {"parameters": list(listed)}}


SAY = echo("say", "word")
PATH = {"name": "out", "valueFrom": {"path": "/tmp/out"}}
GOOD = [
    pytest.param(workflow(leaf("main")), id="a-leaf"),
    pytest.param(
        workflow(
            SAY,
            outputs("work", PATH),
            steps(
                [call("a")],
                [asking("{{steps.a.outputs.parameters.out}}")],
            ),
        ),
        id="an-output-of-an-earlier-step",
    ),
    pytest.param(
        workflow(
            SAY,
            leaf(),
            steps(
                [call("a")],
                [asking("{{steps.a.status}} {{steps.a.outputs.result}} {{workflow.name}}")],
            ),
        ),
        id="status-and-result",
    ),
    pytest.param(
        workflow(
            SAY,
            leaf(),
            dag(
                task("a"),
                {**task("b", "a", "say", word="{{tasks.a.status}} {{tasks.a.id}}")},
            ),
        ),
        id="a-task-that-is-waited-for",
    ),
    pytest.param(workflow(SAY, steps([asking("{{item.x}}", withItems=[{"x": 1}])])), id="items"),
    pytest.param(workflow(SAY, steps([asking("{{item.any}}", withParam="[]")])), id="with-param"),
    pytest.param(workflow(tagged("main", "{{= nothing.of.that }}")), id="expressions"),
    pytest.param(workflow(tagged("main", "{{mine}} {{custom.tag}}")), id="not-a-variable"),
    pytest.param(
        workflow(tagged("main", "{{pod.name}} {{workflow.creationTimestamp.s}}")), id="pod"
    ),
    pytest.param(
        workflow(
            tagged("main", "{{workflow.parameters.x}}"), **parameters({"name": "x", "value": "1"})
        ),
        id="parameters",
    ),
    pytest.param(
        workflow(leaf("main"), tagged("bye", "{{workflow.failures}}"), onExit="bye"),
        id="exit-handler",
    ),
    pytest.param(
        workflow(
            steps(
                [
                    {
                        "name": "a",
                        "inline": tagged(
                            "",
                            "{{inputs.parameters.x}}",
                            inputs={"parameters": [{"name": "x", "value": "1"}]},
                        ),
                    }
                ]
            )
        ),
        id="inline",
    ),
    pytest.param(
        workflow(steps([{"name": "a", "templateRef": {"name": "lib", "template": "work"}}])),
        id="reference",
    ),
    pytest.param(
        workflow(steps([{"name": "a", "templateRef": {"name": "{{x}}", "template": "y"}}])),
        id="reference-with-tags",
    ),
    pytest.param(
        workflow(
            outputs("work", {**PATH, "globalName": "all"}),
            steps([call("a")]),
            tagged("bye", "{{workflow.outputs.parameters.all}}"),
            onExit="bye",
        ),
        id="global-output",
    ),
    pytest.param(
        workflow({"name": "main", "container": {}}, templateDefaults={"container": {"image": "x"}}),
        id="default-image",
    ),
    pytest.param(
        workflow(
            leaf(),
            dag(
                {**task("a"), "withItems": [1]},
                task("b", "a.AnySucceeded || a.Failed"),
            ),
        ),
        id="depends",
    ),
]


@pytest.mark.parametrize("manifest", GOOD)
def test_what_is_right_is_let_pass(manifest: Manifest) -> None:
    assert said(manifest) == []


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


def test_each_template_tells_its_own_fault_once() -> None:
    faults = said(workflow(leaf("main"), tagged("a", "{{inputs.parameters.x}}"), {"name": "b"}))
    assert faults == [
        "templates.a templates.a: failed to resolve {{inputs.parameters.x}}",
        "templates.b template 'b' type is unknown",
    ]


def test_a_problem_names_the_place_of_the_template() -> None:
    (problem,) = manifests.problems(workflow(leaf("main"), {"name": "b"}), LIBRARY)
    assert problem.field == "spec.templates[1]"


def test_a_template_alone_may_lack_what_its_workflow_brings() -> None:
    manifest = workflow(tagged("main", "{{workflow.parameters.x}}"), **parameters({"name": "y"}))
    assert said(manifest, kind="WorkflowTemplate") == []
    assert said(workflow(leaf("x"), entrypoint=""), kind="ClusterWorkflowTemplate") == []


def test_values_may_come_later_when_a_workflow_is_linted() -> None:
    manifest = workflow(leaf("main"), **parameters({"name": "x"}))
    assert said(manifest, lint=True) == []


def test_a_workflow_of_a_template_is_judged_whole() -> None:
    reference = {"workflowTemplateRef": {"name": "lib", "clusterScope": True}}
    assert said({"metadata": {"name": "w"}, "spec": reference}) == []
    gone = {"metadata": {"name": "w"}, "spec": {"workflowTemplateRef": {"name": "gone"}}}
    assert said(gone) == ['workflowtemplates.argoproj.io "gone" not found']
    assert manifests.problems(gone, None) == []


def test_the_workflow_of_a_cron_workflow_is_looked_at() -> None:
    inner = workflow(leaf("x"))["spec"]
    spec = {"schedules": ["@daily"], "workflowSpec": inner}
    manifest = {"metadata": {"name": "c"}, "spec": spec}
    assert said(manifest, kind="CronWorkflow") == [
        "cannot validate Workflow: template name 'main' undefined"
    ]
    long = {**manifest, "metadata": {"name": "c" * 53}}
    assert said(long, kind="CronWorkflow")[0].startswith('cron workflow name "ccc')


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"schedules": []}, "cron workflow must have at least one schedule"),
        ({"schedules": ["* * *"]}, "cron schedule * * * is malformed: "),
        ({"timezone": "Moon/Base"}, 'invalid timezone "Moon/Base": '),
        ({"concurrencyPolicy": "Maybe"}, "'Maybe' is not a valid concurrencyPolicy"),
        ({"startingDeadlineSeconds": -1}, "startingDeadlineSeconds must be positive"),
    ],
)
def test_when_a_cron_workflow_begins_is_looked_at(fields: dict[str, Any], fault: str) -> None:
    spec = {"schedules": ["@daily"], "workflowSpec": workflow(leaf("main"))["spec"], **fields}
    (found,) = said({"metadata": {"name": "c"}, "spec": spec}, kind="CronWorkflow")
    assert found.startswith(fault)


def test_an_event_binding_has_arguments_by_name() -> None:
    submit = {"workflowTemplateRef": {"name": "x"}, **parameters({"name": "a"}, {"name": "a"})}
    manifest = {"metadata": {"name": "b"}, "spec": {"event": {}, "submit": submit}}
    assert said(manifest, kind="WorkflowEventBinding") == [
        "arguments.parameters[1].name 'a' is not unique"
    ]


def test_templates_that_call_each_other_end_the_look() -> None:
    manifest = workflow(steps([call("a", "main")]))
    assert said(manifest) == []


def test_hundreds_of_templates_one_within_the_other_are_no_trouble() -> None:
    chain = [steps([call("x", f"t{n + 1}")], name=f"t{n}") for n in range(400)]
    assert said(workflow(*chain, leaf("t400"), entrypoint="t0")) == []


def test_a_chain_of_thousands_of_tasks_is_looked_at_quickly() -> None:
    listed = [task("t0", "", "say", word="x")]
    for n in range(1, 2000):
        before = f"t{n - 1}"
        listed.append(task(f"t{n}", before, "say", word=f"{{{{tasks.{before}.outputs.result}}}}"))
    assert said(workflow(SAY, dag(*listed))) == []


names = st.sampled_from("abcdef")


@given(st.dictionaries(names, st.lists(names, unique=True)))
def test_a_circle_is_found_where_there_is_one(edges: dict[str, list[str]]) -> None:
    found = graphs.circle(edges)
    waits = {name: [x for x in after if x in edges] for name, after in edges.items()}
    assert bool(found) == any(graphs.before(waits, name, name) for name in waits)
    assert found[:1] == found[-1:]
    assert all(after in edges[name] for name, after in pairwise(found))
