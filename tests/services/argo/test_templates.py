"""Templates and CronWorkflows over REST; limits of semaphores."""

import pytest

from sampan.kube import names
from services.argo.makers import SPEC

SPECS = {
    "workflow-templates/a": ("template", SPEC),
    "cluster-workflow-templates": ("template", SPEC),
    "cron-workflows/a": ("cronWorkflow", {"schedules": ["0 0 * * *"], "workflowSpec": SPEC}),
}


@pytest.mark.parametrize("path", list(SPECS))
def test_a_life(serve, path):
    async def scenario(argo):
        field, spec = SPECS[path]
        at = f"/argo/api/v1/{path}"
        body = {field: {"metadata": {"name": "t"}, "spec": spec}}
        assert (await argo.post(f"{at}/lint", body)).code == 200
        assert (await argo.get(at)).body["items"] == []
        made = (await argo.post(at, body)).body
        assert made["metadata"]["labels"][names.LABEL_CREATOR] == "ada-example.com"
        assert (await argo.post(at, body)).code == 409
        assert (await argo.get(f"{at}/t")).body["metadata"]["uid"] == made["metadata"]["uid"]
        made["metadata"]["annotations"] = {"x": "y"}
        changed = (await argo.put(f"{at}/t", {field: made})).body
        assert changed["metadata"]["annotations"] == {"x": "y"}
        assert changed["metadata"]["labels"][names.LABEL_ACTION] == "Update"
        assert (await argo.get(at)).names == ["t"]
        assert (await argo("DELETE", f"{at}/t")).body == {}
        assert (await argo.get(f"{at}/t")).code == 404

    serve(scenario)


@pytest.mark.parametrize("path", list(SPECS))
def test_an_empty_body_is_told_what_is_missing(serve, path):
    async def scenario(argo):
        for answer in (
            await argo.post(f"/argo/api/v1/{path}", {}),
            await argo.put(f"/argo/api/v1/{path}/t", {}),
        ):
            assert answer.code == 400
            assert "not found in the request body" in answer.body["message"]

    serve(scenario)


def test_name_patterns_page_by_versions(serve):
    async def scenario(argo):
        at = "/argo/api/v1/workflow-templates/a"
        for name in ("one-x", "two-x", "three-x", "four"):
            await argo.post(at, {"template": {"metadata": {"name": name}, "spec": SPEC}})
        first = (await argo.get(f"{at}?namePattern=x&listOptions.limit=2")).body
        assert {each["metadata"]["name"] for each in first["items"]} == {"two-x", "three-x"}
        after = first["metadata"]["continue"]
        rest = await argo.get(
            f"{at}?namePattern=x&listOptions.limit=2&listOptions.continue={after}"
        )
        assert rest.names == ["one-x"]

    serve(scenario)


def test_cron_workflows_are_suspended_and_resumed(serve):
    async def scenario(argo):
        at = "/argo/api/v1/cron-workflows/a"
        field, spec = SPECS["cron-workflows/a"]
        await argo.post(at, {field: {"metadata": {"name": "t"}, "spec": spec}})
        assert (await argo.put(f"{at}/t/suspend")).body["spec"]["suspend"] is True
        assert (await argo.put(f"{at}/t/resume")).body["spec"]["suspend"] is False

    serve(scenario)


def test_a_limit_lives_in_a_configmap(serve):
    async def scenario(argo):
        at, body = "/argo/api/v1/sync/a", {"cmName": "c", "key": "k", "limit": 2}
        query = "cmName=c&type=CONFIGMAP"
        expected = {"type": "CONFIGMAP", "cmName": "c", "namespace": "a", "key": "k", "limit": 2}
        assert (await argo.post(at, body)).body == expected
        assert (await argo.post(at, body)).code == 409
        assert (await argo.post(at, {**body, "key": "other"})).code == 200
        assert (await argo.get(f"{at}/k?{query}")).body["limit"] == 2
        changed = await argo.put(f"{at}/k", {"cmName": "c", "limit": 5})
        assert changed.body["limit"] == 5
        assert (await argo("DELETE", f"{at}/k?{query}")).body == {}
        assert (await argo.get(f"{at}/k?{query}")).code == 404
        assert (await argo.put(f"{at}/k", {"cmName": "c", "limit": 5})).code == 404

    serve(scenario)


def test_limits_of_the_database_stand_in_a_configmap_of_their_own(serve):
    async def scenario(argo):
        at, body = "/argo/api/v1/sync/a", {"type": "DATABASE", "key": "k", "limit": 2}
        expected = {"type": "DATABASE", "cmName": "", "namespace": "a", "key": "k", "limit": 2}
        assert (await argo.post(at, body)).body == expected
        assert (await argo.get(f"{at}/k?type=DATABASE")).body == expected
        place = "cmName=workflow-sync-limits&type=CONFIGMAP"
        assert (await argo.get(f"{at}/k?{place}")).body["limit"] == 2

    serve(scenario)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        pytest.param({"limit": 0}, 400, id="zero"),
        pytest.param({"limit": True}, 400, id="no-number"),
        pytest.param({"limit": 1 << 40}, 400, id="huge"),
        pytest.param({"key": ""}, 400, id="no-key"),
        pytest.param({"cmName": ""}, 400, id="no-configmap"),
        pytest.param({"type": "ZOOKEEPER"}, 400, id="no-such-place"),
    ],
)
def test_a_limit_that_is_none(serve, more, code):
    async def scenario(argo):
        body = {"cmName": "c", "key": "k", "limit": 2, **more}
        assert (await argo.post("/argo/api/v1/sync/a", body)).code == code

    serve(scenario)
