"""Templates that wait: suspended ones, daemons, pods that do not start in time."""

from __future__ import annotations

from typing import Any

import pytest

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
from sampan.kinds.workflows import nodes
from sampan.kube.keys import Key


def suspend(duration: str = "", **fields: Any) -> dict[str, Any]:
    return {"name": "wait", "suspend": {"duration": duration} if duration else {}, **fields}


def test_a_suspended_node_runs_until_its_time_is_over() -> None:
    toy = started(workflow(leaf(), suspend("20"), steps([call("s", "wait")], [call("b")])))
    assert (node(toy, "s")["type"], node(toy, "s")["phase"]) == ("Suspend", "Running")
    assert toy.waits == [20.0]
    toy.advance(19)
    assert phases(toy)["s"] == "Running"
    toy.advance(1)
    assert (phases(toy)["s"], pod_names(toy)) == ("Succeeded", ["b"])
    finish(toy)
    assert status(toy)["phase"] == "Succeeded"


def test_a_suspended_node_waits_for_somebody() -> None:
    toy = started(workflow(leaf(), suspend(), dag(call("s", "wait"), task("b", "s"))))
    assert not toy.waits
    id = node(toy, "s")["id"]
    toy.patch(WORKFLOW, {"status": {"nodes": {id: {"phase": "Succeeded"}}}})
    toy.settle()
    finish(toy)
    assert (phases(toy)["b"], status(toy)["phase"]) == ("Succeeded", "Succeeded")


def asked(*names: str, **defaults: str) -> dict[str, Any]:
    """`outputs` that somebody supplies."""
    listed: list[dict[str, Any]] = [
        {"name": name, "valueFrom": {"supplied": {}, "default": defaults[name]}}
        if name in defaults
        else {"name": name, "valueFrom": {"supplied": {}}}
        for name in names
    ]
    return {"parameters": listed}


def test_what_nobody_supplies_takes_its_default() -> None:
    template = suspend("5", outputs=asked("p", p="x"))
    toy = started(workflow(leaf(), template, steps([call("s", "wait")])))
    assert node(toy, "s")["outputs"] == asked("p", p="x")
    toy.advance(5)
    assert node(toy, "s")["outputs"] == {"parameters": [{"name": "p", "value": "x"}]}
    assert status(toy)["phase"] == "Succeeded"


def test_what_nobody_supplies_and_has_no_default_is_an_error() -> None:
    toy = started(workflow(suspend("5", outputs=asked("p")), steps([call("s", "wait")])))
    toy.advance(5)
    said = "raw output parameter 'p' has not been set and does not have a default value"
    assert (phases(toy)["s"], node(toy, "s")["message"]) == ("Error", said)
    assert status(toy)["phase"] == "Failed"


def test_an_output_takes_the_default_of_the_input_of_its_name() -> None:
    inputs = {"parameters": [{"name": "p", "default": "d"}]}
    template = suspend("5", outputs=asked("p"), inputs=inputs)
    toy = started(workflow(template, steps([call("s", "wait")])))
    toy.advance(5)
    assert node(toy, "s")["outputs"] == {"parameters": [{"name": "p", "value": "d"}]}


def test_an_input_may_tell_what_can_be_chosen() -> None:
    choice = '{"enum": ["yes", "no"], "description": "?"}'
    inputs = {"parameters": [{"name": "p", "value": choice}]}
    toy = started(workflow(suspend("5", inputs=inputs), steps([call("s", "wait")])))
    (given,) = node(toy, "s")["inputs"]["parameters"]
    assert (given["enum"], given["default"]) == (["yes", "no"], "yes")


@pytest.mark.parametrize("strategy", ["Stop", "Terminate"])
def test_a_shutdown_ends_what_is_suspended(strategy: str) -> None:
    toy = started(workflow(suspend(), steps([call("s", "wait")])))
    toy.patch(WORKFLOW, {"spec": {"shutdown": strategy}})
    toy.settle()
    assert node(toy, "s")["message"] == f"Stopped with strategy '{strategy}'"
    assert status(toy)["phase"] == "Failed"


