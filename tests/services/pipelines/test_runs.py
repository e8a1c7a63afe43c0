"""Runs, without a controller: what it says is written by the tests."""

import pytest

from sampan.kube import names
from sampan.kube.keys import Key
from services.pipelines.makers import PLATFORM, SPEC, TEXT, WITH_PARAMETERS

RUN = {"display_name": "one", "pipeline_spec": SPEC}
TASKS = {
    "": {"id": "t0", "name": "", "type": "Dag", "state": "FAILED",
         "startedAt": "2026-01-01T00:00:00.5Z", "finishedAt": "2026-01-01T00:00:09Z"},
    "t": {"id": "t1", "name": "t", "type": "Container", "state": "FAILED", "parent": "",
          "startedAt": "2026-01-01T00:00:01Z", "finishedAt": "2026-01-01T00:00:08Z",
          "pod": "hello-1-t-2", "error": "exit code 1",
          "history": [{"state": "RUNNING", "updateTime": "2026-01-01T00:00:01Z"}]},
    "u": {"id": "t2", "name": "u", "type": "Container", "state": "OMITTED", "parent": ""},
}  # fmt: skip


def the_run(api):
    (run,) = api.cluster.list(names.RUN, "a")
    return run


async def ended(api, state="FAILED", **more):
    status = {"state": state, "finishedAt": "2026-01-01T00:00:09Z", **more}
    await api.told(names.RUN, the_run(api)["metadata"]["name"], status)


async def gone(api):
    """The Run is deleted as retention does; the records keep it."""
    run = the_run(api)["metadata"]
    await api.cluster.delete(Key(names.RUN, "a", run["name"]), {})


def test_a_run_is_created_shown_and_listed(serve):
    async def scenario(api):
        config = {"parameters": {"text": "x", "count": 5}, "pipeline_root": "minio://b/k"}
        body = {**RUN, "pipeline_spec": WITH_PARAMETERS, "description": "d",
                "service_account": "sa", "runtime_config": config}  # fmt: skip
        made = await api.post("runs", body)
        assert made.code == 200
        wanted = {**body, "state": "PENDING", "storage_state": "AVAILABLE",
                  "finished_at": "1970-01-01T00:00:00Z"}  # fmt: skip
        assert made.body.items() >= wanted.items()
        assert made.body["scheduled_at"] == made.body["created_at"]
        assert (await api.get(f"runs/{made.body['run_id']}")).body == made.body
        listed = (await api.get("runs")).body
        assert (listed["runs"], listed["total_size"]) == ([made.body], 1)
        spec, labels = the_run(api)["spec"], the_run(api)["metadata"]["labels"]
        assert spec["runtimeConfig"] == {"parameters": config["parameters"],
                                         "pipelineRoot": "minio://b/k"}  # fmt: skip
        assert labels[names.LABEL_RUN_ID] == made.body["run_id"]
        assert labels[names.LABEL_EXPERIMENT_ID] == made.body["experiment_id"]

    serve(scenario)


def test_a_run_is_of_no_schedule_that_is_not_there(serve):
    async def scenario(api):
        refused = await api.post("runs", {**RUN, "recurring_run_id": "lost"})
        assert refused.code == 400
        assert "RecurringRunId doesn't exist: lost" in refused.body["message"]
        trigger = {"periodic_schedule": {"interval_second": "3600"}}
        schedule = {**RUN, "max_concurrency": "1", "mode": "DISABLE", "trigger": trigger}
        made = (await api.post("recurringruns", schedule)).body
        mine = {**RUN, "recurring_run_id": made["recurring_run_id"]}
        assert (await api.post("runs", mine)).body.items() >= mine.items()

    serve(scenario)


def test_a_run_of_a_version_or_of_the_latest(serve):
    async def scenario(api):
        pipeline = (await api.upload("p.yaml", TEXT, "name=p")).body["pipeline_id"]
        second = await api.upload("p.yaml", TEXT, f"name=q&pipelineid={pipeline}", version=True)
        version = second.body["pipeline_version_id"]
        latest = {"pipeline_version_reference": {"pipeline_id": pipeline}}
        whole = {"pipeline_id": pipeline, "pipeline_version_id": version}
        for source in (latest, {"pipeline_version_id": version},
                       {"pipeline_version_reference": whole}):  # fmt: skip
            made = await api.post("runs", {"display_name": "r", **source})
            assert made.body["pipeline_version_reference"] == whole
        assert [run["spec"]["pipelineSpec"] for run in api.cluster.list(names.RUN)] == [SPEC] * 3

    serve(scenario)


