"""Watches of workflows and events, and how they are framed."""

import asyncio

import orjson

from sampan.kube import names
from sampan.kube.keys import Key
from sampan.services.argo import server

EVENTS = "/argo/api/v1/workflow-events/a"


def test_a_watch_tells_what_there_is_and_what_changes(serve):
    async def scenario(argo):
        await argo.submit("w")
        fields = "result.object.metadata.name,result.object.status.phase"
        path, pieces = f"{EVENTS}?fields={fields}", asyncio.Queue()
        watching = asyncio.ensure_future(argo.get(path, leave=2, pieces=pieces))
        await pieces.get()
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
        answer = await argo.get(EVENTS, headers=accepts, leave=2)
        assert answer.headers["content-type"] == "text/event-stream"
        comment, event, rest = answer.raw.split(b"\n\n")
        assert (comment, rest) == (b":", b"")
        assert (
            orjson.loads(event.removeprefix(b"data: "))["result"]["object"]["metadata"]["name"]
            == "w"
        )

    serve(scenario)


def test_a_quiet_watch_shows_a_browser_that_it_lives(serve, monkeypatch):
    async def scenario(argo):
        monkeypatch.setattr(server, "QUIET", 0.01)
        accepts = [("accept", "text/event-stream")]
        pieces = asyncio.Queue()
        watching = asyncio.ensure_future(
            argo.get(EVENTS, headers=accepts, leave=b"data", pieces=pieces)
        )
        assert [await pieces.get() for _ in range(3)] == [b":\n\n"] * 3
        await argo.submit("w")
        answer = await watching
        parts = answer.raw.split(b"\n\n")
        assert sum(part.startswith(b"data: ") for part in parts) == 1

    serve(scenario)


def test_a_quiet_watch_begins_at_once(serve):
    async def scenario(argo):
        answer = await argo.get(EVENTS, leave=0)
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
        answer = await argo.get(f"{EVENTS}?{query}", leave=1)
        assert answer.lines[0]["result"]["object"]["metadata"]["name"] == "w"

    serve(scenario)


def test_events_of_kubernetes_come_as_they_are(serve):
    async def scenario(argo):
        event = {"apiVersion": "v1", "kind": "Event",
                 "metadata": {"name": "e", "namespace": "a"}, "reason": "WorkflowRunning",
                 "involvedObject": {"namespace": "a"}}  # fmt: skip
        await argo.cluster.create(event, manager="test")
        answer = await argo.get("/argo/api/v1/stream/events/a", leave=1)
        assert answer.lines[0]["result"]["reason"] == "WorkflowRunning"
        assert argo.cluster.get(Key(names.EVENT, "a", "e"))

    serve(scenario)
