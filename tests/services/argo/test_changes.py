"""Changes of workflows over REST: what is written, as whom, and what is refused."""

import asyncio
import json

import pytest

from sampan.kube import names
from sampan.kube.keys import Key
from services.argo.makers import SPEC

W = "/argo/api/v1/workflows/a/w"
RUNNING = {"phase": "Running", "startedAt": "2026-01-01T00:00:00Z"}
SUSPENDED = {
    **RUNNING,
    "nodes": {
        "w": {"id": "w", "name": "w", "displayName": "w", "type": "Suspend", "phase": "Running",
              "templateName": "main", "startedAt": "2026-01-01T00:00:00Z",
              "outputs": {"parameters": [{"name": "p", "valueFrom": {"supplied": {}}}]}}
    },
}  # fmt: skip
FAILED = {
    "phase": "Failed",
    "startedAt": "2026-01-01T00:00:00Z",
    "finishedAt": "2026-01-01T00:00:01Z",
    "nodes": {
        "w": {"id": "w", "name": "w", "displayName": "w", "type": "Pod", "phase": "Failed",
              "templateName": "main", "startedAt": "2026-01-01T00:00:00Z",
              "finishedAt": "2026-01-01T00:00:01Z", "message": "exit 1"}
    },
}  # fmt: skip
COMPLETED = {names.LABEL_WORKFLOW_COMPLETED: "true"}


def stored(argo, name="w"):
    return argo.cluster.get(Key(names.WORKFLOW, "a", name))


@pytest.mark.parametrize(
    ("verb", "field", "value", "action"),
    [
        pytest.param("suspend", "suspend", True, "Suspend", id="suspend"),
        pytest.param("stop", "shutdown", "Stop", "Stop", id="stop"),
        pytest.param("terminate", "shutdown", "Terminate", "Terminate", id="terminate"),
    ],
)
def test_the_spec_says_what_is_wanted_and_a_label_who_wants_it(serve, verb, field, value, action):
    async def scenario(argo):
        await argo.submit("w", RUNNING)
        answer = await argo.put(f"{W}/{verb}")
        assert answer.body["spec"][field] == value
        labels = stored(argo)["metadata"]["labels"]
        assert labels[names.LABEL_ACTOR] == "ada-example.com"
        assert labels[names.LABEL_ACTION] == action

    serve(scenario)


def test_a_resumed_node_has_succeeded(serve):
    async def scenario(argo):
        await argo.submit("w", SUSPENDED)
        assert (await argo.put(f"{W}/resume")).code == 500  # nobody has supplied its output
        values = {"nodeFieldSelector": "displayName=w", "outputParameters": json.dumps({"p": "v"})}
        assert (await argo.put(f"{W}/set", values)).code == 200
        found = (await argo.put(f"{W}/resume")).body["status"]["nodes"]["w"]
        assert found["phase"] == "Succeeded"
        assert found["outputs"]["parameters"] == [{"name": "p", "value": "v"}]
        assert "ada@example.com" in found["message"]

    serve(scenario)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param({"phase": "Skipped"}, "Skipped is an invalid phase", id="phase"),
        pytest.param({"outputParameters": "{"}, "unable to parse output parameter", id="no-json"),
        pytest.param({"outputParameters": '{"a":1}'}, "not an object of strings", id="number"),
        pytest.param({}, "use a node field selector", id="no-selector"),
        pytest.param({"nodeFieldSelector": "x=y=z,,"}, "", id="selector"),
        pytest.param({"message": 3}, "message must be a string", id="message"),
    ],
)
def test_what_cannot_be_set(serve, body, text):
    async def scenario(argo):
        await argo.submit("w", SUSPENDED)
        answer = await argo.put(f"{W}/set", body)
        assert answer.code in (400, 500)
        assert text in answer.body["message"]
        assert stored(argo)["status"] == SUSPENDED

    serve(scenario)


@pytest.mark.parametrize("verb", ["suspend", "stop", "terminate"])
def test_what_is_over_cannot_be_ended(serve, verb):
    async def scenario(argo):
        await argo.submit("w", FAILED, labels=COMPLETED)
        answer = await argo.put(f"{W}/{verb}")
        assert answer.code == 400
        assert "completed workflow" in answer.body["message"]

    serve(scenario)


