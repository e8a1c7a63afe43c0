"""Templates of each kind, run to their ends in a toy cluster."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.toy import Toy
from kinds.workflows.makers import (
    call,
    dag,
    echo,
    finish,
    how,
    leaf,
    node,
    nodes,
    phases,
    pod_names,
    started,
    status,
    steps,
    task,
    workflow,
)


def test_a_workflow_of_one_pod_has_the_pod_s_name() -> None:
    toy = started(workflow(leaf("main")))
    (pod,) = toy.pods()
    assert pod["metadata"]["name"] == "wf"
    assert status(toy)["phase"] == "Running"
    assert status(toy)["progress"] == "0/1"
    finish(toy)
    assert status(toy)["phase"] == "Succeeded"
    assert toy.pods()[0]["metadata"]["labels"]["workflows.argoproj.io/completed"] == "true"


def test_a_pod_that_fails_gives_the_workflow_its_message() -> None:
    toy = finish(started(workflow(leaf("main"))), wf="Failed")
    assert (status(toy)["phase"], status(toy)["message"]) == (
        "Failed",
        "main: Error (exit code 1)",
    )
    assert status(toy)["nodes"]["wf"]["outputs"] == {"exitCode": "1"}


def test_a_script_without_source_gets_no_file() -> None:
    script = {"image": "python:3", "command": ["echo"], "args": ["[]"]}
    (pod,) = started(workflow({"name": "main", "script": script})).pods()
    assert pod["spec"]["containers"][0]["args"] == ["[]"]


def test_a_script_is_a_file_that_its_command_gets() -> None:
    source = "print('{{inputs.parameters.word}}')\n"
    script = {"image": "python:3", "command": ["python3"], "source": source}
    inputs = {"parameters": [{"name": "word", "default": "hi"}]}
    toy = started(workflow({"name": "main", "inputs": inputs, "script": script}))
    (pod,) = toy.pods()
    (main,) = pod["spec"]["containers"]
    assert (main["command"], main["args"]) == (["python3"], ["/argo/staging/script"])
    (item,) = pod["spec"]["volumes"][0]["downwardAPI"]["items"]
    key = item["fieldRef"]["fieldPath"].split("'")[1]
    assert pod["metadata"]["annotations"][key] == "print('hi')\n"
    assert main["volumeMounts"] == [{"name": "argo-staging", "mountPath": "/argo/staging"}]
    assert "source" not in main


def test_steps_go_group_by_group() -> None:
    toy = started(workflow(leaf(), steps([call("a"), call("b")], [call("c")])))
    assert pod_names(toy) == ["a", "b"]
    toy.step_pods(how(b=""))
    toy.step_pods(how(b=""))
    assert pod_names(toy) == ["a", "b"]
    finish(toy)
    assert pod_names(toy) == ["a", "b", "c"]
    assert phases(toy) == dict.fromkeys(["wf", "[0]", "[1]", "a", "b", "c"], "Succeeded")
    root, first, second = node(toy, "wf"), node(toy, "[0]"), node(toy, "[1]")
    a, b, c = node(toy, "a"), node(toy, "b"), node(toy, "c")
    assert root["children"] == [first["id"]]
    assert first["children"] == [a["id"], b["id"]]
    assert a["children"] == b["children"] == [second["id"]]
    assert root["outboundNodes"] == [c["id"]]
    assert (first["type"], first["name"], first["boundaryID"]) == ("StepGroup", "wf[0]", "wf")
    assert (a["name"], a["boundaryID"]) == ("wf[0].a", "wf")
    assert (root["progress"], first["progress"], status(toy)["progress"]) == ("3/3", "2/2", "3/3")


def test_a_group_waits_for_all_its_steps_and_then_fails() -> None:
    toy = started(workflow(leaf(), steps([call("a"), call("b")], [call("c")])))
    finish(toy, a="Failed", b="")
    assert status(toy)["phase"] == "Running"
    finish(toy, a="Failed")
    assert pod_names(toy) == ["a", "b"]
    said = f"child '{node(toy, 'a')['id']}' failed"
    assert node(toy, "[0]")["message"] == node(toy, "wf")["message"] == said
    assert (status(toy)["phase"], status(toy)["message"]) == ("Failed", said)


def test_steps_see_what_the_ones_before_them_told() -> None:
    toy = started(
        workflow(
            leaf(),
            echo("say", "word"),
            steps([call("a")], [call("b", "say", word="{{steps.a.status}} {{steps.a.exitCode}}")]),
        )
    )
    finish(toy)
    args = [pod["spec"]["containers"][0].get("args") for pod in toy.pods()]
    assert ["Succeeded 0"] in args
    assert node(toy, "b")["inputs"] == {"parameters": [{"name": "word", "value": "Succeeded 0"}]}


def test_parameters_reach_the_innermost_template() -> None:
    toy = started(
        workflow(
            echo("say", "word"),
            steps([call("in", "say", word="{{inputs.parameters.x}}!")], name="middle")
            | {"inputs": {"parameters": [{"name": "x"}]}},
            steps([call("a", "middle", x="{{workflow.parameters.p}} of {{workflow.name}}")]),
            arguments={"parameters": [{"name": "p", "value": 'a "b"\n{{c}}'}]},
        )
    )
    (pod,) = toy.pods()
    assert pod["spec"]["containers"][0]["args"] == ['a "b"\n{{c}} of wf!']
    finish(toy)
    assert status(toy)["phase"] == "Succeeded"


def test_workflow_arguments_are_those_of_the_entry_template() -> None:
    toy = started(
        workflow(echo("main", "p"), arguments={"parameters": [{"name": "p", "value": 4}]})
    )
    assert toy.pods()[0]["spec"]["containers"][0]["args"] == ["4"]


def test_a_dag_goes_as_its_tasks_wait_for_each_other() -> None:
    diamond = dag(task("d", "b c"), task("b", "a"), task("c", "a"), task("a"))
    toy = started(workflow(leaf(), diamond))
    assert pod_names(toy) == ["a"]
    finish(toy, b="")
    assert pod_names(toy) == ["a", "b", "c"]
    finish(toy)
    assert pod_names(toy) == ["a", "b", "c", "d"]
    assert status(toy)["phase"] == "Succeeded"
    a, b, c, d = (node(toy, name)["id"] for name in "abcd")
    assert node(toy, "wf")["children"] == [a]
    assert sorted(node(toy, "a")["children"]) == sorted([b, c])
    assert node(toy, "b")["children"] == node(toy, "c")["children"] == [d]
    assert node(toy, "wf")["outboundNodes"] == [d]


@pytest.mark.parametrize(
    ("tasks", "ends", "found", "phase"),
    [
        pytest.param(
            [task("a"), task("b", "a"), task("c", "b")], {"a": "Failed"},
            {"a": "Failed", "b": "Omitted", "c": "Omitted"}, "Failed", id="failed",
        ),
        pytest.param(
            [task("a"), task("b", "a.Failed")], {"a": "Failed"},
            {"a": "Failed", "b": "Succeeded"}, "Succeeded", id="a-failure-that-was-expected",
        ),
        pytest.param(
            [task("a"), task("b", "a.Failed"), task("c", "b.Succeeded")], {},
            {"a": "Succeeded", "b": "Omitted", "c": "Omitted"}, "Succeeded", id="omitted",
        ),
        pytest.param(
            [task("a"), task("b", "a || a.Failed")], {"a": "Failed"},
            {"a": "Failed", "b": "Succeeded"}, "Succeeded", id="either-way",
        ),
    ],
)  # fmt: skip
def test_how_a_dag_ends(
    tasks: list[dict[str, Any]], ends: dict[str, str], found: dict[str, str], phase: str
) -> None:
    toy = finish(started(workflow(leaf(), dag(*tasks))), **ends)
    got = phases(toy)
    assert (got.pop("wf"), got, status(toy)["phase"]) == (phase, found, phase)


def test_after_a_failure_the_other_branches_go_on() -> None:
    tasks = [task("a"), task("b", "a"), task("x"), task("y", "x")]
    toy = finish(started(workflow(leaf(), dag(*tasks))), a="Failed", x="")
    assert status(toy)["phase"] == "Running"
    finish(toy)
    assert pod_names(toy) == ["a", "x", "y"]
    assert status(toy)["phase"] == "Failed"


def test_without_fail_fast_the_other_branches_run() -> None:
    tasks = [task("a"), task("b", "a"), task("x"), task("y", "x")]
    toy = finish(started(workflow(leaf(), dag(*tasks, failFast=False))), a="Failed")
    assert phases(toy) == {
        "wf": "Failed",
        "a": "Failed",
        "b": "Omitted",
        "x": "Succeeded",
        "y": "Succeeded",
    }
    assert node(toy, "b")["type"] == "Skipped"
    assert node(toy, "b")["message"] == "omitted: depends condition not met"


def test_a_target_leaves_out_what_it_does_not_need() -> None:
    toy = finish(started(workflow(leaf(), dag(task("a"), task("b", "a"), task("c"), target="b"))))
    assert pod_names(toy) == ["a", "b"]
    assert status(toy)["phase"] == "Succeeded"


def test_a_dag_within_a_dag_ends_in_its_last_tasks() -> None:
    inner = dag(task("p"), task("q", "p"), name="inner")
    toy = started(workflow(leaf(), inner, dag(task("a", template="inner"), task("b", "a"))))
    finish(toy)
    assert status(toy)["phase"] == "Succeeded"
    q, b = node(toy, "q")["id"], node(toy, "b")["id"]
    assert node(toy, "a")["outboundNodes"] == [q]
    assert node(toy, "q")["children"] == [b]
    assert node(toy, "q")["boundaryID"] == node(toy, "a")["id"]


def test_the_phase_of_a_failed_step_is_failed_and_of_a_broken_task_its_own() -> None:
    def broken(template: dict[str, Any]) -> str:
        toy = started(workflow(leaf(), template))
        toy.step_pods(how())
        (pod,) = toy.pods()
        toy.put({**pod, "status": {"phase": "Unknown"}})
        toy.settle()
        return str(status(toy)["phase"])

    assert broken(steps([call("a")])) == "Failed"
    assert broken(dag(task("a"))) == "Error"


def at_most_two(toy: Toy) -> None:
    assert len(toy.running()) <= 2


@pytest.mark.parametrize("kind", ["steps", "dag"])
def test_parallelism_holds_back_what_is_too_much(kind: str) -> None:
    names = list("abcdef")
    group = steps([call(n) for n in names]) if kind == "steps" else dag(*map(task, names))
    for where in ("workflow", "template"):
        spec = {"parallelism": 2} if where == "workflow" else {}
        inner = group | ({"parallelism": 2} if where == "template" else {})
        toy = started(workflow(leaf(), inner, **spec))
        toy.watch = at_most_two
        finish(toy)
        assert pod_names(toy) == names
        assert status(toy)["phase"] == "Succeeded"


def test_a_template_that_fails_fast_starts_nothing_more() -> None:
    group = steps([call("a"), call("b"), call("c")], parallelism=1, failFast=True)
    toy = finish(started(workflow(leaf(), group)), a="Failed")
    assert pod_names(toy) == ["a"]
    said = "template has failed or errored children and failFast enabled"
    assert (status(toy)["phase"], status(toy)["message"]) == ("Failed", said)


def test_volumes_of_the_workflow_come_where_they_are_mounted() -> None:
    mount = {"volumeMounts": [{"name": "shared", "mountPath": "/x"}]}
    using = leaf("using")
    using["container"] |= mount
    toy = started(
        workflow(
            leaf(),
            using,
            dag(task("a"), task("b", template="using")),
            volumes=[
                {"name": "shared", "persistentVolumeClaim": {"claimName": "{{workflow.name}}-c"}}
            ],
        )
    )
    found = {p["spec"].get("volumes", [{}])[0].get("name", ""): p for p in toy.pods()}
    assert sorted(found) == ["", "shared"]
    volume = found["shared"]["spec"]["volumes"][0]
    assert volume["persistentVolumeClaim"] == {"claimName": "wf-c"}


def test_placement_comes_from_the_template_or_else_the_workflow() -> None:
    toy = started(
        workflow(
            leaf(serviceAccountName="own"),
            leaf("other"),
            dag(task("a"), task("b", template="other")),
            serviceAccountName="all",
            nodeSelector={"disk": "fast"},
            podMetadata={"labels": {"team": "x"}},
        )
    )
    found = sorted(pod["spec"]["serviceAccountName"] for pod in toy.pods())
    assert found == ["all", "own"]
    for pod in toy.pods():
        assert pod["spec"]["nodeSelector"] == {"disk": "fast"}
        assert pod["metadata"]["labels"]["team"] == "x"


@pytest.mark.parametrize("name", ["entry", "exit"])
def test_a_pod_that_cannot_be_made_ends_the_workflow_in_error(name: str) -> None:
    bad = leaf("bad")
    bad["container"] = {**bad["container"], "volumeMounts": [{"name": "no", "mountPath": "/x"}]}
    ways = {"entry": {"entrypoint": "bad"}, "exit": {"entrypoint": "work", "onExit": "bad"}}
    toy = finish(started(workflow(leaf(), bad, **ways[name])))
    assert status(toy)["phase"] == "Error"
    assert f"error in {name} template execution" in status(toy)["message"]
    assert "pod cannot be made" in status(toy)["message"]


def test_a_pod_that_cannot_be_made_is_an_error_of_its_node() -> None:
    small = echo("small", "cpu")
    small["container"]["resources"] = {"limits": {"cpu": "{{inputs.parameters.cpu}}"}}
    toy = started(workflow(small, steps([call("a", "small", cpu="lots")])))
    assert not toy.pods()
    assert phases(toy)["a"] == "Error"
    assert node(toy, "a")["message"].startswith(
        'pod cannot be made: spec.containers[0].resources.limits[cpu]: Invalid value: "lots"'
    )
    assert status(toy)["phase"] == "Failed"


def test_node_ids_are_those_of_their_names() -> None:
    toy = finish(started(workflow(leaf(), steps([call("a")]))))
    assert all(key == each["id"] for key, each in nodes(toy).items())
