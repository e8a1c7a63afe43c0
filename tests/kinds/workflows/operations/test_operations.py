"""What people do with a workflow that is there."""

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
    phases,
    pod_names,
    started,
    status,
    steps,
    task,
    workflow,
)
from sampan.kinds.workflows import operations
from sampan.kinds.workflows.operations import Refused, selecting
from sampan.kube import patches
from sampan.kube.keys import Key, Manifest

NOW = "2026-01-01T00:00:00Z"


def live(toy: Toy) -> Manifest:
    return toy.objects[WORKFLOW]


def write(toy: Toy, patch: dict[str, Any] | None) -> None:
    assert patch
    toy.put(patches.merge(live(toy), patch))
    toy.settle()


def retry(toy: Toy, **options: Any) -> operations.Retry:
    """Retry the workflow as the server does: its pods go first."""
    found = operations.retry(live(toy), NOW, **options)
    for name in found.pods:
        toy.delete(Key("Pod", "u", name))
    write(toy, found.patch)
    return found


def waits(name: str = "wait", **fields: Any) -> dict[str, Any]:
    return {"name": name, "suspend": {}, **fields}


def refusal(function: Any, *arguments: Any, **options: Any) -> str:
    with pytest.raises(Refused) as refused:
        function(*arguments, **options)
    return str(refused.value)


# -- suspend and resume ---------------------------------------------------------------------------
def test_a_workflow_is_suspended_and_resumed() -> None:
    toy = started(workflow(leaf(), steps([call("a")], [call("b")])))
    write(toy, operations.suspend(live(toy)))
    assert operations.suspend(live(toy)) is None
    finish(toy)
    assert pod_names(toy) == ["a"]
    write(toy, operations.resume(live(toy), NOW))
    finish(toy)
    assert status(toy)["phase"] == "Succeeded"
    assert refusal(operations.suspend, live(toy)) == "cannot suspend completed workflows"
    assert operations.resume(live(toy), NOW) is None


def test_suspended_nodes_are_resumed() -> None:
    toy = started(workflow(leaf(), waits(), steps([call("s", "wait")], [call("b")])))
    write(toy, operations.resume(live(toy), NOW, by="map[User:me]"))
    assert (phases(toy)["s"], node(toy, "s")["message"]) == (
        "Succeeded",
        "Resumed by: map[User:me]",
    )
    assert pod_names(toy) == ["b"]


def test_only_selected_nodes_are_resumed() -> None:
    toy = started(workflow(waits(), dag(call("s", "wait"), call("t", "wait"))))
    write(toy, operations.resume(live(toy), NOW, "displayName=t"))
    assert (phases(toy)["s"], phases(toy)["t"]) == ("Running", "Succeeded")
    assert refusal(operations.resume, live(toy), NOW, "displayName=x") == (
        "currently, set only targets suspend nodes: no suspend nodes matching nodeFieldSelector:"
        " displayName=x"
    )


OUTPUTS = {"parameters": [{"name": "p", "valueFrom": {"supplied": {}}}]}


def test_what_is_asked_for_is_supplied() -> None:
    use = call("b", "say", word="{{steps.s.outputs.parameters.p}}")
    toy = started(
        workflow(echo("say", "word"), waits(outputs=OUTPUTS), steps([call("s", "wait")], [use]))
    )
    assert refusal(operations.resume, live(toy), NOW) == (
        "raw output parameter 'p' has not been set and does not have a default value"
    )
    write(
        toy,
        operations.set_outputs(
            live(toy), NOW, "displayName=s", values={"p": "yes"}, message="by hand"
        ),
    )
    assert (phases(toy)["s"], node(toy, "s")["message"]) == ("Running", "by hand")
    write(toy, operations.resume(live(toy), NOW))
    assert [pod["spec"]["containers"][0]["args"] for pod in toy.pods()] == [["yes"]]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"q": "x"}, "node is not expecting output parameter 'q'"),
        ({"p": "again"}, "cannot set output parameter 'p' because it does not use valueFrom.raw or"
                         " it was already set"),
    ],
)  # fmt: skip
def test_what_cannot_be_supplied(values: dict[str, str], why: str) -> None:
    toy = started(workflow(waits(outputs=OUTPUTS), steps([call("s", "wait")])))
    set_outputs = operations.set_outputs
    write(toy, set_outputs(live(toy), NOW, "displayName=s", values={"p": "x"}))
    assert refusal(set_outputs, live(toy), NOW, "displayName=s", values=values) == why
    assert "use a node field selector" in refusal(set_outputs, live(toy), NOW, "")


