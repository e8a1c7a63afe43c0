"""What the validator lets pass, and for whom."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinds.workflows.makers import call, dag, leaf, steps, task, workflow
from kinds.workflows.validating import (
    LIBRARY,
    PATH,
    SAY,
    asking,
    outputs,
    parameters,
    said,
    tagged,
)
from sampan.kinds.workflows.validate import graphs, manifests
from sampan.kube.keys import Manifest

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
