"""Whose run is meant by an id that anybody may write on what is theirs."""

import pytest

from sampan.kube import names
from sampan.kube.keys import Key
from services.pipelines.makers import SPEC, TEXT

RUN = {"display_name": "one", "pipeline_spec": SPEC}


def theirs(run_id, name="evil", **spec):
    """A Run of namespace b that says to have this id."""
    return {
        "apiVersion": "pipelines.kubeflow.org/v2beta1",
        "kind": "Run",
        "metadata": {"name": name, "namespace": "b", "labels": {names.LABEL_RUN_ID: run_id}},
        "spec": {"pipelineSpec": SPEC, **spec},
    }


async def made(api):
    run_id = (await api.post("runs", RUN)).body["run_id"]
    await api.api.inprocess.create(theirs(run_id), manager="test")
    return run_id


@pytest.mark.parametrize("gone", [False, True])
def test_a_run_stays_its_owners(serve, gone):
    async def scenario(api):
        run_id = await made(api)
        (run,) = api.cluster.list(names.RUN, "a")
        if gone:
            await api.cluster.delete(Key(names.RUN, "a", run["metadata"]["name"]), {})
        found = await api.get(f"runs/{run_id}", token="reader")
        assert (found.code, found.body["display_name"]) == (200, "one")

    serve(scenario)


@pytest.mark.parametrize("gone", [False, True])
def test_whoever_takes_an_id_deletes_their_own_run_alone(serve, gone):
    async def scenario(api):
        run_id = await made(api)
        (run,) = api.cluster.list(names.RUN, "a")
        if gone:
            await api.cluster.delete(Key(names.RUN, "a", run["metadata"]["name"]), {})
        reported = {"metrics": [{"name": "m", "node_id": "n", "number_value": 1}]}
        path = f"/pipeline/apis/v1beta1/runs/{run_id}"
        assert (await api.post(f"{path}:reportMetrics", reported, token="other")).code == 200
        assert (await api.delete(f"runs/{run_id}", token="other")).code == 200
        assert not api.cluster.list(names.RUN, "b")
        assert (await api.get(f"runs/{run_id}", token="reader")).code == 200
        left = (await api.get("runs?namespace=a", token="reader")).body["runs"]
        assert [each["run_id"] for each in left] == [run_id]
        assert not (await api.get(path, token="reader")).body["run"].get("metrics")
        assert (await api.get("runs?namespace=b", token="other")).body == {}

    serve(scenario)


def test_an_id_goes_to_who_is_left(serve):
    async def scenario(api):
        run_id = await made(api)
        await api.api.inprocess.create(theirs(run_id, "third"), manager="test")
        for name in ("evil", "third"):
            found = await api.get(f"runs/{run_id}", token="other")
            assert found.body["display_name"] == name
            await api.cluster.delete(Key(names.RUN, "b", name), {})
        assert (await api.get(f"runs/{run_id}", token="other")).code == 403
        assert (await api.delete(f"runs/{run_id}")).code == 200
        assert (await api.get(f"runs/{run_id}")).code == 404

    serve(scenario)


def test_an_experiment_is_archived_though_strangers_say_that_they_are_in_it(serve):
    async def scenario(api):
        run = (await api.post("runs", RUN)).body
        strange = theirs("x", experimentId=run["experiment_id"])
        await api.api.inprocess.create(strange, manager="test")
        path = f"experiments/{run['experiment_id']}"
        assert (await api.post(f"{path}:archive", {})).code == 200
        states = {
            each["metadata"]["namespace"]: each["spec"]["storageState"]
            for each in api.cluster.list(names.RUN)
        }
        assert states == {"a": "ARCHIVED", "b": "AVAILABLE"}

    serve(scenario)


def test_names_of_others_are_not_told(serve):
    async def scenario(api):
        pipeline = (await api.upload("p.yaml", TEXT, "name=secret")).body
        assert (await api.post("experiments", {"display_name": "hidden"})).code == 200
        for path, body in (
            ("pipelines", {"display_name": "secret", "name": "secret", "namespace": "a"}),
            ("experiments", {"display_name": "hidden", "namespace": "a"}),
            (f"pipelines/{pipeline['pipeline_id']}/versions",
             {"display_name": "secret", "pipeline_spec": SPEC}),
        ):  # fmt: skip
            found = await api.post(path, body, token="other")
            assert (found.code, "exists" in found.body["message"]) == (403, False)
        for name in ("secret", "none"):
            found = await api.get(f"pipelines/names/{name}?namespace=a", token="other")
            assert found.code == 403

    serve(scenario)