def test_a_node_that_asks_for_nothing_gets_nothing() -> None:
    toy = started(workflow(waits(), steps([call("s", "wait")])))
    found = refusal(operations.set_outputs, live(toy), NOW, "phase=Running", values={"p": "x"})
    assert found == (
        "cannot set output parameters because node is not expecting any raw parameters"
    )


# -- stop and terminate ---------------------------------------------------------------------------
def test_stop_and_terminate() -> None:
    toy = started(workflow(leaf("main"), leaf(), onExit="work"))
    write(toy, operations.stop(live(toy), NOW))
    assert live(toy)["spec"]["shutdown"] == "Stop"
    write(toy, operations.terminate(live(toy)))
    assert status(toy)["phase"] == "Failed"
    assert refusal(operations.stop, live(toy), NOW) == (
        'cannot shutdown a completed workflow: workflow: "wf", namespace: "u"'
    )


def test_a_suspended_node_is_stopped_alone() -> None:
    toy = started(workflow(leaf(), waits(), dag(call("s", "wait"), task("b", "s.Failed"))))
    write(toy, operations.stop(live(toy), NOW, "displayName=s", "no"))
    assert (phases(toy)["s"], node(toy, "s")["message"]) == ("Failed", "no")
    assert pod_names(toy) == ["b"]


# -- retry ----------------------------------------------------------------------------------------
def test_a_retry_goes_on_where_it_failed() -> None:
    toy = started(workflow(leaf(), steps([call("a"), call("b")], [call("c")]), onExit="work"))
    finish(toy, b="Failed")
    old = {pod["metadata"]["uid"] for pod in toy.pods()}
    found = retry(toy)
    assert len(found.pods) == 2  # b, and the exit handler
    assert status(toy)["phase"] == "Running"
    assert (phases(toy)["a"], phases(toy)["b"]) == ("Succeeded", "Pending")
    finish(toy)
    assert status(toy)["phase"] == "Succeeded"
    assert len([pod for pod in toy.pods() if pod["metadata"]["uid"] not in old]) == 3
    assert node(toy, "[0]")["children"] == [node(toy, name)["id"] for name in "ab"]


def test_a_retry_of_a_dag_runs_what_was_left_out() -> None:
    toy = started(workflow(leaf(), dag(task("a"), task("b", "a"), task("c", "b"))))
    finish(toy, b="Failed")
    assert phases(toy)["c"] == "Omitted"
    retry(toy)
    finish(toy)
    assert phases(toy) == dict.fromkeys(["wf", "a", "b", "c"], "Succeeded")
    assert len(toy.pods()) == 3


def test_a_retry_begins_new_attempts() -> None:
    toy = started(workflow(leaf(retryStrategy={"limit": 1}), dag(task("a"), task("b", "a"))))
    finish(toy, **{"a(0)": "Failed", "a(1)": "Failed"})
    assert status(toy)["phase"] == "Failed"
    retry(toy)
    finish(toy)
    assert phases(toy)["a(0)"] == "Succeeded"
    assert status(toy)["phase"] == "Succeeded"


def test_a_retry_of_a_nested_loop() -> None:
    inner = dag(call("in") | {"withItems": ["x", "y"]}, name="inner")
    toy = started(workflow(leaf(), inner, steps([call("out", "inner")], [call("last")])))
    finish(toy, **{"in(1:y)": "Failed"})
    found = retry(toy)
    assert len(found.pods) == 1
    assert phases(toy)["in(0:x)"] == "Succeeded"
    finish(toy)
    assert status(toy)["phase"] == "Succeeded"


