"""Retries: attempts, limits, policies, backoff, expressions."""

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
    nodes,
    phases,
    pod_names,
    started,
    status,
    steps,
    workflow,
)


def retried(**strategy: Any) -> Toy:
    """A workflow of one step whose template has this strategy."""
    return started(workflow(leaf(retryStrategy=strategy), steps([call("a")])))


def fail(toy: Toy, **ends: str) -> None:
    """The pods there are run and fail, and no others."""
    for pod in toy.running():
        toy.run_pod(pod, "Running")
        toy.settle()
    for pod in toy.running():
        name = pod["metadata"]["annotations"]["workflows.argoproj.io/node-name"]
        toy.run_pod(pod, ends.get(name.rpartition(".")[2], "Failed"))
        toy.settle()


def test_attempts_are_children_of_a_node_of_type_retry() -> None:
    toy = retried(limit="2")
    first, attempt = node(toy, "a"), node(toy, "a(0)")
    assert (first["type"], first["children"]) == ("Retry", [attempt["id"]])
    assert attempt["nodeFlag"] == {"retried": True}
    assert attempt["name"] == "wf[0].a(0)"
    fail(toy)
    finish(toy)
    assert phases(toy) == {
        "wf": "Succeeded", "[0]": "Succeeded", "a": "Succeeded", "a(0)": "Failed",
        "a(1)": "Succeeded",
    }  # fmt: skip
    assert node(toy, "a")["outputs"] == node(toy, "a(1)")["outputs"]
    assert node(toy, "wf")["outboundNodes"] == [node(toy, "a(1)")["id"]]


@pytest.mark.parametrize("limit", [1, "1", "{{workflow.parameters.n}}"])
def test_the_limit_counts_the_attempts_behind_the_first(limit: Any) -> None:
    template = leaf(retryStrategy={"limit": limit})
    arguments = {"parameters": [{"name": "n", "value": "1"}]}
    toy = started(workflow(template, steps([call("a")]), arguments=arguments))
    fail(toy)
    fail(toy)
    assert pod_names(toy) == ["a(0)", "a(1)"]
    assert (node(toy, "a")["phase"], node(toy, "a")["message"]) == (
        "Failed",
        "No more retries left",
    )
    assert status(toy)["phase"] == "Failed"


@pytest.mark.parametrize(
    ("policy", "end", "again"),
    [
        pytest.param(None, "Failed", True, id="default"),
        pytest.param(None, "Error", False, id="default-error"),
        pytest.param("Always", "Error", True, id="always"),
        pytest.param("OnError", "Failed", False, id="on-error"),
        pytest.param("OnError", "Error", True, id="on-error-error"),
        pytest.param("OnTransientError", "Failed", False, id="not-transient"),
    ],
)
def test_the_policy_says_after_what_there_is_another_attempt(
    policy: str | None, end: str, again: bool
) -> None:
    toy = retried(limit=2, **({"retryPolicy": policy} if policy else {}))
    (pod,) = toy.running()
    toy.run_pod(pod, "Running")
    toy.settle()
    (pod,) = toy.running()
    if end == "Failed":
        toy.run_pod(pod, end)
    else:
        toy.put({**pod, "status": {"phase": "Unknown"}})
    toy.settle()
    assert (len(nodes(toy)) == 5) is again
    if not again:
        assert node(toy, "a")["message"] == node(toy, "a(0)")["message"]
        assert node(toy, "a")["phase"] == end


def test_a_transient_message_is_tried_again() -> None:
    toy = retried(limit=2, retryPolicy="OnTransientError")
    (pod,) = toy.running()
    toy.put({**pod, "status": {"phase": "Failed", "message": "read: connection reset by peer"}})
    toy.settle()
    assert phases(toy)["a(1)"] == "Pending"


