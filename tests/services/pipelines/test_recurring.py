"""Recurring runs over HTTP: what is created, shown, listed, switched and deleted."""

import pytest

from sampan.kube.keys import Key

IR = {
    "pipelineInfo": {"name": "hello"},
    "schemaVersion": "2.1.0",
    "root": {
        "dag": {"tasks": {"say": {"componentRef": {"name": "comp-say"}}}},
        "inputDefinitions": {"parameters": {"text": {"parameterType": "STRING"}}},
    },
    "components": {"comp-say": {"executorLabel": "exec-say"}},
    "deploymentSpec": {"executors": {"exec-say": {"container": {"image": "alpine"}}}},
}
EXPERIMENT = {"displayName": "mine", "storageState": "AVAILABLE"}


def asked(**more):
    return {
        "display_name": "Each night!",
        "max_concurrency": "2",
        "mode": "ENABLE",
        "trigger": {"cron_schedule": {"cron": "0 0 3 * * ?"}},
        "pipeline_spec": IR,
        "runtime_config": {"parameters": {"text": "[[Index]]"}},
        **more,
    }


async def create(pipelines, **more):
    answer = await pipelines("POST", "recurringruns", asked(**more))
    assert answer.code == 200, answer.raw
    return answer.body


async def schedules(pipelines, namespace="a"):
    kind = "ScheduledWorkflow.kubeflow.org"
    return list(pipelines.cluster.list(kind, namespace))


async def versions(pipelines, *names):
    """A pipeline p with versions; their ids, the pipeline's first."""
    head = {"apiVersion": "pipelines.kubeflow.org/v2beta1"}
    about = {"name": "p", "namespace": "a"}
    body = {"metadata": about, "spec": {"displayName": "p"}}
    made = [await pipelines.cluster.create({**head, "kind": "Pipeline", **body}, manager="test")]
    for number, name in enumerate(names):
        spec = {"pipelineName": "p", "versionName": name, "pipelineSpec": IR}
        note = {"pipelines.kubeflow.org/created-at": f"2026-01-0{number + 1}T00:00:00.5Z"}
        body = {
            "metadata": {"name": f"p-{name}", "namespace": "a", "annotations": note},
            "spec": spec,
        }
        whole = {**head, "kind": "PipelineVersion", **body}
        made.append(await pipelines.cluster.create(whole, manager="test"))
    return [each["metadata"]["uid"] for each in made]


def test_what_is_created_is_shown(serve):
    async def scenario(pipelines):
        made = await create(pipelines, description="of the night", no_catchup=True)
        shown = (await pipelines("GET", f"recurringruns/{made['recurring_run_id']}")).body
        assert shown == made
        assert shown["experiment_id"]
        assert shown == {
            **shown,
            "display_name": "Each night!",
            "description": "of the night",
            "max_concurrency": "2",
            "mode": "ENABLE",
            "status": "ENABLED",
            "no_catchup": True,
            "namespace": "a",
            "trigger": {"cron_schedule": {"cron": "0 0 3 * * ?"}},
            "pipeline_spec": IR,
            "runtime_config": {"parameters": {"text": "[[Index]]"}},
        }
        (schedule,) = await schedules(pipelines)
        assert schedule["metadata"]["name"].startswith("eachnight")
        assert schedule["metadata"]["uid"] == shown["recurring_run_id"]
        assert schedule["spec"]["workflow"]["parameters"] == [
            {"name": "text", "value": '"[[Index]]"'}
        ]

    serve(scenario)


def test_an_interval_has_bounds(serve):
    periodic = {
        "start_time": "2026-01-01T00:00:00Z",
        "end_time": "2026-02-01T00:00:00Z",
        "interval_second": 90,
    }

    async def scenario(pipelines):
        made = await create(pipelines, trigger={"periodic_schedule": periodic}, mode="DISABLE")
        shown = {**periodic, "interval_second": "90"}
        assert made["trigger"] == {"periodic_schedule": shown}
        assert (made["mode"], made["status"]) == ("DISABLE", "DISABLED")

    serve(scenario)


def test_the_version_is_fixed_only_if_it_is_named(serve):
    async def scenario(pipelines):
        pipeline, old, _new = await versions(pipelines, "old", "new")
        latest = await create(
            pipelines, pipeline_spec=None, pipeline_version_reference={"pipeline_id": pipeline}
        )
        assert latest["pipeline_version_reference"] == {"pipeline_id": pipeline}
        both = {"pipeline_id": pipeline, "pipeline_version_id": old}
        for named in (
            {"pipeline_version_reference": both},
            {"pipeline_version_reference": {"pipeline_version_id": old}},
            {"pipeline_version_id": old},
        ):
            made = await create(pipelines, pipeline_spec=None, **named)
            assert made["pipeline_version_reference"] == both

    serve(scenario)


def test_a_schedule_is_switched_off_and_on(serve):
    async def scenario(pipelines):
        id = (await create(pipelines))["recurring_run_id"]
        for verb, status in (("disable", "DISABLED"), ("enable", "ENABLED")):
            answer = await pipelines("POST", f"recurringruns/{id}:{verb}")
            assert (answer.code, answer.body) == (200, {})
            assert (await pipelines("GET", f"recurringruns/{id}")).body["status"] == status

    serve(scenario)


