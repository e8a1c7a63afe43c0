"""Watches of workflows and events, and how they are framed."""

import asyncio

import orjson

from sampan.kube import names
from sampan.kube.keys import Key

EVENTS = "/argo/api/v1/workflow-events/a"


def test_a_watch_tells_what_there_is_and_what_changes(serve):
    async def scenario(argo):
        await argo.submit("w")
        fields = "result.object.metadata.name,result.object.status.phase"
        watching = asyncio.ensure_future(argo.get(f"{EVENTS}?fields={fields}", seconds=0.3))
        await asyncio.sleep(0.05)
        await argo.told("w", {"phase": "Running"})
        answer = await watching
        assert answer.code == 200
        assert answer.headers["content-type"] == "application/json"
        assert [each["result"]["type"] for each in answer.lines] == ["ADDED", "MODIFIED"]
        assert answer.lines[1]["result"]["object"]["status"] == {"phase": "Running"}

    serve(scenario)


def test_a_browser_gets_server_sent_events(serve):
    async def scenario(argo):
        await argo.submit("w")
        accepts = [("accept", "text/event-stream")]
        answer = await argo.get(EVENTS, headers=accepts, seconds=0.1)
        assert answer.headers["content-type"] == "text/event-stream"
        assert answer.raw.startswith(b"data: {")
        assert answer.raw.endswith(b"}\n\n")
        assert orjson.loads(answer.raw[6:])["result"]["object"]["metadata"]["name"] == "w"

    serve(scenario)


def test_a_quiet_watch_begins_at_once(serve):
    async def scenario(argo):
        answer = await argo.get(EVENTS, seconds=0.05)
        assert (answer.code, answer.raw) == (200, b"")

    serve(scenario)


def test_who_may_not_watch_is_refused_before_it_begins(serve):
    async def scenario(argo):
        answer = await argo.get("/argo/api/v1/workflow-events/b", token="reader")
        assert (answer.code, answer.body["code"]) == (403, 7)

    serve(scenario)


def test_an_old_version_is_told_as_an_error(serve):
    async def scenario(argo):
        answer = await argo.get(f"{EVENTS}?listOptions.resourceVersion=x")
        assert answer.code == 400

    serve(scenario)


def test_a_watch_of_the_latest_is_of_one(serve):
    async def scenario(argo):
        await argo.submit("w")
        query = "listOptions.fieldSelector=metadata.name=@latest"
        answer = await argo.get(f"{EVENTS}?{query}", seconds=0.1)
        assert answer.lines[0]["result"]["object"]["metadata"]["name"] == "w"

    serve(scenario)


def test_events_of_kubernetes_come_as_they_are(serve):
    async def scenario(argo):
        event = {"apiVersion": "v1", "kind": "Event",
                 "metadata": {"name": "e", "namespace": "a"}, "reason": "WorkflowRunning",
                 "involvedObject": {"namespace": "a"}}  # fmt: skip
        await argo.cluster.create(event, manager="test")
        answer = await argo.get("/argo/api/v1/stream/events/a", seconds=0.1)
        assert answer.lines[0]["result"]["reason"] == "WorkflowRunning"
        assert argo.cluster.get(Key(names.EVENT, "a", "e"))

    serve(scenario)