def test_a_platform_spec_stands_beside_the_pipeline(serve):
    async def scenario(api):
        both = {"pipeline_spec": SPEC, "platform_spec": PLATFORM}
        made = await api.post("runs", {**RUN, "pipeline_spec": both})
        assert made.body["pipeline_spec"] == both
        assert the_run(api)["spec"]["platformSpec"] == PLATFORM

    serve(scenario)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"display_name": ""}, "The run name is empty", id="no-name"),
        pytest.param({"pipeline_spec": None}, "empty pipeline spec", id="no-source"),
        pytest.param({"pipeline_spec": {"a": 1}}, "unknown template format", id="no-pipeline"),
        pytest.param({"pipeline_spec": {**SPEC, "schemaVersion": "2.0.0"}}, "schema version 2.1.0",
                     id="schema"),
        pytest.param({"pipeline_version_id": "x"}, "only one of", id="two-sources"),
        pytest.param({"runtime_config": {"parameters": {"x": 1}}}, "not required by pipeline",
                     id="unknown-parameter"),
        pytest.param({"pipeline_spec": WITH_PARAMETERS}, "is not optional", id="no-parameter"),
        pytest.param({"pipeline_spec": WITH_PARAMETERS,
                      "runtime_config": {"parameters": {"text": 1}}}, "string", id="type"),
        pytest.param({"plugins_output": {"p": {}}}, "server-owned", id="plugins"),
        pytest.param({"experiment_id": "n" * 65}, "length cannot exceed 64", id="long-id"),
        pytest.param({"state": 99}, "invalid value for enum field state", id="enum"),
        pytest.param({"created_at": "yesterday"}, "expected a time", id="time"),
    ],
)  # fmt: skip
def test_what_cannot_run_is_refused(serve, fields, said):
    async def scenario(api):
        made = await api.post("runs", {**RUN, **fields})
        assert (made.code, made.body["code"]) == (400, 3), made.body
        assert said in made.body["message"]
        assert api.cluster.list(names.RUN) == []

    serve(scenario)


@pytest.mark.parametrize(
    "fields",
    [
        {"experiment_id": "nobody"},
        {"pipeline_spec": None, "pipeline_version_id": "nobody"},
        {"pipeline_spec": None, "pipeline_version_reference": {"pipeline_id": "nobody"}},
    ],
)
def test_what_is_named_and_not_there_is_not_found(serve, fields):
    async def scenario(api):
        made = await api.post("runs", {**RUN, **fields})
        assert (made.code, "nobody not found" in made.body["message"]) == (404, True)

    serve(scenario)


def test_details_tell_of_each_task(serve):
    async def scenario(api):
        run_id = (await api.post("runs", RUN)).body["run_id"]
        await ended(api, tasks=TASKS, error={"code": 13, "message": "task t: exit code 1"})
        found = (await api.get(f"runs/{run_id}")).body
        assert (found["state"], found["finished_at"]) == ("FAILED", "2026-01-01T00:00:09Z")
        assert found["error"]["message"] == "task t: exit code 1"
        root, task, omitted = found["run_details"]["task_details"]
        assert (root["display_name"], root["child_tasks"]) == (
            "root", [{"task_id": "t1"}, {"task_id": "t2"}],
        )  # fmt: skip
        assert (task["parent_task_id"], task["pod_name"]) == ("t0", "hello-1-t-2")
        assert (task["state"], task["error"]["message"]) == ("FAILED", "exit code 1")
        assert omitted["state"] == "SKIPPED"
        assert "run_details" not in (await api.get("runs")).body["runs"][0]

    serve(scenario)


def test_a_run_is_terminated_once_and_that_again_is_no_fault(serve):
    async def scenario(api):
        one = f"runs/{(await api.post('runs', RUN)).body['run_id']}"
        assert (await api.post(f"{one}:terminate", None)).body == {}
        assert the_run(api)["spec"]["terminate"] is True
        assert (await api.get(one)).body["state"] == "CANCELING"
        await ended(api)
        before = the_run(api)["metadata"]["resourceVersion"]
        assert (await api.post(f"{one}:terminate", None)).body == {}
        assert the_run(api)["metadata"]["resourceVersion"] == before

    serve(scenario)


