"""Workflows made from templates and CronWorkflows, and what the options of a submit change."""

import pytest

from sampan.kube import names
from sampan.services.argo import submit
from services.argo.makers import SPEC

SUBMIT = "/argo/api/v1/workflows/a/submit"
WORKFLOW = {"metadata": {"generateName": "t-", "labels": {"a": "b"}}, "spec": {}}
CRON = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "CronWorkflow",
    "metadata": {"name": "nightly", "namespace": "a"},
    "spec": {
        "schedules": ["0 0 * * *"],
        "workflowSpec": SPEC,
        "workflowMetadata": {"labels": {"from": "cron"}},
    },
}


def test_a_cron_workflow_is_run_now(serve):
    async def scenario(argo):
        await argo.cluster.create({**CRON, "metadata": dict(CRON["metadata"])}, manager="test")
        body = {"resourceKind": "cronwf", "resourceName": "nightly"}
        meta = (await argo.post(SUBMIT, body)).body["metadata"]
        assert meta["name"].startswith("nightly-")
        assert meta["labels"]["from"] == "cron"
        assert meta["labels"][names.LABEL_CRON_WORKFLOW] == "nightly"
        assert meta["labels"][names.LABEL_CREATOR] == "ada-example.com"
        assert meta["ownerReferences"][0]["kind"] == "CronWorkflow"
        assert meta["annotations"][names.ANNOTATION_SCHEDULED_TIME]

    serve(scenario)


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        pytest.param({}, 400, "Resource kind '' is not supported", id="no-kind"),
        pytest.param({"resourceKind": "Pod"}, 400, "Resource kind 'Pod'", id="another-kind"),
        pytest.param({"resourceKind": "cwf", "resourceName": "x"}, 404, "not found", id="missing"),
        pytest.param({"resourceKind": "cwf", "resourceName": "nightly", "submitOptions": 1}, 400,
                     "submitOptions must be an object", id="options"),
        pytest.param({"resourceKind": "cwf", "resourceName": "nightly",
                      "submitOptions": {"parameters": ["x"]}}, 400,
                     "expected parameter of the form: NAME=VALUE. Received: x", id="parameter"),
        pytest.param({"resourceKind": "cwf", "resourceName": "nightly",
                      "submitOptions": {"labels": "x"}}, 400, "expected labels of", id="labels"),
        pytest.param({"resourceKind": "cwf", "resourceName": "nightly",
                      "submitOptions": {"artifacts": ["x=y"]}}, 400,
                     "artifact override(s) matched no artifact: x", id="artifact"),
    ],
)  # fmt: skip
def test_refusals(serve, body, code, text):
    async def scenario(argo):
        await argo.cluster.create({**CRON, "metadata": dict(CRON["metadata"])}, manager="test")
        answer = await argo.post(SUBMIT, body)
        assert answer.code == code
        assert text in answer.body["message"]

    serve(scenario)


@pytest.mark.parametrize(
    ("key", "taken"),
    [
        pytest.param("uploads/a/01234567-89ab-cdef-0123-456789abcdef/f.txt", True, id="uploaded"),
        pytest.param("uploads/b/01234567-89ab-cdef-0123-456789abcdef/f.txt", False, id="of-others"),
        pytest.param("other/key", False, id="anywhere"),
        pytest.param("uploads/a/01234567-89ab-cdef-0123-456789abcdef/..", False, id="out"),
    ],
)
def test_a_templates_artifact_is_only_replaced_by_an_upload(serve, key, taken):
    async def scenario(argo):
        spec = {**SPEC, "arguments": {"artifacts": [{"name": "x", "s3": {"key": "old"}}]}}
        made = {"template": {"metadata": {"name": "t"}, "spec": spec}}
        assert (await argo.post("/argo/api/v1/workflow-templates/a", made)).code == 200
        body = {
            "resourceKind": "WorkflowTemplate",
            "resourceName": "t",
            "submitOptions": {"artifacts": [f"x={key}"], "dryRun": True},
        }
        answer = await argo.post(SUBMIT, body)
        assert answer.code == (200 if taken else 400)
        if taken:
            assert answer.body["spec"]["arguments"]["artifacts"][0]["s3"]["key"] == key

    serve(scenario)


def test_options_are_applied_to_a_copy():
    options = {
        "name": "n",
        "generateName": "g-",
        "entryPoint": "e",
        "serviceAccount": "s",
        "labels": "c=d,e=f",
        "annotations": "x=y",
        "priority": 0,
        "parameters": ["p=1=2"],
        "ownerReference": {"name": "o"},
    }
    found = submit.apply(WORKFLOW, options)
    assert found["metadata"] == {
        "name": "n",
        "generateName": "g-",
        "labels": {"a": "b", "c": "d", "e": "f"},
        "annotations": {"x": "y"},
        "ownerReferences": [{"name": "o"}],
    }
    assert found["spec"] == {
        "entrypoint": "e",
        "serviceAccountName": "s",
        "priority": 0,
        "arguments": {"parameters": [{"name": "p", "value": "1=2"}]},
    }
    assert WORKFLOW["spec"] == {}


def test_a_template_is_referred_to():
    found = submit.of_template("t", cluster=True)
    assert found["spec"] == {"workflowTemplateRef": {"name": "t", "clusterScope": True}}
    assert found["metadata"]["labels"] == {names.LABEL_CLUSTER_WORKFLOW_TEMPLATE: "t"}
