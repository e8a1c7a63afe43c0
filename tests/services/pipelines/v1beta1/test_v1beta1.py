"""The first version of the API over HTTP: what clients of kfp 1.8 and plain HTTP clients ask."""

import json

import pytest

from sampan.kube.keys import Key

V1 = "/pipeline/apis/v1beta1"
WORKFLOW = "Workflow.argoproj.io"
ARGO = b"""
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: hello-}
spec:
  entrypoint: main
  arguments: {parameters: [{name: text, value: "[[RunUUID]]"}, {name: more}]}
  templates:
  - name: main
    container: {image: alpine, command: [echo, "{{workflow.parameters.text}}"]}
    outputs: {artifacts: [{name: mlpipeline-metrics, path: /m.json}]}
"""
IR = {
    "pipelineInfo": {"name": "hello"},
    "schemaVersion": "2.1.0",
    "root": {
        "dag": {"tasks": {"say": {"componentRef": {"name": "comp-say"}}}},
        "inputDefinitions": {
            "parameters": {
                "text": {"parameterType": "STRING"},
                "count": {"parameterType": "NUMBER_INTEGER", "isOptional": True},
            }
        },
    },
    "components": {"comp-say": {"executorLabel": "exec-say"}},
    "deploymentSpec": {"executors": {"exec-say": {"container": {"image": "alpine"}}}},
}


async def upload(api, data=ARGO, name="p", file="p.yaml", query=""):
    head = f'--b\r\nContent-Disposition: form-data; name="uploadfile"; filename="{file}"\r\n\r\n'
    raw = head.encode() + data + b"\r\n--b--\r\n"
    form = ("content-type", "multipart/form-data; boundary=b")
    path = f"{V1}/pipelines/upload{query or f'?name={name}'}"
    return await api("POST", path, raw=raw, headers=[form])


def references(**ids):
    return [{"key": {"type": kind, "id": id}} for kind, id in ids.items()]


async def ask(api, method, path, body=None, code=200):
    answer = await api(method, f"{V1}/{path}", body)
    assert answer.code == code, answer.raw
    return answer.body


async def run(api, name="once", **fields):
    """A run of a pipeline that was just uploaded, and its id."""
    uploaded = await upload(api, name=f"of-{name}")
    assert uploaded.code == 200, uploaded.raw
    version = uploaded.body["default_version"]["id"]
    body = {"name": name, "resource_references": references(PIPELINE_VERSION=version), **fields}
    return (await ask(api, "POST", "runs", body))["run"]


def workflow_of(api, run_id):
    return next(
        each
        for each in api.cluster.list(WORKFLOW, "a")
        if each["metadata"]["labels"].get("pipeline/runid") == run_id
    )


async def ends(api, run_id, phase):
    found = workflow_of(api, run_id)
    key = Key(WORKFLOW, "a", found["metadata"]["name"])
    labels = {"labels": {"workflows.argoproj.io/completed": "true"}}
    name = found["metadata"]["name"]
    root = {"id": name, "name": name, "displayName": name, "type": "Pod", "phase": phase}
    status = {"phase": phase, "finishedAt": "2026-01-01T00:00:00Z", "message": "so it is",
              "nodes": {name: root}}  # fmt: skip
    patch = {"metadata": labels, "status": status}
    await api.cluster.patch(key, patch, type="merge", subresource="", manager="t", force=True)


def test_a_workflow_is_uploaded_as_a_pipeline(serve):
    async def scenario(api):
        made = (await upload(api)).body
        assert made["parameters"] == [{"name": "text", "value": "[[RunUUID]]"}, {"name": "more"}]
        version = made["default_version"]
        key = {"type": "PIPELINE", "id": made["id"]}
        assert version["resource_references"] == [{"key": key, "relationship": "OWNER"}]
        assert await ask(api, "GET", f"pipelines/{made['id']}") == made
        assert await ask(api, "GET", "namespaces/-/pipelines/p") == made
        assert await ask(api, "GET", f"pipeline_versions/{version['id']}") == version
        listed = await ask(api, "GET", "pipelines")
        assert listed == {"pipelines": [made], "total_size": 1}
        for path in (f"pipelines/{made['id']}", f"pipeline_versions/{version['id']}"):
            template = (await ask(api, "GET", f"{path}/templates"))["template"]
            assert template.startswith("apiVersion: argoproj.io/v1alpha1\nkind: Workflow\n")
        second = await api("POST", f"{V1}/pipelines/upload?name=p", None)
        assert second.code == 400
        assert (await upload(api)).code == 409

    serve(scenario)


