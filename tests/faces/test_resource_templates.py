"""Resource templates act as the service account of their pod, and nobody else."""

import json
import time

import pytest

BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "editor"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
}
SETTINGS = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings"},
    "data": {"mode": "fast", "list": '[{"a": 1}]'},
}


def template(name, action, manifest=None, **fields):
    outputs = fields.pop("outputs", None)
    body = {"action": action, **fields}
    if manifest is not None:
        body["manifest"] = json.dumps(manifest)
    made = {"name": name, "resource": body}
    if outputs:
        made["outputs"] = {
            "parameters": [{"name": key, "valueFrom": value} for key, value in outputs.items()]
        }
    return made


@pytest.fixture
def run(sampan, namespace):
    """Runs templates one after another; answers the nodes by their display names."""
    workflows = f"/apis/argoproj.io/v1alpha1/namespaces/{namespace}/workflows"

    def run(*templates, seconds=30):
        steps = [[{"name": each["name"], "template": each["name"]}] for each in templates]
        spec = {"entrypoint": "main", "templates": [{"name": "main", "steps": steps}, *templates]}
        head = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow"}
        whole = {**head, "metadata": {"generateName": "w-"}, "spec": spec}
        _, made = sampan.request("POST", workflows, whole)
        end = time.monotonic() + seconds
        while True:
            _, found = sampan.request("GET", f"{workflows}/{made['metadata']['name']}")
            status = found.get("status") or {}
            if status.get("finishedAt"):
                return {each["displayName"]: each for each in status["nodes"].values()}
            assert time.monotonic() < end, status
            time.sleep(0.05)

    run.object = lambda path: sampan.request("GET", f"/api/v1/namespaces/{namespace}/{path}")[1]
    run.uid = lambda: sampan.request("GET", workflows)[1]["items"][0]["metadata"]["uid"]
    run.namespace = namespace
    return run


@pytest.fixture
def edit(sampan, namespace):
    """Lets the service account change things."""
    subject = {"kind": "ServiceAccount", "name": "default", "namespace": namespace}
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings"
    sampan.request("POST", path, {**BINDING, "subjects": [subject]})


def test_without_rights_nothing_is_done(run):
    nodes = run(template("make", "create", SETTINGS))
    assert nodes["make"]["phase"] == "Failed"
    assert nodes["make"]["message"] == (
        "main: Error (exit code 64): no more retries Error from server (Forbidden): error when"
        f' creating "/tmp/manifest.yaml": configmaps is forbidden: User "system:serviceaccount:'
        f'{run.namespace}:default" cannot create resource "configmaps" in API group "" in the'
        f' namespace "{run.namespace}"'
    )


@pytest.mark.usefixtures("edit")
def test_objects_are_made_changed_read_and_deleted(run):
    nodes = run(
        template("make", "create", SETTINGS, setOwnerReference=True),
        template("again", "apply", {**SETTINGS, "data": {"mode": "slow"}}),
        template("change", "patch", {"data": {"more": "yes"}}, flags=["configmap", "settings"]),
        template("list", "patch", [{"op": "add", "path": "/data/x", "value": "y"}],
                 mergeStrategy="json", flags=["cm/settings"]),
        template("read", "get", flags=["configmap", "settings"], outputs={
            "all": {"jqFilter": ".data"}, "mode": {"jsonPath": "{.data.mode}"}}),
        template("none", "get", flags=["cm", "none", "--ignore-not-found"],
                 outputs={"all": {"jqFilter": ".data", "default": "nothing"}}),
    )  # fmt: skip
    assert {node["phase"] for node in nodes.values()} == {"Succeeded"}
    said = {each["name"]: each["value"] for each in nodes["read"]["outputs"]["parameters"]}
    assert json.loads(said["all"]) == {
        "mode": "slow",
        "list": '[{"a": 1}]',
        "more": "yes",
        "x": "y",
    }
    assert said["mode"] == "slow"
    assert nodes["none"]["outputs"]["parameters"][0]["value"] == "nothing"
    (owner,) = run.object("configmaps/settings")["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("Workflow", run.uid(), True)
    assert run(template("drop", "delete", SETTINGS))["drop"]["phase"] == "Succeeded"
    assert run(template("drop", "delete", SETTINGS))["drop"]["phase"] == "Succeeded"


@pytest.mark.usefixtures("edit")
def test_conditions_are_waited_for(run):
    container = {"name": "main", "image": "busybox", "command": ["sh", "-c", "exit $CODE"]}
    pod = {"apiVersion": "v1", "kind": "Pod"}

    def made(code):
        body = {**container, "env": [{"name": "CODE", "value": code}]}
        spec = {"restartPolicy": "Never", "containers": [body]}
        return {**pod, "metadata": {"generateName": "p-"}, "spec": spec}

    wish = {
        "successCondition": "status.phase == Succeeded",
        "failureCondition": "status.phase == Failed",
    }
    good = run(template("good", "create", made("0"), outputs={"n": {"jqFilter": ".kind"}}, **wish))
    assert good["good"]["phase"] == "Succeeded"
    assert good["good"]["outputs"]["parameters"][0]["value"] == "Pod"
    bad = run(template("bad", "create", made("1"), **wish))
    assert bad["bad"]["message"] == (
        "main: Error (exit code 64): failure condition 'status.phase=Failed' evaluated true"
    )


@pytest.mark.usefixtures("edit")
@pytest.mark.parametrize(
    ("made", "fault"),
    [
        pytest.param(template("x", "create", {"apiVersion": "a/v1", "kind": "B", "metadata": {}}),
                     'no matches for kind "B" in version "a/v1"', id="kind"),
        pytest.param(template("x", "create", {"apiVersion": "v1", "metadata": {"name": "x"}}),
                     "Object 'Kind' is missing", id="no-kind"),
        pytest.param(template("x", "create", {**SETTINGS, "dat": {}}),
                     'unknown field "dat"', id="field"),
        pytest.param(template("x", "get", flags=["configmap", "nobody"]),
                     'Error from server (NotFound): configmaps "nobody" not found', id="not-found"),
        pytest.param(template("x", "get", flags=["thing", "x"]),
                     'the server doesn\'t have a resource type "thing"', id="type"),
        pytest.param(template("x", "create", SETTINGS, flags=["--as=admin"]),
                     "--as is not supported", id="flag"),
        pytest.param(template("x", "create", SETTINGS, outputs={"a": {"jqFilter": ".["}}),
                     "unexpected EOF", id="filter"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_told(run, made, fault):
    node = run(made)["x"]
    assert node["phase"] == "Failed"
    assert fault in node["message"]


@pytest.mark.usefixtures("edit")
def test_a_deadline_ends_the_waiting_at_once(run):
    wish = {"successCondition": "data.mode == never"}
    began = time.monotonic()
    made = {**template("x", "create", SETTINGS, **wish), "activeDeadlineSeconds": 1}
    node = run(made)["x"]
    assert node["phase"] == "Failed"
    assert "deadline" in node["message"]
    assert time.monotonic() - began < 10
