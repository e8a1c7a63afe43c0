"""Logs that outlived their pods, and artifacts as files."""

import pytest

from sampan.kube import names
from services.pipelines.makers import SPEC

V1 = "/pipeline/apis/v1alpha1"


async def run_with(api, store, **entry):
    """The id of a run with one task, and where its artifacts lie."""
    run_id = (await api.post("runs", {"display_name": "r", "pipeline_spec": SPEC})).body["run_id"]
    (run,) = api.cluster.list(names.RUN, "a")
    task = {"id": "t1", "name": "train", "type": "Container", "state": "SUCCEEDED", **entry}
    await api.told(names.RUN, run["metadata"]["name"], {"state": "SUCCEEDED", "tasks": {"": {
        "id": "t0", "name": "", "type": "Dag", "state": "SUCCEEDED"}, "train": task}})  # fmt: skip
    return run_id, store / "artifacts" / "a" / "mlpipeline"


def test_a_log_outlives_its_pod(serve, tmp_path):
    async def scenario(api):
        run_id, bucket = await run_with(api, tmp_path, pod="hello-1-train")
        kept = bucket / "logs" / run_id / "hello-1-train.log"
        kept.parent.mkdir(parents=True)
        kept.write_text("so it went\n")
        for node in ("hello-1-train", "t1", "train"):
            found = await api.get(f"{V1}/runs/{run_id}/nodes/{node}/log?follow=true")
            assert (found.code, found.raw) == (200, b"so it went\n")
            assert "sandbox" in found.headers["content-security-policy"]
        missing = await api.get(f"{V1}/runs/{run_id}/nodes/other/log")
        assert (missing.code, "no node other" in missing.body["message"]) == (404, True)
        assert (await api.get(f"{V1}/runs/nobody/nodes/train/log")).code == 404
        away = await api.get(f"{V1}/runs/{run_id}/nodes/hello-1-..%2F..%2Fx/log")
        assert away.code == 404

    serve(scenario)


def test_a_task_of_the_cache_has_no_log_and_says_why(serve, tmp_path):
    async def scenario(api):
        run_id, _ = await run_with(api, tmp_path, cache={"from": {"runId": "r0", "taskId": "t9"}})
        found = await api.get(f"{V1}/runs/{run_id}/nodes/train/log")
        assert (found.code, "from the cache, of run r0" in found.body["message"]) == (404, True)

    serve(scenario)


def test_an_output_is_read_as_a_file(serve, tmp_path):
    async def scenario(api):
        uri = "minio://mlpipeline/v2/model"
        outputs = {"artifacts": {"model": [{"id": "x", "uri": uri}], "bad": [{"uri": "ftp://x"}]}}
        run_id, bucket = await run_with(api, tmp_path, outputs=outputs)
        (bucket / "v2").mkdir(parents=True)
        (bucket / "v2" / "model").write_text("weights")
        one = f"runs/{run_id}/nodes/train/artifacts"
        assert (await api.get(f"{one}/model:read")).body == {"data": "d2VpZ2h0cw=="}
        missing = await api.get(f"{one}/other:read")
        assert (missing.code, "not found" in missing.body["error_message"]) == (404, True)
        assert (await api.get(f"{one}/bad:read")).code == 400
        get = "/pipeline/artifacts/get?source=minio&bucket=mlpipeline&key=v2/model"
        assert (await api.get(f"{get}&namespace=a")).raw == b"weights"
        assert (await api.get(f"{get}&peek=3")).raw == b"wei"
        assert (await api.get(f"{get}&namespace=b")).code == 404
        assert (await api.get(f"{get}&namespace=b", token="reader")).code == 403

    serve(scenario)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("source=volume&bucket=b&key=k", "'volume' is not supported"),
        ("source=minio&bucket=&key=k", "missing"),
        ("source=minio&bucket=b&key=../../etc/passwd", "leads out of its bucket"),
        ("source=minio&bucket=b&key=k&peek=-1", "peek"),
        ("source=minio&bucket=b&key=/", "'' is no key of an object"),
        ("source=minio&bucket=.tmp&key=k", "'.tmp' is no name of a bucket"),
    ],
)
def test_what_is_no_place_is_refused(serve, query, said):
    async def scenario(api):
        found = await api.get(f"/pipeline/artifacts/get?{query}")
        assert (found.code, said in found.body["message"]) == (400, True), found.body

    serve(scenario)