@pytest.mark.parametrize("policy", ["", "FOREGROUND", "BACKGROUND", "ORPHAN", "3"])
def test_a_schedule_is_deleted(serve, policy):
    async def scenario(pipelines):
        id = (await create(pipelines))["recurring_run_id"]
        path = f"recurringruns/{id}" + (f"?propagation_policy={policy}" if policy else "")
        answer = await pipelines("DELETE", path)
        assert (answer.code, answer.body) == (200, {})
        left = await schedules(pipelines)
        assert all(each["metadata"].get("deletionTimestamp") for each in left)
        again = await pipelines("DELETE", f"recurringruns/{id}x")
        assert again.code == 404

    serve(scenario)


def test_lists_are_sorted_filtered_and_paged(serve):
    async def scenario(pipelines):
        for name in ("b", "c", "a"):
            await create(pipelines, display_name=name)
        first = (await pipelines("GET", "recurringruns?page_size=2&sort_by=name%20desc")).body
        assert [each["display_name"] for each in first["recurringRuns"]] == ["c", "b"]
        assert first["total_size"] == 3
        token = first["next_page_token"]
        rest = (await pipelines("GET", f"recurringruns?page_size=2&page_token={token}")).body
        assert [each["display_name"] for each in rest["recurringRuns"]] == ["a"]
        assert "next_page_token" not in rest
        wanted = '{"predicates":[{"operation":1,"key":"display_name","stringValue":"b"}]}'
        found = (await pipelines("GET", f"recurringruns?filter={wanted}")).body
        assert [each["display_name"] for each in found["recurringRuns"]] == ["b"]
        assert (await pipelines("GET", "recurringruns?namespace=b")).body == {}
        experiment = found["recurringRuns"][0]["experiment_id"]
        of = (await pipelines("GET", f"recurringruns?experiment_id={experiment}")).body
        assert of["total_size"] == 3

    serve(scenario)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"display_name": ""}, "name cannot be empty"),
        ({"max_concurrency": 0}, "must be at least 1 and at most 10. Received 0"),
        ({"max_concurrency": "11"}, "Received 11"),
        ({"max_concurrency": 1.5}, "max_concurrency"),
        ({"trigger": {"cron_schedule": {"cron": "0 0"}}}, "Schedule cron is not a supported"),
        ({"trigger": {"cron_schedule": {"cron": "*," * 9999}}}, "more than 1000 characters"),
        ({"trigger": {"periodic_schedule": {}}}, "Found invalid period schedule interval 0"),
        ({"trigger": {"periodic_schedule": {"interval_second": -1}}}, "interval -1"),
        ({"trigger": {"periodic_schedule": {"start_time": "noon"}}}, "start_time"),
        ({"trigger": {"periodic_schedule": {}, "cron_schedule": {}}}, "only one of"),
        ({"trigger": {"lunar_schedule": {}}}, 'unknown field "lunar_schedule"'),
        ({"mode": "SOMETIMES"}, "mode"),
        ({"pipeline_spec": None}, "empty pipeline spec manifest"),
        ({"pipeline_spec": {"root": {}}}, "schema version"),
        ({"runtime_config": {"parameters": {}}}, "parameter text is not optional"),
        ({"runtime_config": {"parameters": {"text": 1}}}, "requires type string"),
        ({"runtime_config": {"parameters": {"text": "", "more": 1}}}, "not required by pipeline"),
        ({"plugins_input": {"x": {}}}, "plugins_input"),
        ({"colour": "red"}, 'unknown field "colour"'),
    ],
)
def test_what_cannot_be_created_is_refused(serve, fields, said):
    async def scenario(pipelines):
        answer = await pipelines("POST", "recurringruns", asked(**fields))
        assert answer.code == 400, answer.raw
        assert said in answer.body["message"]
        assert not await schedules(pipelines)

    serve(scenario)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "x"), ("POST", "x:enable"), ("POST", "x:disable"), ("DELETE", "x")],
)
def test_what_is_not_there_is_not_found(serve, method, path):
    async def scenario(pipelines):
        answer = await pipelines(method, f"recurringruns/{path}")
        assert (answer.code, answer.body["code"]) == (404, 5)

    serve(scenario)


def test_experiments_are_of_a_namespace(serve):
    async def scenario(pipelines):
        head = {"apiVersion": "pipelines.kubeflow.org/v2beta1", "kind": "Experiment"}
        about = {"metadata": {"name": "mine", "namespace": "b"}, "spec": EXPERIMENT}
        made = await pipelines.cluster.create({**head, **about}, manager="test")
        id = made["metadata"]["uid"]
        assert (await create(pipelines, experiment_id=id))["namespace"] == "b"
        answer = await pipelines("POST", "recurringruns", asked(experiment_id=id, namespace="a"))
        assert answer.code == 400
        assert "belongs to namespace 'b' instead of 'a'" in answer.body["message"]
        lost = await pipelines("POST", "recurringruns", asked(experiment_id="lost"))
        assert lost.code == 404

    serve(scenario)


def test_the_caller_needs_the_right_to_schedule(serve):
    async def scenario(pipelines):
        answer = await pipelines("POST", "recurringruns", asked(), token="reader")
        assert answer.code == 403
        id = (await create(pipelines))["recurring_run_id"]
        answer = await pipelines("POST", f"recurringruns/{id}:disable", token="reader")
        assert answer.code == 403
        assert (await pipelines("GET", f"recurringruns/{id}", token="reader")).code == 200
        assert (await pipelines("GET", f"recurringruns/{id}", token="")).code == 401
        name = (await schedules(pipelines))[0]["metadata"]["name"]
        key = Key("ScheduledWorkflow.kubeflow.org", "a", name)
        assert pipelines.cluster.get(key)["spec"]["enabled"]

    serve(scenario)
