"""Admission: what is refused at once, what is only warned of."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.workflows.makers import call, dag, leaf, steps, task, workflow
from sampan.kinds.workflows import admit, spelling
from sampan.kinds.workflows.validate import manifests, unsupported


def said(manifest: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in admit.validate(manifest, None)]


def test_what_the_validator_finds_is_not_refused() -> None:
    assert said(workflow()) == []
    assert said(workflow({"name": "main"})) == []
    assert said(workflow(steps([call("a", "nowhere")]))) == []


@pytest.mark.parametrize("field", sorted(unsupported.SPEC))
def test_a_field_of_the_spec_that_is_not_supported_is_refused(field: str) -> None:
    assert said(workflow(leaf("main"), **{field: "x"})) == [
        f"spec.{field}: Forbidden: not supported by Sampan yet"
    ]


@pytest.mark.parametrize("field", sorted(unsupported.TEMPLATE - {*admit.join.TYPES}))
def test_a_field_of_a_template_that_is_not_supported_is_refused(field: str) -> None:
    fault = "Forbidden: not supported by Sampan yet"
    wrong = {**leaf("main"), field: [{"name": "x"}]}
    assert said(workflow(wrong)) == [f"spec.templates[0].{field}: {fault}"]
    inline = {"name": "main", "steps": [[{"name": "a", "inline": wrong}]]}
    assert said(workflow(inline)) == [f"spec.templates[0].steps[0][0].inline.{field}: {fault}"]


def test_empty_values_of_such_fields_ask_for_nothing() -> None:
    for field in unsupported.SPEC:
        for nothing in (None, False, "", {}, []):
            assert said(workflow(leaf("main"), **{field: nothing})) == []


S3 = {"s3": {"key": "k"}, "raw": {"data": "x"}}


@pytest.mark.parametrize(
    ("manifest", "fault"),
    [
        pytest.param(
            workflow({**leaf("main"), "dag": {"tasks": [task("a")]}}),
            'spec.templates: Invalid value: "array": template must have at most one template type',
            id="two-types",
        ),
        pytest.param(
            workflow(leaf(), dag(task("a"), {**task("b", "a"), "depends": "a"})),
            "spec.templates[1].dag.tasks[1]: Invalid value: "
            "\"object\": cannot use both 'depends' and 'dependencies'",
            id="both-kinds-of-conditions",
        ),
        pytest.param(
            workflow(
                leaf(), dag(task("a"), {**task("b", "a.Failed"), "continueOn": {"failed": True}})
            ),
            "spec.templates[1].dag.tasks[1]: Invalid value: "
            "\"object\": cannot use 'continueOn' when using 'depends'",
            id="continue-on-with-depends",
        ),
        pytest.param(
            workflow(leaf(), steps([{**call("a"), "withSequence": {"count": 1, "end": 2}}])),
            "spec.templates[1].steps[0][0].withSequence: Invalid value: "
            '"object": only one of count or end can be defined',
            id="sequence",
        ),
        pytest.param(
            workflow(leaf("main"), arguments={"artifacts": [{"name": "a", **S3}]}),
            "spec.arguments.artifacts[0]: Invalid value: "
            '"object": at most one artifact location can be specified',
            id="two-locations",
        ),
    ],
)
def test_what_the_rules_of_upstream_s_crds_refuse_is_refused(
    manifest: dict[str, Any], fault: str
) -> None:
    assert said(manifest) == [fault]


def test_the_workflow_in_a_cron_workflow_is_looked_at_in_its_place() -> None:
    spec = workflow({**leaf("main"), "resourceClaims": [{"name": "x"}]})["spec"]
    manifest = {"metadata": {"name": "c"}, "spec": {"schedules": ["@daily"], "workflowSpec": spec}}
    (problem,) = admit.validate(manifest, None)
    assert problem.field == "spec.workflowSpec.templates[0].resourceClaims"


def test_an_update_of_the_status_alone_is_not_looked_at_again() -> None:
    bad = workflow({**leaf("main"), "resourceClaims": [{"name": "x"}]})
    assert admit.validate(bad | {"status": {"phase": "Running"}}, bad) == []
    assert admit.validate(bad, None)


def test_more_tasks_than_upstream_s_full_crds_allow_are_warned_of() -> None:
    many = workflow(leaf(), dag(*(task(f"t{n}") for n in range(201))))
    assert said(many) == []
    (warning,) = admit.warn(many)
    assert warning.startswith("spec.templates[1].dag.tasks: 201 items;")


@pytest.mark.parametrize(
    ("inline", "fault"),
    [
        pytest.param("x", "inline in body must be of type object", id="no-object"),
        pytest.param({"steps": 1}, "inline.steps in body must be of type array", id="steps"),
        pytest.param({"steps": [{"name": 1}]}, "inline.steps[0][0].name in body", id="deeper"),
        pytest.param({"dag": {}}, "inline.dag.tasks: Required value", id="missing"),
        pytest.param({"container": {"args": [True]}}, "args[0] in body must be", id="no-text"),
        pytest.param({"timeout": 3}, "inline.timeout in body must be of type string", id="number"),
        pytest.param({"inputs": {"parameters": [{}]}}, "parameters[0].name: Required", id="name"),
        pytest.param(
            {"dag": {"tasks": [{"name": "a", "inline": []}]}},
            "inline.dag.tasks[0].inline in body must be of type object",
            id="inline-within-inline",
        ),
    ],
)
def test_a_template_in_place_has_the_shape_of_any_other(inline: Any, fault: str) -> None:
    manifest = workflow({"name": "main", "steps": [[{"name": "a", "inline": inline}]]})
    spelling.workflow(manifest)
    (problem,) = said(manifest)
    assert fault in problem
    assert manifests.problems(manifest, {})


def test_an_endless_nest_of_templates_is_refused() -> None:
    inline: dict[str, Any] = leaf("")
    for _ in range(30):
        inline = {"steps": [[{"name": "a", "inline": inline}]]}
    (problem,) = said(workflow({"name": "main", **inline}))
    assert "nested too deeply" in problem


def test_items_of_a_loop_are_a_list() -> None:
    (problem,) = said(workflow(leaf(), steps([{**call("a"), "withItems": "x"}])))
    assert "withItems in body must be of type array" in problem


def test_a_claim_has_a_name_and_says_what_it_wants() -> None:
    assert said(workflow(leaf("main"), volumeClaimTemplates=[{}])) == [
        "spec.volumeClaimTemplates[0].metadata.name: Required value",
        "spec.volumeClaimTemplates[0].spec: Required value",
    ]