def test_a_retry_deletes_the_failed_pods_and_begins_again(serve):
    async def scenario(argo):
        await argo.submit("w", FAILED, labels=COMPLETED)
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "w", "namespace": "a"},
               "spec": {"containers": [{"name": "main", "image": "x"}]}}  # fmt: skip
        await argo.cluster.create(pod, manager="test")
        assert (await argo.put(f"{W}/retry")).code == 200
        assert argo.cluster.get(Key(names.POD, "a", "w")) is None
        found = stored(argo)
        assert found["status"].get("phase", "") == ""
        assert names.LABEL_WORKFLOW_COMPLETED not in found["metadata"]["labels"]
        assert (await argo.put(f"{W}/retry")).code == 400

    serve(scenario)


def test_a_resubmit_is_a_new_workflow_of_the_caller(serve):
    async def scenario(argo):
        await argo.submit("w", FAILED, labels={**COMPLETED, names.LABEL_CREATOR: "eve", "x": "y"})
        answer = await argo.put(f"{W}/resubmit", {"parameters": ["p=1"]})
        meta = answer.body["metadata"]
        assert meta["name"].startswith("w-")
        assert meta["labels"]["x"] == "y"
        assert meta["labels"][names.LABEL_CREATOR] == "ada-example.com"
        assert answer.body["spec"]["arguments"] == {"parameters": [{"name": "p", "value": "1"}]}
        memoized = await argo.put(f"{W}/resubmit", {"memoized": True})
        assert "nodes" in memoized.body["status"]

    serve(scenario)


def test_two_changes_at_once_both_count(serve):
    async def scenario(argo):
        await argo.submit("w", RUNNING)
        answers = await asyncio.gather(argo.put(f"{W}/suspend"), argo.put(f"{W}/stop"))
        assert [answer.code for answer in answers] == [200, 200]
        assert (stored(argo)["spec"]["suspend"], stored(argo)["spec"]["shutdown"]) == (True, "Stop")

    serve(scenario)


@pytest.mark.parametrize(
    "verb", ["suspend", "resume", "stop", "terminate", "set", "retry", "resubmit"]
)
def test_who_may_only_read_changes_nothing(serve, verb):
    async def scenario(argo):
        status = FAILED if verb in ("retry", "resubmit") else SUSPENDED
        await argo.submit("w", status)
        body = {"nodeFieldSelector": "displayName=w", "phase": "Failed"} if verb == "set" else {}
        if verb == "resume":
            body = {"nodeFieldSelector": "displayName=w"}
        answer = await argo.put(f"{W}/{verb}", body, token="reader")
        assert answer.code == 403, answer.raw
        assert stored(argo)["status"] == status

    serve(scenario)


def test_the_validator_has_the_last_word(serve):
    async def scenario(argo):
        calls = [[{"name": "s", "template": "none"}]]
        spec = {"entrypoint": "main", "templates": [{"name": "main", "steps": calls}]}
        body = {"metadata": {"name": "w"}, "spec": spec}
        for path, field in (("workflows/a", "workflow"), ("workflow-templates/a", "template")):
            for where in ("", "/lint"):
                answer = await argo.post(f"/argo/api/v1/{path}{where}", {field: body})
                assert answer.code == 400
                assert "templates.main.steps[0].s" in answer.body["message"]

    serve(scenario)


def test_references_are_followed_as_the_caller(serve):
    async def scenario(argo):
        at = "/argo/api/v1"
        made = {"template": {"metadata": {"name": "t"}, "spec": SPEC}}
        refers = {"entrypoint": "main", "workflowTemplateRef": {"name": "t"}}
        body = {"workflow": {"metadata": {"name": "w"}, "spec": refers}}
        assert (await argo.post(f"{at}/workflows/a/lint", body)).code == 400
        assert (await argo.post(f"{at}/workflow-templates/a", made)).code == 200
        assert (await argo.post(f"{at}/workflows/a/lint", body)).code == 200

    serve(scenario)