def test_selected_nodes_are_run_again_though_they_succeeded() -> None:
    toy = finish(started(workflow(leaf(), dag(task("a"), task("b", "a"), task("x")))))
    assert refusal(operations.retry, live(toy), NOW) == (
        "To retry a succeeded workflow, set the options restartSuccessful and nodeFieldSelector"
    )
    found = retry(toy, restart_successful=True, selector="displayName=a")
    assert len(found.pods) == 2
    assert (phases(toy)["a"], "b" in phases(toy), phases(toy)["x"]) == (
        "Pending", False, "Succeeded",
    )  # fmt: skip
    finish(toy)
    assert status(toy)["phase"] == "Succeeded"


def test_a_retry_may_have_other_parameters() -> None:
    arguments = {"parameters": [{"name": "l", "value": '["x"]'}, {"name": "k", "value": "v"}]}
    looped = call("a") | {"withParam": "{{workflow.parameters.l}}"}
    toy = started(workflow(leaf(), dag(looped), arguments=arguments))
    finish(toy, **{"a(0:x)": "Failed"})
    retry(toy, parameters=['l=["x", "y"]'])
    finish(toy)
    assert (phases(toy)["a(1:y)"], status(toy)["phase"]) == ("Succeeded", "Succeeded")
    assert live(toy)["spec"]["arguments"]["parameters"] == [
        {"name": "l", "value": '["x", "y"]'},
        {"name": "k", "value": "v"},
    ]
    assert refusal(operations.resubmit, live(toy), NOW, "abcde", parameters=["l"]) == (
        "expected parameter of the form: NAME=VALUE. Received: l"
    )


def test_what_runs_is_not_retried() -> None:
    toy = started(workflow(leaf("main")))
    assert refusal(operations.retry, live(toy), NOW) == "Cannot retry a workflow in phase Running"


def test_a_retry_after_a_stop() -> None:
    toy = started(workflow(leaf(), steps([call("a")], [call("b")])))
    write(toy, operations.stop(live(toy), NOW))
    retry(toy)
    assert "shutdown" not in live(toy)["spec"]
    finish(toy)
    assert status(toy)["phase"] == "Succeeded"


# -- resubmit -------------------------------------------------------------------------------------
def test_a_workflow_is_submitted_again() -> None:
    toy = finish(started(workflow(leaf("main"), shutdown="")))
    new = operations.resubmit(live(toy), NOW, "abcde")
    assert new["metadata"] == {
        "generateName": "wf-",
        "namespace": "u",
        "labels": {"workflows.argoproj.io/resubmitted-from-workflow": "wf"},
    }
    assert "status" not in new
    assert refusal(operations.resubmit, live(toy), NOW, "abcde", memoized=True) == (
        "workflow must be Failed/Error to resubmit in memoized mode"
    )


def test_a_memoized_one_keeps_what_succeeded() -> None:
    toy = started(workflow(leaf(), dag(task("a"), task("b", "a"), task("c", "b")), onExit="work"))
    finish(toy, b="Failed")
    first = node(toy, "a")["id"]
    new = operations.resubmit(live(toy), NOW, "abcde", memoized=True)
    again = started(new)
    key = Key("Workflow.argoproj.io", "u", "wf-abcde")
    while again.step_pods(lambda pod: "Succeeded"):
        pass
    found = {n["displayName"]: n for n in again.objects[key]["status"]["nodes"].values()}
    assert (found["a"]["type"], found["a"]["message"]) == ("Skipped", f"original pod: {first}")
    assert again.objects[key]["status"]["phase"] == "Succeeded"
    assert len(again.pods()) == 3  # b, c, the exit handler


# -- selectors ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ("", True), ("displayName=a", True), ("displayName==a,phase!=Failed", True),
        ("phase=Failed", False), ("templateName=work", True), ("id!=x,name=wf.a", True),
        ("inputs.parameters.p.value=v", True), ("inputs.parameters.q.value=v", False),
        ("templateRef.name=t", False), ("nothing=", True),
    ],
)  # fmt: skip
def test_nodes_are_selected_by_fields(selector: str, matches: bool) -> None:
    one = {
        "id": "wf-1", "name": "wf.a", "displayName": "a", "templateName": "work",
        "phase": "Running", "inputs": {"parameters": [{"name": "p", "value": "v"}]},
    }  # fmt: skip
    assert selecting.parsed(selector)(one) is matches


def test_a_selector_that_is_none_is_refused() -> None:
    assert "invalid selector" in refusal(selecting.parsed, "displayName")