def test_versions_are_listed_and_deleted(serve):
    async def scenario(api):
        made = (await upload(api)).body
        query = f"_version?name=v2&pipelineid={made['id']}"
        newer = (await upload(api, query=query)).body
        assert newer["name"] == "v2"
        of = f"resource_key.type=PIPELINE&resource_key.id={made['id']}"
        page = await ask(api, "GET", f"pipeline_versions?{of}&page_size=1&sort_by=name")
        assert [each["name"] for each in page["versions"]] == ["p"]
        rest = await ask(
            api, "GET", f"pipeline_versions?{of}&page_size=1&page_token={page['next_page_token']}"
        )
        assert rest["versions"] == [newer]
        assert (await ask(api, "GET", f"pipelines/{made['id']}"))["default_version"] == newer
        default = f"pipelines/{made['id']}/default_version"
        assert await ask(api, "POST", f"{default}/{newer['id']}") == {}
        old = made["default_version"]["id"]
        await ask(api, "POST", f"{default}/{old}", code=501)
        assert await ask(api, "DELETE", f"pipeline_versions/{newer['id']}") == {}
        await ask(api, "GET", f"pipeline_versions/{newer['id']}", code=404)
        await ask(api, "GET", "pipeline_versions", code=400)
        assert await ask(api, "DELETE", f"pipelines/{made['id']}") == {}
        assert await ask(api, "GET", "pipelines") == {}

    serve(scenario)


def test_a_run_is_a_workflow_with_upstreams_labels(serve):
    async def scenario(api):
        spec = {"parameters": [{"name": "more", "value": "given"}]}
        made = await run(api, pipeline_spec=spec, description="why")
        found = workflow_of(api, made["id"])
        about, body = found["metadata"], found["spec"]
        assert about["name"].startswith("hello-")
        assert about["annotations"]["pipelines.kubeflow.org/run_name"] == "once"
        assert body["arguments"]["parameters"] == [
            {"name": "text", "value": made["id"]},
            {"name": "more", "value": "given"},
        ]
        assert body["podMetadata"]["labels"]["pipeline/runid"] == made["id"]
        assert body["templates"][0]["outputs"]["artifacts"][0]["optional"]
        assert (made["name"], made["description"], made["status"]) == ("once", "why", "Pending")
        kinds = [each["key"]["type"] for each in made["resource_references"]]
        assert kinds == ["NAMESPACE", "EXPERIMENT", "PIPELINE_VERSION"]
        called = [each.get("name") for each in made["resource_references"]]
        assert called == [None, "Default", "of-once"]
        detail = await ask(api, "GET", f"runs/{made['id']}")
        manifest = json.loads(detail["pipeline_runtime"]["workflow_manifest"])
        assert manifest["metadata"]["uid"] == about["uid"]
        await ends(api, made["id"], "Succeeded")
        ended = (await ask(api, "GET", f"runs/{made['id']}"))["run"]
        assert (ended["status"], ended["finished_at"]) == ("Succeeded", "2026-01-01T00:00:00Z")

    serve(scenario)


