"""What a workflow asks of its agent, and what it makes of the answers."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.toy import Toy
from kinds.workflows.makers import WORKFLOW, call, dag, node, nodes, started, status, task, workflow
from sampan.kube import names
from sampan.kube.keys import Key
from sampan.kube.plan import Apply, Patch

SET = Key(names.WORKFLOW_TASK_SET, "u", "wf")
SIDECAR = {
    "name": "p", "image": "i", "ports": [{"containerPort": 1234}],
    "securityContext": {"runAsNonRoot": True},
    "resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "1"}},
}  # fmt: skip


def get(name: str = "main", url: str = "http://x/") -> dict[str, Any]:
    return {"name": name, "http": {"url": url}}


def tasks(toy: Toy) -> dict[str, Any]:
    return dict(toy.objects[SET]["spec"]["tasks"])


def answer(toy: Toy, display: str, **result: Any) -> None:
    id = node(toy, display)["id"]
    toy.patch(SET, {"status": {"nodes": {id: result}}})
    toy.settle()


def agent(toy: Toy) -> dict[str, Any] | None:
    found = [each for each in toy.pods() if each["metadata"]["name"].endswith("-agent")]
    return found[0] if found else None


def test_a_request_is_a_task_of_one_agent() -> None:
    params = {"inputs": {"parameters": [{"name": "url"}]}}
    each = {**get("get", "{{inputs.parameters.url}}?w={{workflow.name}}"), **params}
    toy = started(workflow(dag(task("a", template="get", url="http://a"),
                               task("b", template="get", url="http://b")), each))  # fmt: skip
    assert {node["type"] for node in nodes(toy).values()} == {"DAG", "HTTP"}
    asked = {task["http"]["url"] for task in tasks(toy).values()}
    assert asked == {"http://a?w=wf", "http://b?w=wf"}
    (pod,) = toy.pods()
    (main,) = pod["spec"]["containers"]
    assert main["command"][:3] == ["argoexec", "agent", "main"]
    assert pod["metadata"]["name"] == "wf-1340600742-agent"


def test_an_answer_ends_its_node_and_is_taken_out() -> None:
    toy = started(
        workflow(dag(task("a", template="get"), task("b", "a", template="get")), get("get"))
    )
    assert len(tasks(toy)) == 1
    answer(toy, "a", phase="Succeeded", outputs={"result": "yes"})
    assert (node(toy, "a")["phase"], node(toy, "a")["outputs"]) == ("Succeeded", {"result": "yes"})
    assert node(toy, "b")["id"] in tasks(toy)
    answer(toy, "b", phase="Failed", message="received non-2xx response code: 500")
    assert status(toy)["phase"] == "Failed"
    assert node(toy, "b")["message"] == "received non-2xx response code: 500"
    assert toy.objects[SET]["metadata"]["labels"][names.LABEL_WORKFLOW_COMPLETED] == "true"


@pytest.mark.parametrize(
    ("result", "phase"),
    [
        ({"phase": "Running", "progress": "1/3"}, "Running"),
        ({"phase": "Error", "message": "x"}, "Error"),
        ({"phase": "Nonsense"}, "Error"),
        ({}, "Error"),
        ("text", "Error"),
    ],
)
def test_answers_of_all_kinds(result: Any, phase: str) -> None:
    toy = started(workflow(get()))
    toy.patch(SET, {"status": {"nodes": {"wf": result}}})
    toy.settle()
    assert node(toy, "wf")["phase"] == phase


def test_an_agent_that_failed_takes_its_tasks_with_it() -> None:
    toy = started(workflow(get()))
    pod = agent(toy)
    assert pod is not None
    toy.put({**pod, "status": {"phase": "Failed", "message": "evicted"}})
    toy.settle()
    assert node(toy, "wf")["phase"] == "Error"
    assert node(toy, "wf")["message"] == 'agent pod failed with reason:"evicted"'


def test_a_stopped_workflow_asks_for_nothing_more() -> None:
    toy = started(workflow(get()))
    toy.patch(WORKFLOW, {"spec": {"shutdown": "Terminate"}})
    toy.settle()
    assert node(toy, "wf")["message"] == "Stopped with strategy 'Terminate'"
    assert status(toy)["phase"] == "Failed"


def test_no_agent_where_nothing_is_asked_of_one() -> None:
    toy = started(workflow({"name": "main", "suspend": {}}))
    assert SET not in toy.objects
    assert not toy.pods()


def test_plugins_of_the_workflow_are_sidecars() -> None:
    manifest = workflow({"name": "main", "plugin": {"p": {}}},
                        executorPlugins=[plugin(SIDECAR)])  # fmt: skip
    pod = agent(started(manifest))
    assert pod is not None
    sidecar, main = pod["spec"]["containers"]
    told = {each["name"]: each["value"] for each in main["env"]}
    assert told["ARGO_PLUGIN_ADDRESSES"] == '["http://localhost:1234"]'
    assert told["ARGO_PLUGIN_NAMES"] == '["p"]'
    (word,) = sidecar["volumeMounts"]
    assert (word["mountPath"], word["subPath"], word["readOnly"]) == ("/var/run/argo", "p", True)
    assert pod["spec"]["automountServiceAccountToken"] is False


def plugin(container: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "spec": {"sidecar": {"container": container}}}


@pytest.mark.parametrize(
    ("missing", "fault"),
    [
        ("ports", "must have exactly one port"),
        ("image", "sidecar.container.image is required"),
        ("resources", "sidecar.container.resources.requests is required"),
        ("securityContext", "sidecar.container.securityContext is required"),
    ],
)
def test_a_plugin_that_is_none_is_told(missing: str, fault: str) -> None:
    container = {key: value for key, value in SIDECAR.items() if key != missing}
    manifest = workflow({"name": "main", "plugin": {"p": {}}}, executorPlugins=[plugin(container)])
    found = node(started(manifest), "wf")
    assert found["phase"] == "Error"
    assert fault in found["message"]


def test_steps_go_on_after_their_requests() -> None:
    spec = workflow({"name": "main", "steps": [[call("a", "get")], [call("b", "get")]]}, get("get"))
    toy = started(spec)
    answer(toy, "a", phase="Succeeded", outputs={"result": "1"})
    answer(toy, "b", phase="Succeeded")
    assert status(toy)["phase"] == "Succeeded"


def test_tasks_that_are_over_go_many_at_a_time() -> None:
    """This cluster forgets nothing that was applied, so one look tells what would be gone."""
    loop = {"name": "a", "template": "get", "withSequence": {"count": "30"}}
    toy = started(workflow({"name": "main", "steps": [[loop]]}, get("get")))
    ids = list(tasks(toy))
    assert len(ids) == 30

    def asked() -> list[str] | None:
        plan = toy.once(WORKFLOW)
        actions = plan.actions if plan else ()
        applied = [each.manifest for each in actions if isinstance(each, Apply)]
        sets = [each for each in applied if each["kind"] == "WorkflowTaskSet"]
        return list(sets[0]["spec"]["tasks"]) if sets else None

    done = {id: {"phase": "Succeeded"} for id in ids[:10]}
    toy.patch(SET, {"status": {"nodes": done}})
    toy.settle()
    assert asked() is None
    toy.patch(SET, {"status": {"nodes": {id: {"phase": "Succeeded"} for id in ids[:22]}}})
    toy.settle()
    assert asked() == ids[22:]
    kept = {id: task for id, task in tasks(toy).items() if id in ids[22:]}
    toy.objects[SET] = {**toy.objects[SET], "spec": {"tasks": kept}}
    plan = toy.once(WORKFLOW)
    assert plan is not None
    (cleared,) = [each for each in plan.actions if isinstance(each, Patch) and each.key == SET]
    assert set(cleared.patch["status"]["nodes"]) == set(ids[:22])