def test_the_deadline_ends_what_is_suspended() -> None:
    toy = started(workflow(suspend(), steps([call("s", "wait")]), activeDeadlineSeconds=30))
    assert toy.waits == [30.0]
    toy.advance()
    assert node(toy, "s")["message"] == "Step exceeded its deadline"
    assert status(toy)["phase"] == "Failed"


@pytest.mark.parametrize("field", ["timeout", "pendingTimeout"])
def test_a_pod_that_does_not_start_in_time_is_given_up(field: str) -> None:
    toy = started(workflow(leaf(**{field: "30s"}), dag(task("a"), task("b", "a.Failed"))))
    toy.advance(30)
    assert phases(toy)["a"] == "Pending"
    toy.advance(1)
    assert (phases(toy)["a"], node(toy, "a")["message"]) == ("Failed", "timeout")
    assert pod_names(toy) == ["b"]


def test_a_pod_that_runs_is_no_longer_waited_for() -> None:
    toy = started(workflow(leaf(pendingTimeout="30s"), steps([call("a")])))
    toy.run_pod(toy.pods()[0], "Running")
    toy.settle()
    toy.advance(60)
    assert phases(toy)["a"] == "Running"


def test_a_group_fails_with_the_pod_that_did_not_start() -> None:
    toy = started(workflow(leaf(timeout="30s"), steps([call("a")])))
    toy.advance(31)
    assert (phases(toy)["[0]"], node(toy, "[0]")["message"]) == ("Failed", "timeout")
    assert status(toy)["phase"] == "Failed"


@pytest.mark.parametrize(
    ("fields", "spec", "seconds"),
    [
        pytest.param({}, {}, None, id="none"),
        pytest.param({"activeDeadlineSeconds": 50}, {}, 50, id="own"),
        pytest.param({"timeout": "2m"}, {"activeDeadlineSeconds": 300}, 120, id="timeout"),
        pytest.param(
            {"timeout": "{{workflow.name}}0s"}, {}, "invalid timeout format", id="no-duration"
        ),
        pytest.param({"activeDeadlineSeconds": 400}, {"activeDeadlineSeconds": 300}, 300, id="all"),
        pytest.param(
            {"retryStrategy": {"backoff": {"duration": "1", "maxDuration": "70"}, "limit": 1}},
            {}, None, id="the-first-attempt",
        ),
    ],
)  # fmt: skip
def test_a_pod_has_the_time_that_is_left(
    fields: dict[str, Any], spec: dict[str, Any], seconds: int | str | None
) -> None:
    toy = started(workflow(leaf(**fields), steps([call("a")]), **spec))
    if isinstance(seconds, str):
        assert seconds in node(toy, "a")["message"]
        return
    (pod,) = toy.pods()
    assert pod["spec"].get("activeDeadlineSeconds") == seconds


def test_later_attempts_end_with_the_longest_time() -> None:
    strategy = {"backoff": {"duration": "1", "maxDuration": "70"}, "limit": 1}
    toy = started(workflow(leaf(retryStrategy=strategy), steps([call("a")])))
    toy.advance(20)
    finish(toy, **{"a(0)": "Failed"})
    toy.advance(1)
    assert [pod["spec"].get("activeDeadlineSeconds") for pod in toy.running()] == [49]


def daemon() -> dict[str, Any]:
    return leaf("serve", daemon=True)


