"""Workflows over REST: create, lint, get, list, delete; what a client may rely on."""

import asyncio

import pytest

from sampan.kube import names
from services.argo.makers import workflow

W = "/argo/api/v1/workflows/a"
TIMES = [f"2026-01-0{day}T00:00:00Z" for day in range(1, 6)]


def test_create_says_who_created(serve):
    async def scenario(argo):
        false = {names.LABEL_CREATOR: "eve", f"{names.LABEL_CREATOR}-preferred-username": "eve"}
        made = await argo.post(W, {"workflow": workflow(labels={**false, "mine": "1"})})
        assert made.code == 200
        assert made.body["metadata"]["labels"] == {
            "mine": "1",
            names.LABEL_CREATOR: "ada-example.com",
            f"{names.LABEL_CREATOR}-email": "ada.at.example.com",
        }

    serve(scenario)


def test_create_answers_when_the_controller_has_looked(serve, monkeypatch):
    async def scenario(argo):
        monkeypatch.setattr("sampan.services.argo.workflows.FIRST_LOOK", 10)
        making = asyncio.ensure_future(argo.post(W, {"workflow": workflow()}))
        await argo.appears(names.WORKFLOW)
        await argo.told("w", {"phase": "Running"})
        assert (await making).body["status"]["phase"] == "Running"

    serve(scenario)


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"serverDryRun": True}, id="server"),
        pytest.param({"createOptions": {"dryRun": ["All"]}}, id="client"),
    ],
)
def test_a_dry_run_creates_nothing(serve, how):
    async def scenario(argo):
        answer = await argo.post(W, {"workflow": workflow(), **how})
        assert answer.code == 200
        assert argo.cluster.list(names.WORKFLOW, "a") == []

    serve(scenario)


def test_create_and_lint_refuse_alike_and_name_the_field(serve):
    async def scenario(argo):
        bad = workflow(spec={"entrypoint": ""})
        for path in (W, f"{W}/lint"):
            answer = await argo.post(path, {"workflow": bad})
            assert (answer.code, answer.body["code"]) == (400, 3)
            assert "entrypoint" in answer.body["message"]

    serve(scenario)


def test_lint_needs_no_name_and_creates_nothing(serve):
    async def scenario(argo):
        nameless = workflow()
        del nameless["metadata"]["name"]
        answer = await argo.post(f"{W}/lint", {"workflow": nameless})
        assert answer.body["spec"] == nameless["spec"]
        assert argo.cluster.list(names.WORKFLOW, "a") == []

    serve(scenario)


async def five(argo):
    """w0 is the oldest; the last two are still running."""
    for number, time in enumerate(TIMES):
        finished = {"finishedAt": time, "phase": "Succeeded"} if number < 3 else {}
        labels = {"even": str(number % 2 == 0).lower()}
        status = {"startedAt": time, "phase": "Running", **finished}
        await argo.submit(f"w{number}", status, labels=labels)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("", {"w0", "w1", "w2", "w3", "w4"}, id="all"),
        pytest.param("listOptions.labelSelector=even%3Dtrue", {"w0", "w2", "w4"}, id="labels"),
        pytest.param("listOptions.fieldSelector=metadata.name=w3", {"w3"}, id="name"),
        pytest.param("listOptions.fieldSelector=metadata.name!=w3", {"w0", "w1", "w2", "w4"},
                     id="not-the-name"),
        pytest.param("nameFilter=Contains&listOptions.fieldSelector=metadata.name=3", {"w3"},
                     id="contains"),
        pytest.param("nameFilter=Prefix&listOptions.fieldSelector=metadata.name=w",
                     {"w0", "w1", "w2", "w3", "w4"}, id="prefix"),
        pytest.param(f"finishedBefore={TIMES[1]}", {"w0", "w1", "w3", "w4"}, id="finished"),
        pytest.param("createdAfter=2999-01-01T00:00:00Z", set(), id="created"),
        pytest.param(f"listOptions.fieldSelector=spec.startedAt>{TIMES[2]}", {"w2", "w3", "w4"},
                     id="started"),
        pytest.param("listOptions.limit=2", {"w3", "w4"}, id="newest"),
        pytest.param("listOptions.limit=2&listOptions.continue=2", {"w1", "w2"}, id="second-page"),
        pytest.param("listOptions.limit=2&listOptions.continue=4", {"w0"}, id="last-page"),
    ],
)  # fmt: skip
def test_lists_select(serve, query, expected):
    async def scenario(argo):
        await five(argo)
        assert set((await argo.get(f"{W}?{query}")).names) == expected

    serve(scenario)


