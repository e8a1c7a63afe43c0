"""Hooks and exit handlers, of steps, tasks and workflows."""

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
from sampan.kube.keys import Manifest


def main(kind: str, first: dict[str, Any]) -> dict[str, Any]:
    if kind == "steps":
        return steps([first], [call("b")])
    return dag(first, task("b", "a"))


def args(toy: Any, name: str) -> Any:
    def named(pod: Manifest) -> bool:
        return bool(
            pod["metadata"]["annotations"]["workflows.argoproj.io/node-name"].endswith(name)
        )

    (pod,) = filter(named, toy.pods())
    return pod["spec"]["containers"][0].get("args")


@pytest.mark.parametrize("kind", ["steps", "dag"])
@pytest.mark.parametrize("old", [True, False])
def test_an_exit_handler_runs_when_its_node_has_completed(kind: str, old: bool) -> None:
    handler: dict[str, Any] = (
        {"onExit": "work"} if old else {"hooks": {"exit": {"template": "work"}}}
    )
    toy = started(workflow(leaf(), main(kind, call("a") | handler)))
    assert pod_names(toy) == ["a"]
    finish(toy, onExit="")
    exit = node(toy, "a.onExit")
    assert exit["nodeFlag"] == {"hooked": True}
    assert exit["id"] in node(toy, "a")["children"]
    assert pod_names(toy) == ["a", "onExit"]  # b waits for it
    finish(toy)
    assert (phases(toy)["b"], status(toy)["phase"]) == ("Succeeded", "Succeeded")


@pytest.mark.parametrize("kind", ["steps", "dag"])
def test_an_exit_handler_sees_how_its_node_ended(kind: str) -> None:
    word = "{{steps.a.status}}" if kind == "steps" else "{{tasks.a.status}}"
    arguments = {"parameters": [{"name": "word", "value": word}]}
    exit = {"hooks": {"exit": {"template": "say", "arguments": arguments}}}
    toy = started(workflow(leaf(), echo("say", "word"), main(kind, call("a") | exit)))
    finish(toy, a="Failed")
    assert args(toy, "a.onExit") == ["Failed"]
    assert (status(toy)["phase"], "b" in pod_names(toy)) == ("Failed", False)


@pytest.mark.parametrize("kind", ["steps", "dag"])
def test_a_skipped_node_has_no_exit_handler(kind: str) -> None:
    toy = started(workflow(leaf(), main(kind, call("a") | {"onExit": "work", "when": "1 == 2"})))
    finish(toy)
    assert pod_names(toy) == ["b"]


@pytest.mark.parametrize("kind", ["steps", "dag"])
def test_hooks_run_beside_their_node_once_their_expression_holds(kind: str) -> None:
    own = f"{'steps' if kind == 'steps' else 'tasks'}.a.status"
    hooks = {
        "running": {"template": "work", "expression": f'{own} == "Running"'},
        "failed": {"template": "work", "expression": f'{own} == "Failed"'},
        "done": {"template": "work", "expression": f'{own} == "Succeeded"'},
    }
    toy = started(workflow(leaf(), main(kind, call("a") | {"hooks": hooks})))
    assert pod_names(toy) == ["a"]
    finish(toy, a="", running="")
    assert phases(toy)["a.hooks.running"] == "Running"
    finish(toy, running="")
    assert phases(toy)["a"] == "Succeeded"
    assert "b" not in phases(toy)  # the hook goes on
    finish(toy)
    found = phases(toy)
    assert (found["a.hooks.running"], found["a.hooks.done"]) == ("Succeeded", "Succeeded")
    assert "a.hooks.failed" not in found
    assert status(toy)["phase"] == "Succeeded"


def test_a_hook_without_a_truth_value_breaks_its_group() -> None:
    hooks = {"x": {"template": "work", "expression": "1 + 1"}}
    toy = finish(started(workflow(leaf(), steps([call("a") | {"hooks": hooks}]))))
    assert node(toy, "[0]")["phase"] == "Error"
    assert status(toy)["phase"] == "Failed"


def test_the_exit_handler_of_a_workflow_sees_what_failed() -> None:
    words = ["{{workflow.status}}", "{{workflow.failures}}"]
    handler = leaf("bye")
    handler["container"]["args"] = words
    toy = started(workflow(leaf("main"), handler, onExit="bye"))
    assert pod_names(toy) == ["wf"]
    finish(toy, wf="Failed")
    exit = node(toy, "wf.onExit")
    assert (exit["nodeFlag"], exit["phase"]) == ({"hooked": True}, "Succeeded")
    assert "boundaryID" not in exit
    state, failures = args(toy, "wf.onExit")
    assert state == "Failed"
    assert failures.startswith('"[{\\"displayName\\":\\"wf\\",\\"message\\":\\"main: Error')
    assert (status(toy)["phase"], status(toy)["message"]) == (
        "Failed",
        "main: Error (exit code 1)",
    )


def test_an_exit_handler_that_fails_fails_the_workflow() -> None:
    toy = finish(started(workflow(leaf("main"), leaf(), onExit="work")), onExit="Failed")
    assert (phases(toy)["wf"], status(toy)["phase"]) == ("Succeeded", "Failed")
    assert status(toy)["message"] == "main: Error (exit code 1)"


def test_an_exit_handler_gets_the_arguments_of_the_workflow() -> None:
    arguments = {"parameters": [{"name": "word", "value": "hi"}]}
    toy = started(workflow(leaf("main"), echo("bye", "word"), onExit="bye", arguments=arguments))
    finish(toy)
    assert args(toy, "wf.onExit") == ["hi"]