def test_a_manifest_is_run_as_it_is_sent(serve):
    async def scenario(api):
        body = {"name": "r", "pipeline_spec": {"workflow_manifest": ARGO.decode()}}
        made = (await ask(api, "POST", "runs", body))["run"]
        assert workflow_of(api, made["id"])["kind"] == "Workflow"
        texts = [{"name": "count", "value": "3"}]
        config = {"parameters": {"text": "x"}}
        spec = {"pipeline_manifest": json.dumps(IR), "runtime_config": config, "parameters": texts}
        detail = await ask(api, "POST", "runs", {"name": "ir", "pipeline_spec": spec})
        shown = detail["run"]["pipeline_spec"]
        assert shown["runtime_config"]["parameters"] == {"text": "x", "count": 3}
        assert json.loads(shown["pipeline_manifest"])["pipelineInfo"] == {"name": "hello"}
        assert "pipeline_manifest" in detail["pipeline_runtime"]
        names = [each["name"] for each in (await ask(api, "GET", "runs"))["runs"]]
        assert names == ["r", "ir"]
        for verb in ("archive", "unarchive"):
            assert await ask(api, "POST", f"runs/{detail['run']['id']}:{verb}") == {}

    serve(scenario)


def test_a_run_is_put_away_and_brought_back(serve):
    async def scenario(api):
        made = await run(api)
        wanted = json.dumps(
            {"predicates": [{"op": "EQUALS", "key": "storage_state",
                             "string_value": "STORAGESTATE_ARCHIVED"}]}
        )  # fmt: skip
        put_away = f"runs?filter={wanted}"
        assert await ask(api, "GET", put_away) == {}
        assert await ask(api, "POST", f"runs/{made['id']}:archive") == {}
        (found,) = (await ask(api, "GET", put_away))["runs"]
        assert (found["id"], found["storage_state"]) == (made["id"], "STORAGESTATE_ARCHIVED")
        experiment = made["resource_references"][1]["key"]["id"]
        await ask(api, "POST", f"experiments/{experiment}:archive")
        refused = await ask(api, "POST", f"runs/{made['id']}:unarchive", code=400)
        assert "must be un-archived first" in refused["message"]
        await ask(api, "POST", f"experiments/{experiment}:unarchive")
        assert await ask(api, "POST", f"runs/{made['id']}:unarchive") == {}
        assert "storage_state" not in (await ask(api, "GET", f"runs/{made['id']}"))["run"]

    serve(scenario)


def test_a_run_that_only_the_records_know_is_put_away_too(serve):
    async def scenario(api):
        made = await run(api)
        await ends(api, made["id"], "Failed")
        name = workflow_of(api, made["id"])["metadata"]["name"]
        await api.cluster.delete(Key(WORKFLOW, "a", name), {})
        assert await ask(api, "POST", f"runs/{made['id']}:archive") == {}
        shown = (await ask(api, "GET", f"runs/{made['id']}"))["run"]
        assert (shown["status"], shown["storage_state"]) == ("Failed", "STORAGESTATE_ARCHIVED")
        assert await ask(api, "POST", f"runs/{made['id']}/retry") == {}
        assert workflow_of(api, made["id"])["metadata"]["name"] == name
        assert await ask(api, "DELETE", f"runs/{made['id']}") == {}
        await ask(api, "GET", f"runs/{made['id']}", code=404)
        assert await ask(api, "GET", "runs") == {}

    serve(scenario)


def test_a_run_is_ended_and_tried_again(serve):
    async def scenario(api):
        made = await run(api)
        refused = await ask(api, "POST", f"runs/{made['id']}/retry", code=400)
        assert "does not allow retries" in refused["message"]
        assert await ask(api, "POST", f"runs/{made['id']}/terminate") == {}
        assert workflow_of(api, made["id"])["spec"]["shutdown"] == "Terminate"
        await ends(api, made["id"], "Failed")
        assert (await ask(api, "GET", f"runs/{made['id']}"))["run"]["error"] == "so it is"
        assert await ask(api, "POST", f"runs/{made['id']}/terminate") == {}
        assert await ask(api, "POST", f"runs/{made['id']}/retry") == {}
        again = workflow_of(api, made["id"])
        assert again["status"].get("phase") in (None, "Running")
        assert "shutdown" not in again["spec"]

    serve(scenario)