def test_pages_say_where_the_next_begins(serve):
    async def scenario(argo):
        await five(argo)
        wanted = "listOptions.fieldSelector=ext.showRemainingItemCount=true"
        first = (await argo.get(f"{W}?listOptions.limit=2&{wanted}")).body["metadata"]
        assert (first["continue"], first["remainingItemCount"]) == ("2", 3)
        last = (await argo.get(f"{W}?listOptions.limit=2&listOptions.continue=4&{wanted}")).body
        assert "continue" not in last["metadata"]
        assert last["metadata"]["remainingItemCount"] == 0

    serve(scenario)


def test_running_ones_come_first(serve):
    async def scenario(argo):
        await five(argo)
        found = (await argo.get(W)).names
        assert set(found[:2]) == {"w3", "w4"}
        assert found[2:] == ["w2", "w1", "w0"]

    serve(scenario)


def test_fields_leave_what_go_always_writes(serve):
    async def scenario(argo):
        await five(argo)
        query = "fields=items.metadata.name,items.status.phase&listOptions.limit=1"
        assert (await argo.get(f"{W}?{query}")).body == {
            "metadata": {},
            "items": [{"metadata": {"name": "w4"}, "spec": {}, "status": {"phase": "Running"}}],
        }
        one = (await argo.get(f"{W}/w0?fields=-spec,status")).body
        assert one["spec"] == one["status"] == {}
        assert one["metadata"]["name"] == "w0"

    serve(scenario)


def test_latest_is_the_newest(serve):
    async def scenario(argo):
        assert (await argo.get(f"{W}/@latest")).code == 404
        await argo.submit("w")
        assert (await argo.get(f"{W}/@latest")).body["metadata"]["name"] == "w"

    serve(scenario)


def test_another_uid_is_another_workflow(serve):
    async def scenario(argo):
        uid = (await argo.submit("w"))["metadata"]["uid"]
        assert (await argo.get(f"{W}/w?uid={uid}")).code == 200
        assert (await argo.get(f"{W}/w?uid=other")).code == 404

    serve(scenario)


def test_delete_by_force_takes_finalizers_away(serve):
    async def scenario(argo):
        await argo.submit("w", finalizers=["workflows.argoproj.io/artifact-gc"])
        assert (await argo("DELETE", f"{W}/w")).body == {}
        assert argo.cluster.list(names.WORKFLOW, "a")[0]["metadata"]["deletionTimestamp"]
        assert (await argo("DELETE", f"{W}/w?force=true")).code == 200
        assert argo.cluster.list(names.WORKFLOW, "a") == []

    serve(scenario)


def test_what_could_never_run_is_refused_in_upstream_s_words(serve):
    async def scenario(argo):
        step = {"name": "a", "templateRef": {"name": "lib", "template": "x"}}
        bad = workflow(spec={"entrypoint": "m", "templates": [{"name": "m", "steps": [[step]]}]})
        for path in (W, f"{W}/lint"):
            answer = await argo.post(path, {"workflow": bad})
            fault = "templates.m.steps[0].a template reference lib.x not found"
            assert (answer.code, answer.body["message"]) == (400, fault)
        assert argo.cluster.list(names.WORKFLOW, "a") == []
        good = {"templates": [{"name": "x", "container": {"image": "busybox"}}]}
        template = {"template": {"metadata": {"name": "lib"}, "spec": good}}
        assert (await argo.post("/argo/api/v1/workflow-templates/a", template)).code == 200
        assert (await argo.post(f"{W}/lint", {"workflow": bad})).code == 200

    serve(scenario)
