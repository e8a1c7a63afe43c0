"""Values between steps and tasks, in the toy cluster."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.toy import Toy
from kinds.workflows.makers import (
    WORKFLOW,
    call,
    dag,
    echo,
    finish,
    leaf,
    node,
    started,
    status,
    steps,
    task,
    workflow,
)

PRODUCED = {"parameters": [{"name": "p", "valueFrom": {"path": "/p"}}]}
PREFIX = "workflows.argoproj.io/"


def report(toy: Toy, display: str, **outputs: Any) -> None:
    """What the executor of a node's pod says."""
    labels = {f"{PREFIX}workflow": "wf", f"{PREFIX}report-outputs-completed": "true"}
    metadata = {"name": node(toy, display)["id"], "namespace": "u", "labels": labels}
    toy.create({"apiVersion": "argoproj.io/v1alpha1", "kind": "WorkflowTaskResult",
                "metadata": metadata, "outputs": outputs})  # fmt: skip
    toy.settle()


def made(toy: Toy, display: str) -> dict[str, Any]:
    """The pod of a node."""
    id = node(toy, display)["id"]
    (pod,) = [p for p in toy.pods() if p["metadata"]["annotations"][f"{PREFIX}node-id"] == id]
    return dict(pod)


def value(name: str, text: str) -> dict[str, Any]:
    return {"parameters": [{"name": name, "value": text}]}


def test_a_loop_over_nothing_at_all_is_no_loop() -> None:
    looped = {**call("a", "echo", p="{{item}}"), "withParam": "{{workflow.parameters.none}}"}
    toy = started(workflow(steps([looped]), echo("echo", "p"), arguments=value("none", "")))
    assert node(toy, "a")["inputs"]["parameters"] == [{"name": "p", "value": "{{item}}"}]


@pytest.mark.parametrize("kind", ["steps", "tasks"])
def test_outputs_reach_those_that_come_later(kind: str) -> None:
    said = f"{{{{{kind}.a.outputs.result}}}} {{{{={kind}['a'].outputs.parameters.p}}}}"
    groups = {
        "steps": steps([call("a", "make")], [call("b", "echo", q=said)]),
        "tasks": dag(task("a", "", "make"), task("b", "a", "echo", q=said)),
    }
    toy = started(workflow(groups[kind], leaf("make", outputs=PRODUCED), echo("echo", "q")))
    report(toy, "a", result="r", **value("p", "v"))
    finish(toy)
    assert node(toy, "b")["inputs"] == value("q", "r v")
    assert status(toy)["phase"] == "Succeeded"
    assert not [key for key in toy.objects if key.kind.startswith("WorkflowTaskResult")]


def test_an_output_that_nobody_gave_is_an_error() -> None:
    main = steps([call("a")], [call("b", "echo", q="{{steps.a.outputs.result}}")])
    toy = finish(started(workflow(main, leaf(), echo("echo", "q"))))
    assert status(toy)["phase"] == "Failed"
    assert status(toy)["message"] == (
        "failed to resolve references: failed to resolve {{steps.a.outputs.result}}"
    )


def test_outputs_for_all_are_seen_by_all() -> None:
    shared = {"parameters": [{**PRODUCED["parameters"][0], "globalName": "g"}]}
    said = call("b", "echo", q="{{workflow.outputs.parameters.g}}")
    main = steps([call("a", "make")], [said])
    toy = started(workflow(main, leaf("make", outputs=shared), echo("echo", "q")))
    report(toy, "a", parameters=[{"name": "p", "value": "v", "globalName": "g"}])
    finish(toy)
    assert node(toy, "b")["inputs"] == value("q", "v")
    assert status(toy)["outputs"] == value("g", "v")


def test_a_group_gives_on_what_its_members_gave() -> None:
    outputs = {"parameters": [
        {"name": "all", "valueFrom": {"parameter": "{{steps.a.outputs.parameters}}"}},
        {"name": "best", "valueFrom": {"expression":
            "max(map(fromJSON(steps.a.outputs.parameters.p), int(#)))"}},
    ]}  # fmt: skip
    looped = {**call("a", "make"), "withItems": [1, 2]}
    main = steps([looped], outputs=outputs)
    toy = started(workflow(main, leaf("make", outputs=PRODUCED)))
    for place in (0, 1):
        report(toy, f"a({place}:{place + 1})", **value("p", str(place * 7)))
    finish(toy)
    assert node(toy, "wf")["outputs"]["parameters"] == [
        {"name": "all", "value": '[{"p":"0"},{"p":"7"}]'},
        {"name": "best", "value": "7"},
    ]


def test_volumes_may_be_named_by_a_step() -> None:
    volume = {"name": "v", "configMap": {"name": "{{steps.a.outputs.parameters.p}}"}}
    reader = leaf("read")
    reader["container"]["volumeMounts"] = [{"name": "v", "mountPath": "/v"}]
    inner = steps([call("b", "read")], name="inner")
    main = steps([call("a", "make")], [call("in", "inner")])
    manifest = workflow(main, inner, leaf("make", outputs=PRODUCED), reader, volumes=[volume])
    toy = started(manifest)
    report(toy, "a", **value("p", "mine"))
    toy.step_pods(lambda pod: "Succeeded")
    toy.step_pods(lambda pod: "Succeeded")
    assert made(toy, "b")["spec"]["volumes"][0]["configMap"]["name"] == "mine"
    assert toy.objects[WORKFLOW]["spec"]["volumes"] == [volume]


def test_what_follows_a_retried_task_hangs_below_its_attempt_not_its_exit() -> None:
    tried = leaf("tried", retryStrategy={"limit": 1})
    first = {**task("a", "", "tried"), "hooks": {"exit": {"template": "tried"}}}
    toy = finish(started(workflow(dag(first, task("b", "a")), tried, leaf())))
    assert status(toy)["phase"] == "Succeeded"
    assert node(toy, "a(0)")["children"] == [node(toy, "b")["id"]]