def test_hooks_of_a_workflow_are_children_of_its_first_node() -> None:
    hooks = {
        "exit": {"template": "work"},
        "ran": {"template": "work", "expression": 'workflow.status == "Running"'},
        "never": {"template": "work", "expression": 'workflow.status == "Failed"'},
    }
    toy = started(workflow(leaf(), steps([call("a")]), hooks=hooks))
    hook = node(toy, "wf.hooks.ran")
    assert hook["id"] in node(toy, "wf")["children"]
    finish(toy, ran="")
    assert status(toy)["phase"] == "Running"
    finish(toy)
    assert (phases(toy)["wf.onExit"], "wf.hooks.never" in phases(toy)) == ("Succeeded", False)
    assert status(toy)["phase"] == "Succeeded"


@pytest.mark.parametrize(("strategy", "runs"), [("Stop", True), ("Terminate", False)])
def test_exit_handlers_outlive_a_stop_but_not_a_termination(strategy: str, runs: bool) -> None:
    inner = call("a") | {"onExit": "work"}
    toy = started(workflow(leaf(), steps([inner], [call("b")]), onExit="work"))
    toy.step_pods(lambda pod: None)
    toy.patch(WORKFLOW, {"spec": {"shutdown": strategy}})
    toy.settle()
    finish(toy)
    found = phases(toy)
    assert ("a.onExit" in found, "wf.onExit" in found) == (runs, runs)
    assert (status(toy)["phase"], status(toy)["message"]) == (
        "Failed",
        f"Stopped with strategy '{strategy}'",
    )


def test_a_deadline_leaves_exit_handlers_alone() -> None:
    toy = started(workflow(leaf("main"), leaf(), onExit="work", activeDeadlineSeconds=60))
    toy.advance(60)
    finish(toy)
    assert phases(toy) == {"wf": "Failed", "wf.onExit": "Succeeded"}
    assert (status(toy)["phase"], status(toy)["message"]) == (
        "Failed",
        "Step exceeded its deadline",
    )


def test_an_exit_handler_of_retries_sees_the_last_attempt() -> None:
    arguments = {"parameters": [{"name": "word", "value": "{{tasks.a.exitCode}}"}]}
    exit = {"hooks": {"exit": {"template": "say", "arguments": arguments}}}
    toy = started(
        workflow(leaf(retryStrategy={"limit": 1}), echo("say", "word"), dag(call("a") | exit))
    )
    finish(toy, **{"a(0)": "Failed"})
    assert args(toy, "a.onExit") == ["0"]
    assert node(toy, "a")["children"][-1] == node(toy, "a.onExit")["id"]
    assert status(toy)["phase"] == "Succeeded"


def test_each_turn_of_a_loop_has_its_exit_handler() -> None:
    looped = call("a") | {"withItems": ["x", "y"], "onExit": "work"}
    for kind in ("steps", "dag"):
        toy = finish(started(workflow(leaf(), main(kind, looped))))
        found = phases(toy)
        assert (found["a(0:x).onExit"], found["a(1:y).onExit"]) == ("Succeeded", "Succeeded")
        assert "a.onExit" not in found
        assert status(toy)["phase"] == "Succeeded"


def test_templates_know_how_long_their_workflow_runs() -> None:
    template = leaf("bye")
    template["container"]["args"] = ["{{workflow.duration}} {{workflow.status}}"]
    toy = started(workflow(leaf("main"), template, onExit="bye"))
    toy.step_pods(lambda pod: None)
    toy.advance(3)
    finish(toy)
    assert args(toy, "wf.onExit") == ["3.000000 Succeeded"]


@pytest.mark.parametrize("kind", ["steps", "dag"])
def test_an_exit_handler_of_a_turn_knows_its_item(kind: str) -> None:
    arguments = {"parameters": [{"name": "word", "value": "{{item}}"}]}
    exit = {"hooks": {"exit": {"template": "say", "arguments": arguments}}}
    looped = call("a") | {"withItems": ["x", "y"]} | exit
    toy = finish(started(workflow(leaf(), echo("say", "word"), main(kind, looped))))
    assert args(toy, "a(1:y).onExit") == ["y"]


@pytest.mark.parametrize("kind", ["steps", "dag"])
def test_exit_handlers_run_where_fail_fast_ends_a_template(kind: str) -> None:
    looped = call("a") | {"withItems": ["x", "y"], "onExit": "work"}
    template = (steps([looped]) if kind == "steps" else dag(looped)) | {
        "failFast": True,
        "parallelism": 1,
    }
    toy = finish(started(workflow(leaf(), template)), **{"a(0:x)": "Failed"})
    found = phases(toy)
    assert (found["a(0:x)"], found["a(0:x).onExit"]) == ("Failed", "Succeeded")
    assert "a(1:y)" not in found
    assert not {"Running", "Pending"} & set(found.values())
    said = "template has failed or errored children and failFast enabled"
    assert (status(toy)["phase"], status(toy)["message"]) == ("Failed", said)


def test_a_task_behind_retries_with_an_exit_handler_that_is_retried() -> None:
    tried = leaf("tried", retryStrategy={"limit": 1})
    first = call("a", "tried") | {"hooks": {"exit": {"template": "tried"}}}
    toy = finish(started(workflow(leaf(), tried, dag(first, task("b", "a")))))
    assert (phases(toy)["b"], status(toy)["phase"]) == ("Succeeded", "Succeeded")