def test_metrics_are_judged_one_by_one(serve):
    async def scenario(api):
        made = await run(api)
        metrics = [
            {"name": "acc", "node_id": "n", "number_value": 0.5, "format": "PERCENTAGE"},
            {"name": "acc", "node_id": "n", "number_value": 0.6},
            {"name": "1st", "node_id": "n", "number_value": 1},
            {"name": "loss", "number_value": 1},
        ]
        path = f"runs/{made['id']}:reportMetrics"
        results = (await ask(api, "POST", path, {"metrics": metrics}))["results"]
        assert [each["status"] for each in results] == [
            "OK", "DUPLICATE_REPORTING", "INVALID_ARGUMENT", "INVALID_ARGUMENT",
        ]  # fmt: skip
        (metric,) = (await ask(api, "GET", f"runs/{made['id']}"))["run"]["metrics"]
        assert (metric["name"], metric["number_value"]) == ("acc", 0.5)
        await ask(api, "POST", "runs/lost:reportMetrics", {"metrics": metrics}, code=404)
        await ask(api, "POST", path, {"metrics": [{"number_value": "x"}]}, code=400)

    serve(scenario)


def test_a_job_runs_the_newest_version_of_when_it_was_made(serve):
    async def scenario(api):
        made = (await upload(api)).body
        trigger = {"cron_schedule": {"cron": "0 0 3 * * *"}}
        body = {
            "name": "nightly",
            "enabled": True,
            "max_concurrency": "1",
            "trigger": trigger,
            "pipeline_spec": {
                "pipeline_id": made["id"],
                "parameters": [{"name": "text", "value": "[[Index]]"}],
            },
        }
        job = await ask(api, "POST", "jobs", body)
        assert (job["status"], job["enabled"], job["trigger"]) == ("ENABLED", True, trigger)
        kinds = [each["key"]["type"] for each in job["resource_references"]]
        assert kinds == ["NAMESPACE", "EXPERIMENT", "PIPELINE_VERSION"]
        assert await ask(api, "GET", f"jobs/{job['id']}") == job
        assert await ask(api, "GET", "jobs") == {"jobs": [job], "total_size": 1}
        (schedule,) = api.cluster.list("ScheduledWorkflow.kubeflow.org", "a")
        assert schedule["spec"]["workflow"]["spec"]["entrypoint"] == "main"
        assert await ask(api, "POST", f"jobs/{job['id']}/disable") == {}
        off = await ask(api, "GET", f"jobs/{job['id']}")
        assert (off["status"], "enabled" in off) == ("DISABLED", False)
        assert await ask(api, "POST", f"jobs/{job['id']}/enable") == {}
        assert await ask(api, "DELETE", f"jobs/{job['id']}") == {}
        await ask(api, "GET", f"jobs/{job['id']}", code=404)

    serve(scenario)


def test_a_job_of_ir_is_a_recurring_run(serve):
    async def scenario(api):
        made = (await upload(api, json.dumps(IR).encode(), file="p.json")).body
        assert "parameters" not in made
        body = {
            "name": "often",
            "mode": "ENABLED",
            "max_concurrency": 2,
            "trigger": {"periodic_schedule": {"interval_second": 60}},
            "pipeline_spec": {
                "pipeline_id": made["id"],
                "runtime_config": {"parameters": {"text": "x"}},
            },
        }
        job = await ask(api, "POST", "jobs", body)
        assert job["pipeline_spec"]["runtime_config"] == {"parameters": {"text": "x"}}
        recurring = (await api("GET", f"recurringruns/{job['id']}")).body
        version = made["default_version"]["id"]
        assert recurring["pipeline_version_reference"] == {
            "pipeline_id": made["id"],
            "pipeline_version_id": version,
        }
        body["pipeline_spec"]["runtime_config"] = {"parameters": {}}
        await ask(api, "POST", "jobs", body, code=400)

    serve(scenario)