def test_only_what_failed_is_tried_again(serve):
    async def scenario(api):
        one = f"runs/{(await api.post('runs', RUN)).body['run_id']}"
        refused = await api.post(f"{one}:retry", None)
        assert (refused.code, "does not allow retries" in refused.body["message"]) == (400, True)
        await ended(api, retries=1)
        for _ in range(2):
            assert (await api.post(f"{one}:retry", None)).body == {}
            assert (await api.get(one)).body["state"] == "PENDING"
        assert the_run(api)["spec"]["retries"] == 2

    serve(scenario)


def test_what_the_cluster_has_no_more_is_looked_at_and_changed_as_before(serve):
    async def scenario(api):
        one = f"runs/{(await api.post('runs', RUN)).body['run_id']}"
        await ended(api, tasks=TASKS)
        before = (await api.get(one)).body
        await gone(api)
        assert (await api.get(one)).body == before
        assert (await api.get(one, token="reader")).code == 200
        assert (await api.delete(one, token="reader")).code == 403
        assert (await api.post(f"{one}:terminate", None)).body == {}
        await api.post(f"{one}:archive", None)
        assert (await api.get(one)).body["storage_state"] == "ARCHIVED"
        await api.post(f"{one}:unarchive", None)
        assert (await api.get("runs")).body["runs"][0]["storage_state"] == "AVAILABLE"
        assert (await api.delete(one)).body == {}
        assert (await api.get(one)).code == 404
        assert (await api.get("runs")).body == {}

    serve(scenario)


def test_what_the_cluster_has_no_more_is_tried_again_from_where_it_was(serve):
    async def scenario(api):
        one = f"runs/{(await api.post('runs', RUN)).body['run_id']}"
        await ended(api, tasks=TASKS)
        await gone(api)
        assert (await api.post(f"{one}:retry", None)).body == {}
        run = the_run(api)
        assert run["spec"]["retries"] == 1
        assert run["status"]["tasks"] == TASKS
        assert names.ANNOTATION_RESTORING not in (run["metadata"].get("annotations") or {})
        assert (await api.get("runs")).body["total_size"] == 1

    serve(scenario)


def test_a_run_is_deleted_for_good(serve):
    async def scenario(api):
        one = f"runs/{(await api.post('runs', RUN)).body['run_id']}"
        assert (await api.delete(one, token="reader")).code == 403
        assert (await api.delete(one)).body == {}
        assert (await api.get(one)).code == (await api.delete(one)).code == 404
        assert (await api.get("runs")).body == {}

    serve(scenario)


def test_lists_know_namespaces_experiments_states_and_pages(serve):
    async def scenario(api):
        there = {"display_name": "e", "namespace": "b"}
        elsewhere = (await api.post("experiments", there)).body["experiment_id"]
        for number in range(5):
            await api.post("runs", {**RUN, "display_name": f"r{number}"})
        await api.post("runs", {**RUN, "experiment_id": elsewhere})

        async def named(query):
            found = await api.get(f"runs?{query}")
            assert found.code == 200, found.body
            return [each["display_name"] for each in found.body.get("runs", ())], found.body

        assert (await named("namespace=b"))[0] == ["one"]
        assert (await named(f"experiment_id={elsewhere}"))[0] == ["one"]
        first, body = await named("page_size=2&sort_by=display_name%20desc")
        assert (first, body["total_size"]) == (["r4", "r3"], 5)
        assert (await named(f"page_size=2&page_token={body['next_page_token']}"))[0] == ["r2", "r1"]
        pending = '{"predicates":[{"operation":"EQUALS","key":"state","string_value":"PENDING"}]}'
        assert (await named(f"filter={pending}"))[1]["total_size"] == 5
        some = '{"predicates":[{"operation":8,"key":"name","stringValues":{"values":["r1"]}}]}'
        assert (await named(f"filter={some}"))[0] == ["r1"]
        assert (await api.get("runs?namespace=b", token="reader")).code == 403
        assert (await api.get(f"runs?experiment_id={elsewhere}", token="reader")).code == 403

    serve(scenario)