def test_a_backoff_grows_and_has_a_cap() -> None:
    backoff = {"duration": "10", "factor": 3, "cap": "45s"}
    toy = retried(limit=4, backoff=backoff)
    waited = []
    for said in ("10 seconds", "30 seconds", "45 seconds"):
        fail(toy)
        assert node(toy, "a")["message"] == f"Backoff for {said}"
        waited.append(min(toy.waits))
        toy.advance()
        assert "message" not in node(toy, "a")
    assert waited == [10, 30, 45]


def test_without_a_limit_there_is_no_backoff() -> None:
    toy = retried(backoff={"duration": "10m"})
    fail(toy)
    assert phases(toy)["a(1)"] == "Pending"


def test_attempts_end_with_the_longest_time() -> None:
    backoff = {"duration": "10", "factor": "2", "maxDuration": "1m"}
    toy = retried(limit=100, backoff=backoff)
    for _ in range(2):
        fail(toy)
        toy.advance()
    fail(toy)
    assert node(toy, "a")["message"] == "Backoff would exceed max duration limit"
    toy = retried(limit=100, backoff=backoff)
    toy.advance(61)
    fail(toy)
    assert node(toy, "a")["message"] == "Max duration limit exceeded"
    assert status(toy)["phase"] == "Failed"


def test_a_backoff_needs_a_duration() -> None:
    toy = retried(limit=1, backoff={"factor": 2})
    fail(toy)
    assert node(toy, "a")["phase"] == "Error"
    assert node(toy, "a")["message"] == "no base duration specified for retryStrategy"


@pytest.mark.parametrize(
    ("expression", "again"),
    [
        ("lastRetry.exitCode == '1'", True),
        ("lastRetry.status == 'Error'", False),
        ("lastRetry.message contains 'exit code'", True),
        ("retries == '0' && lastRetry.duration == '7'", True),
    ],
)
def test_an_expression_says_whether_there_is_another_attempt(expression: str, again: bool) -> None:
    toy = retried(expression=expression)
    (pod,) = toy.running()
    toy.run_pod(pod, "Running")
    toy.advance(7)
    fail(toy)
    assert ("a(1)" in phases(toy)) is again
    if not again:
        assert node(toy, "a")["message"] == "retryStrategy.expression evaluated to false"


def test_an_attempt_knows_of_the_one_before_it() -> None:
    text = "{{retries}} {{lastRetry.exitCode}} {{lastRetry.status}} {{pod.name}}"
    template = echo("say", "w", retryStrategy={"limit": 2})
    template["container"]["args"] = [text]
    toy = started(workflow(template, steps([call("a", "say", w="x")])))
    fail(toy)
    args = {p["metadata"]["name"]: p["spec"]["containers"][0]["args"][0] for p in toy.pods()}
    assert sorted(args.values()) == [
        f"{number} {told} {name}"
        for name, number, told in zip(
            sorted(args, key=lambda n: args[n]), "01", ["0 ", "1 Failed"], strict=True
        )
    ]


def test_steps_and_dags_are_tried_again_as_a_whole() -> None:
    inner = steps([call("in")], name="inner", retryStrategy={"limit": 1})
    toy = started(workflow(leaf(), inner, dag(call("a", "inner"))))
    fail(toy)
    finish(toy)
    assert [node(toy, name)["type"] for name in ("a", "a(0)", "a(1)")] == [
        "Retry",
        "Steps",
        "Steps",
    ]
    names = {each["name"]: each["phase"] for each in nodes(toy).values()}
    assert (names["wf.a(0)[0].in"], names["wf.a(1)[0].in"]) == ("Failed", "Succeeded")
    assert status(toy)["phase"] == "Succeeded"


def test_the_strategy_of_the_workflow_holds_where_a_template_has_none() -> None:
    toy = started(workflow(leaf("main"), retryStrategy={"limit": 1}))
    assert {each["name"]: each["type"] for each in nodes(toy).values()} == {
        "wf": "Retry", "wf(0)": "Pod",
    }  # fmt: skip
    fail(toy)
    finish(toy)
    assert status(toy)["phase"] == "Succeeded"


