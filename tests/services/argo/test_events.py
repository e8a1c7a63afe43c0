"""Events that submit workflows."""

import asyncio

from sampan.kube import names
from sampan.services.argo import events
from services.argo.makers import SPEC

EVENTS = "/argo/api/v1/events/a"
BINDING = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "WorkflowEventBinding",
    "metadata": {"name": "b", "namespace": "a"},
    "spec": {
        "event": {"selector": 'payload.go == true && discriminator == "d"'},
        "submit": {
            "workflowTemplateRef": {"name": "t"},
            "arguments": {
                "parameters": [
                    {"name": "who", "valueFrom": {"event": "payload.who"}},
                    {"name": "from", "valueFrom": {"event": 'metadata["x-from"][0]'}},
                ]
            },
        },
    },
}


async def prepared(argo):
    made = {"template": {"metadata": {"name": "t"}, "spec": SPEC}}
    assert (await argo.post("/argo/api/v1/workflow-templates/a", made)).code == 200
    copy = {**BINDING, "metadata": dict(BINDING["metadata"])}
    await argo.cluster.create(copy, manager="test")


def test_an_event_submits_what_is_bound_to_it(serve):
    async def scenario(argo):
        await prepared(argo)
        headers = [("X-From", "here"), ("x-secret", "no")]
        payload = {"go": True, "who": "ada"}
        answer = await argo.post(f"{EVENTS}/d", payload, headers=headers)
        assert (answer.code, answer.body) == (200, {})
        (made,) = argo.cluster.list(names.WORKFLOW, "a")
        values = {each["name"]: each["value"] for each in made["spec"]["arguments"]["parameters"]}
        assert values == {"who": "ada", "from": "here"}
        assert made["metadata"]["labels"][names.LABEL_EVENT_BINDING] == "b"
        assert made["metadata"]["labels"][names.LABEL_CREATOR] == "ada-example.com"
        listed = await argo.get("/argo/api/v1/workflow-event-bindings/a")
        assert listed.names == ["b"]

    serve(scenario)


def test_what_nothing_is_bound_to_does_nothing(serve):
    async def scenario(argo):
        await prepared(argo)
        for path in (f"{EVENTS}/other", f"{EVENTS}/"):
            assert (await argo.post(path, {"go": True})).code == 200
        assert argo.cluster.list(names.WORKFLOW, "a") == []

    serve(scenario)


def test_what_goes_wrong_is_told(serve):
    async def scenario(argo):
        await prepared(argo)
        answer = await argo.post(f"{EVENTS}/d", {"go": True, "who": "ada"})
        assert (answer.code, answer.body["code"]) == (500, 13)
        assert "failed to dispatch event" in answer.body["message"]

    serve(scenario)


def test_who_may_not_list_bindings_sends_no_events(serve):
    async def scenario(argo):
        answer = await argo.post("/argo/api/v1/events/b/d", {}, token="reader")
        assert answer.code == 403

    serve(scenario)


def test_too_many_events_are_told_to_come_again(serve, monkeypatch):
    async def scenario(argo):
        monkeypatch.setattr(events, "MOST", 2)
        await prepared(argo)
        sent = [argo.post(f"{EVENTS}/other", {"go": True}) for _ in range(6)]
        codes = [answer.code for answer in await asyncio.gather(*sent)]
        assert codes.count(200) >= 2
        assert set(codes) == {200, 503}

    serve(scenario)