def test_experiments_are_those_of_the_second_version(serve):
    async def scenario(api):
        body = {"name": "e", "resource_references": references(NAMESPACE="b")}
        made = await ask(api, "POST", "experiments", body)
        assert made["storage_state"] == "STORAGESTATE_AVAILABLE"
        listed = "experiments?resource_reference_key.type=NAMESPACE&resource_reference_key.id=b"
        assert await ask(api, "GET", listed) == {"experiments": [made], "total_size": 1}
        (default,) = (await ask(api, "GET", "experiments"))["experiments"]
        assert default["name"] == "Default"
        await ask(api, "POST", "experiments", body, code=409)
        shown = (await api("GET", f"experiments/{made['id']}")).body
        assert (shown["display_name"], shown["namespace"]) == ("e", "b")
        assert await ask(api, "DELETE", f"experiments/{made['id']}") == {}
        await ask(api, "GET", f"experiments/{made['id']}", code=404)

    serve(scenario)


@pytest.mark.parametrize(
    ("fields", "code", "said"),
    [
        ({"name": ""}, 400, "Run name cannot be empty"),
        ({"pipeline_spec": {}}, 400, "empty pipeline spec manifest"),
        ({"pipeline_spec": {"pipeline_id": "lost"}}, 404, "lost not found"),
        ({"pipeline_spec": {"workflow_manifest": "a: ["}}, 400, "parse the workflow template"),
        ({"pipeline_spec": {"workflow_manifest": "3"}}, 400, "pipeline spec is invalid"),
        (
            {"pipeline_spec": {"workflow_manifest": "{apiVersion: v1, kind: Pod}"}},
            400,
            "Unsupported argo version. Expected: argoproj.io/v1alpha1. Received: v1",
        ),
        (
            {"pipeline_spec": {"workflow_manifest": ARGO.decode().replace("main\n", "gone\n", 1)}},
            400,
            "gone",
        ),
        (
            {
                "pipeline_spec": {
                    "workflow_manifest": ARGO.decode(),
                    "parameters": [{"name": "odd"}],
                }
            },
            400,
            "Unrecognized input parameter: odd",
        ),
        (
            {
                "pipeline_spec": {
                    "workflow_manifest": ARGO.decode(),
                    "runtime_config": {"parameters": {"text": "x"}},
                }
            },
            400,
            "pipeline_spec.runtime_config: a Workflow takes pipeline_spec.parameters",
        ),
        ({"resource_references": references(EXPERIMENT="lost")}, 404, "lost not found"),
        ({"resource_references": references(PLANET="x")}, 400, "PLANET"),
        ({"colour": "red"}, 400, 'unknown field "colour"'),
    ],
)
def test_what_cannot_be_run_is_refused(serve, fields, code, said):
    async def scenario(api):
        body = {"name": "r", "pipeline_spec": {"workflow_manifest": ARGO.decode()}, **fields}
        answer = await ask(api, "POST", "runs", body, code=code)
        assert said in answer["message"]
        assert not api.cluster.list(WORKFLOW, "a")

    serve(scenario)


@pytest.mark.parametrize(
    "data",
    [
        b"apiVersion: argoproj.io/v1alpha1\ninvalidKey: something",
        ARGO.replace(b"name: main", b"name: 'not a name'"),
        ARGO.replace(b"kind: Workflow", b"kind: CronWorkflow"),
        b"steps: [{name: gcr.io/cloud-builders/docker}]",
        b"apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec: [1]",
        b"apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: x\nspec: {}",
    ],
)
def test_what_is_no_pipeline_is_not_taken(serve, data):
    async def scenario(api):
        answer = await upload(api, data)
        assert answer.code == 400, answer.raw
        assert answer.body["error_message"]
        assert await ask(api, "GET", "pipelines") == {}

    serve(scenario)


def test_lists_are_of_what_can_be_listed(serve):
    async def scenario(api):
        for query, said in (
            ("resource_reference_key.type=JOB", "cannot be of a JOB"),
            ("resource_reference_key.type=9", "resource_reference_key.type"),
            ("page_size=-1", "page size"),
            ("sort_by=colour", "Invalid sorting field"),
            ("page_token=x", "Invalid page token"),
            ('filter={"predicates":[{"operation":1}]}', "failed to parse valid filter"),
        ):
            for path in ("runs", "jobs", "experiments", "pipelines"):
                answer = await ask(api, "GET", f"{path}?{query}", code=400)
                assert said in answer["message"]

    serve(scenario)
