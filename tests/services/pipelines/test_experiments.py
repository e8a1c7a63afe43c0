"""Experiments; the cases are those of upstream's API tests."""

import pytest

from sampan.kube import names
from services.pipelines.makers import SPEC

SCHEDULE = {
    "display_name": "s", "mode": "ENABLE", "max_concurrency": 1, "pipeline_spec": SPEC,
    "trigger": {"periodic_schedule": {"interval_second": 60}},
}  # fmt: skip


def test_an_experiment_is_made_shown_put_away_and_deleted(serve):
    async def scenario(api):
        made = await api.post("experiments", {"display_name": "My One", "description": "of mine"})
        assert made.code == 200
        one = f"experiments/{made.body['experiment_id']}"
        wanted = {
            "display_name": "My One", "description": "of mine", "namespace": "a",
            "storage_state": "AVAILABLE", "last_run_created_at": "1970-01-01T00:00:00Z",
        }  # fmt: skip
        assert made.body.items() >= wanted.items()
        assert (await api.post(f"{one}:archive", None)).body == {}
        assert (await api.get(one)).body["storage_state"] == "ARCHIVED"
        assert (await api.post(f"{one}:unarchive", None)).body == {}
        assert (await api.get(one)).body == made.body
        assert (await api.delete(one)).body == {}
        gone = await api.get(one)
        assert (gone.code, gone.body["code"]) == (404, 5)
        detail = gone.body["details"][0]
        assert detail["@type"] == "type.googleapis.com/google.rpc.Status"
        assert detail["message"] == f"Experiment {made.body['experiment_id']} not found"

    serve(scenario)


def test_a_name_is_unique_in_a_namespace_alone(serve):
    async def scenario(api):
        assert (await api.post("experiments", {"display_name": "x"})).code == 200
        assert (await api.post("experiments", {"display_name": "x"})).code == 409
        assert (await api.post("experiments", {"display_name": "X"})).code == 200
        elsewhere = {"display_name": "x", "namespace": "b"}
        assert (await api.post("experiments", elsewhere)).body["namespace"] == "b"
        assert (await api.get("experiments?namespace=b")).body["total_size"] == 1

    serve(scenario)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "non-empty name"),
        ({"display_name": ""}, "non-empty name"),
        ({"display_name": "n" * 129}, "Experiment.Name length cannot exceed 128"),
        ({"display_name": "n", "what": 1}, 'unknown field "what"'),
        ({"display_name": 1}, "expected a string"),
        ([], "expected an object"),
        ({"display_name": "n", "storage_state": "GONE"}, "invalid value for enum field"),
        ({"display_name": "n", "displayName": "m"}, "duplicate field"),
    ],
)
def test_what_is_no_experiment_is_refused(serve, body, said):
    async def scenario(api):
        made = await api.post("experiments", body)
        assert (made.code, made.body["code"]) == (400, 3)
        assert said in made.body["message"]

    serve(scenario)


def test_what_is_in_an_archived_experiment_is_put_away_too(serve):
    async def scenario(api):
        experiment = (await api.post("experiments", {"display_name": "x"})).body["experiment_id"]
        named = {"experiment_id": experiment}
        body = {"display_name": "r", "pipeline_spec": SPEC, **named}
        run = (await api.post("runs", body)).body["run_id"]
        schedule = (await api.post("recurringruns", {**SCHEDULE, **named})).body
        assert (schedule["status"], schedule["experiment_id"]) == ("ENABLED", experiment)
        assert (await api.post(f"experiments/{experiment}:archive", None)).body == {}
        assert (await api.get(f"runs/{run}")).body["storage_state"] == "ARCHIVED"
        found = await api.get(f"recurringruns/{schedule['recurring_run_id']}")
        assert found.body["status"] == "DISABLED"
        refused = await api.post(f"runs/{run}:unarchive", None)
        assert (refused.code, "un-archived first" in refused.body["message"]) == (400, True)
        await api.post(f"experiments/{experiment}:unarchive", None)
        assert (await api.get(f"runs/{run}")).body["storage_state"] == "ARCHIVED"
        assert (await api.post(f"runs/{run}:unarchive", None)).body == {}
        assert (await api.get(f"runs/{run}")).body["storage_state"] == "AVAILABLE"

    serve(scenario)


def test_the_default_experiment_is_there_from_the_first_look_on(serve):
    async def scenario(api):
        assert (await api.get("experiments?namespace=b")).body == {}
        (default,) = (await api.get("experiments")).body["experiments"]
        assert default["display_name"] == "Default"
        assert (await api.get("experiments")).body["experiments"] == [default]
        made = await api.post("runs", {"display_name": "r", "pipeline_spec": SPEC})
        (default,) = (await api.get("experiments")).body["experiments"]
        assert made.body["experiment_id"] == default["experiment_id"]
        assert default["last_run_created_at"] == made.body["created_at"]
        refused = await api.delete(f"experiments/{default['experiment_id']}")
        assert (refused.code, "cannot be deleted" in refused.body["message"]) == (400, True)

    serve(scenario)


def test_experiments_made_by_kubectl_are_found(serve):
    async def scenario(api):
        manifest = {
            "apiVersion": f"{names.PIPELINES_GROUP}/v2beta1", "kind": "Experiment",
            "metadata": {"name": "plain", "namespace": "a"}, "spec": {},
        }  # fmt: skip
        made = await api.cluster.create(manifest, manager="test")
        found = await api.get(f"experiments/{made['metadata']['uid']}")
        assert (found.body["display_name"], found.body["storage_state"]) == ("plain", "AVAILABLE")
        assert (await api.post("experiments", {"display_name": "plain"})).code == 409

    serve(scenario)