@pytest.mark.parametrize("kind", ["steps", "dag"])
def test_what_comes_after_a_daemon_does_not_wait_for_its_end(kind: str) -> None:
    main = (
        steps([call("d", "serve")], [call("b")])
        if kind == "steps"
        else dag(call("d", "serve"), task("b", "d.Daemoned"))
    )
    toy = started(workflow(leaf(), daemon(), main))
    (pod,) = toy.pods()
    toy.run_pod(pod, "Running", ready=False)
    toy.settle()
    assert pod_names(toy) == ["d"]
    toy.run_pod(pod, "Running")
    toy.patch(Key("Pod", "u", pod["metadata"]["name"]), {"status": {"podIP": "10.0.0.9"}})
    toy.settle()
    found = node(toy, "d")
    assert (found["phase"], found["daemoned"], found["podIP"]) == ("Running", True, "10.0.0.9")
    assert pod_names(toy) == ["b", "d"]
    finish(toy, d="")
    found = node(toy, "d")
    assert (found["phase"], "daemoned" in found) == ("Succeeded", False)
    assert status(toy)["phase"] == "Succeeded"
    assert not toy.running()


def test_a_daemon_that_ends_has_failed() -> None:
    toy = started(workflow(leaf(), daemon(), steps([call("d", "serve"), call("b")])))
    for pod in toy.pods():
        toy.run_pod(pod, "Succeeded")
    toy.settle()
    assert (phases(toy)["d"], phases(toy)["b"], status(toy)["phase"]) == (
        "Failed", "Succeeded", "Failed",
    )  # fmt: skip


def test_a_daemon_is_ended_with_the_template_around_it() -> None:
    inner = steps([call("d", "serve")], [call("in")], name="inner")
    toy = started(workflow(leaf(), daemon(), inner, steps([call("i", "inner")], [call("b")])))
    finish(toy, d="", b="")
    assert (phases(toy)["d"], phases(toy)["i"], phases(toy)["b"]) == (
        "Succeeded", "Succeeded", "Running",
    )  # fmt: skip
    assert [pod["metadata"]["name"].split("-")[1] for pod in toy.running()] == ["work"]


@pytest.mark.parametrize("kind", ["steps", "dag"])
@pytest.mark.parametrize("fields", [{}, {"retryStrategy": {"limit": 1}}], ids=["plain", "retried"])
def test_recursion_ends(kind: str, fields: dict[str, Any]) -> None:
    again = call("again", "main")
    main = (steps([again]) if kind == "steps" else dag(again)) | fields
    toy = started(workflow(leaf(), main))
    assert status(toy)["phase"] in ("Failed", "Error")
    said = {each.get("message", "") for each in status(toy)["nodes"].values()}
    assert any(text.startswith("Maximum recursion depth exceeded. See ") for text in said)
    assert all(each["phase"] in nodes.BROKEN for each in status(toy)["nodes"].values())


def test_recursion_with_a_condition_is_no_circle() -> None:
    when = "{{inputs.parameters.n}} != xxx"
    inner = steps(
        [call("flip", "say", w="{{inputs.parameters.n}}")],
        [call("again", "main", n="{{inputs.parameters.n}}x") | {"when": when}],
    ) | {"inputs": {"parameters": [{"name": "n"}]}}
    arguments = {"parameters": [{"name": "n", "value": "x"}]}
    toy = started(workflow(echo("say", "w"), inner, arguments=arguments))
    finish(toy)
    assert status(toy)["phase"] == "Succeeded"
    assert len(toy.pods()) == 3


def test_a_template_may_name_its_node() -> None:
    shown = {"workflows.argoproj.io/display-name": "{{inputs.parameters.w}}-x"}
    toy = started(workflow(echo("say", "w", annotations=shown), steps([call("a", "say", w="it")])))
    assert node(toy, "it-x")["name"] == "wf[0].a"
    toy = started(workflow(echo("say", "w", annotations=shown), steps([call("a", "say", w="?")])))
    assert node(toy, "a")["message"].startswith("displayName must match the regex ^[a-zA-Z0-9]")


@pytest.mark.parametrize("kind", ["steps", "dag"])
def test_templates_that_call_two_of_themselves_end_as_well(kind: str) -> None:
    twice = [call("a", "main"), call("b", "main")]
    main = steps(twice) if kind == "steps" else dag(*twice)
    toy = started(workflow(main))
    assert status(toy)["phase"] in ("Failed", "Error")
    assert len(status(toy)["nodes"]) < 2000