def test_after_a_shutdown_there_is_no_other_attempt() -> None:
    toy = retried(limit=5)
    toy.patch(WORKFLOW, {"spec": {"shutdown": "Stop"}})
    toy.settle()
    assert node(toy, "a")["message"] == "Stopped with strategy 'Stop'"
    assert (len(toy.pods()), status(toy)["phase"]) == (0, "Failed")


def test_after_the_deadline_there_is_no_other_attempt() -> None:
    template = leaf(retryStrategy={"limit": 5})
    toy = started(workflow(template, steps([call("a")]), activeDeadlineSeconds=60))
    toy.advance(60)
    said = "retry exceeded workflow deadline 2026-01-01 00:01:00 +0000 UTC"
    assert (node(toy, "a(0)")["message"], node(toy, "a")["message"]) == (
        "Step exceeded its deadline", said,
    )  # fmt: skip


def test_pods_that_cannot_be_made_are_not_tried_for_ever() -> None:
    broken = echo("say", "cpu", retryStrategy={"retryPolicy": "Always"})
    broken["container"]["resources"] = {"limits": {"cpu": "{{inputs.parameters.cpu}}"}}
    toy = started(workflow(broken, steps([call("a", "say", cpu="lots")])))
    assert node(toy, "a")["phase"] == "Error"
    assert len(nodes(toy)) == 3 + 101
    assert status(toy)["phase"] == "Failed"


def test_a_limit_of_parallel_pods_holds_for_attempts() -> None:
    template = leaf(retryStrategy={"limit": 3})
    toy = started(workflow(template, steps([call("a"), call("b")]), parallelism=1))
    toy.watch = lambda toy: _at_most(toy, 1)
    finish(toy, **{"a(0)": "Failed", "b(0)": "Failed"})
    assert status(toy)["phase"] == "Succeeded"


def _at_most(toy: Toy, number: int) -> None:
    assert len(toy.running()) <= number


def test_retries_of_every_item_of_a_loop_in_a_dag() -> None:
    looped = call("a") | {"withItems": ["x", "y"]}
    toy = started(workflow(leaf(retryStrategy={"limit": 1}), dag(looped)))
    finish(toy, **{"a(0:x)(0)": "Failed"})
    assert phases(toy)["a(0:x)(1)"] == "Succeeded"
    assert "a(1:y)(1)" not in phases(toy)
    assert node(toy, "a")["children"] == [node(toy, "a(0:x)")["id"], node(toy, "a(1:y)")["id"]]
    assert status(toy)["phase"] == "Succeeded"


def test_attempts_keep_away_from_where_others_failed() -> None:
    toy = retried(limit=2, affinity={"nodeAntiAffinity": {}})
    assert "affinity" not in toy.pods()[0]["spec"]
    fail(toy)
    (pod,) = toy.running()
    (wish,) = pod["spec"]["affinity"]["nodeAffinity"][
        "preferredDuringSchedulingIgnoredDuringExecution"
    ]
    (term,) = wish["preference"]["matchExpressions"]
    assert (term["operator"], term["values"]) == ("NotIn", ["n"])


def test_each_attempt_has_a_pod_of_its_own_name() -> None:
    work = echo("work", "pod", retryStrategy={"limit": 2})
    work["inputs"]["parameters"][0]["default"] = "{{pod.name}} {{workflow.name}}"
    toy = started(workflow(steps([call("a")]), work))
    (pod,) = toy.pods()
    assert node(toy, "a")["inputs"]["parameters"][0]["value"] == "{{pod.name}} wf"
    said = f"{pod['metadata']['name']} wf"
    assert node(toy, "a(0)")["inputs"]["parameters"][0]["value"] == said
    assert pod["spec"]["containers"][0]["args"] == [said]
