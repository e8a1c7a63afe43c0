"""The REST API of the user interface over a real API server, without controllers."""

import asyncio

import pytest

from sampan.apiserver.api import ApiServer
from sampan.apiserver.loopback import Loopback
from sampan.engine.local import LocalCluster
from sampan.kinds.core import COMPONENT as CORE
from sampan.kinds.katib import COMPONENT as KATIB
from sampan.kube import meta, names
from sampan.kube.keys import key_of
from sampan.records.katib.log import Entry, Of
from sampan.records.katib.store import Store as Observations
from sampan.services.katib.ui.server import UiServer
from sampan.store.objects import Store
from services.asgi import Doors, Service

LABELS = {names.LABEL_COLLECTS_METRICS: "enabled"}
OBJECTIVE = {
    "type": "minimize", "objectiveMetricName": "loss", "additionalMetricNames": ["acc"],
}  # fmt: skip


def experiment(name="e", namespace="a", **spec):
    container = {"name": "main", "image": "busybox", "args": ["${trialParameters.lr}"]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "objective": OBJECTIVE,
            "algorithm": {"algorithmName": "random"},
            "maxTrialCount": 3,
            "parameters": [
                {"name": "lr", "parameterType": "double",
                 "feasibleSpace": {"min": "0.1", "max": "1"}},
            ],
            "trialTemplate": {
                "primaryContainerName": "main",
                "trialParameters": [{"name": "lr", "reference": "lr"}],
                "trialSpec": {"apiVersion": "batch/v1", "kind": "Job",
                              "spec": {"template": template}},
            },
            **spec,
        },
    }  # fmt: skip


def trial(name, *conditions, annotations=None, metrics=()):
    labels = {names.LABEL_KATIB_EXPERIMENT: "e"}
    about = {"name": name, "namespace": "a", "labels": labels, "annotations": annotations or {}}
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Trial",
        "metadata": about,
        "spec": {
            "objective": OBJECTIVE,
            "primaryContainerName": "main",
            "parameterAssignments": [{"name": "lr", "value": "0.5"}],
        },
        "status": {
            "conditions": [{"type": each, "status": "True"} for each in conditions],
            "observation": {"metrics": list(metrics)},
        },
    }


async def made(cluster, manifest):
    """With its status."""
    found = await cluster.create(manifest)
    status = {"status": manifest["status"]}
    return await cluster.patch(key_of(found), status, subresource="status")


@pytest.fixture
def serve(tmp_path):
    """Run a scenario (server, observations) that has the namespaces `a`, `b` and `kubeflow`."""

    def run(scenario):
        async def play():
            store = Store(tmp_path / "objects.db")
            doors = Doors()
            api = ApiServer(store, authenticator=doors, authorizer=doors, components=(CORE, KATIB))
            api.ready()
            cluster = LocalCluster(api.inprocess)
            for crd in KATIB.crds:
                await cluster.apply(crd)
            for name in ("a", "b", "kubeflow"):
                about = {"name": name, "labels": LABELS}
                await cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": about})
            observations = Observations.at(tmp_path / "katib.db", present=frozenset)
            ui = UiServer(Loopback(api.asgi), observations, below="/katib")
            server = Service(ui, api)
            server.made = lambda each: made(cluster, each)
            try:
                await scenario(server, observations)
            finally:
                await observations.close()
                await api.stop()
                await store.close()

        asyncio.run(play())

    return run


def test_experiments_come_and_go(serve):
    async def scenario(server, _):
        made = await server.post("/katib/create_experiment/", {"postData": experiment()})
        assert made.code == 200, made.raw
        listed = await server.get("/katib/fetch_experiments/?namespace=a")
        assert [(each["name"], each["type"]) for each in listed.body] == [("e", "hp")]
        one = await server.get("/katib/fetch_experiment/?namespace=a&experimentName=e")
        assert one.body["spec"]["parallelTrialCount"] == 3  # as admission completes it
        gone = await server("DELETE", "/katib/delete_experiment/?namespace=a&experimentName=e")
        assert (gone.code, gone.body) == (200, [])

    serve(scenario)


def test_what_the_cluster_refuses_is_told_in_its_words(serve):
    async def scenario(server, _):
        wrong = experiment(maxTrialCount=-1)
        said = await server.post("/katib/create_experiment/", {"postData": wrong})
        assert said.code == 400
        assert b"maxTrialCount" in said.raw
        assert said.headers["content-type"].startswith("text/plain")

    serve(scenario)


def test_trials_are_a_table(serve):
    async def scenario(server, _):
        await server.post("/katib/create_experiment/", {"postData": experiment()})
        loss = {"name": "loss", "min": "0.1", "max": "0.9", "latest": "0.5"}
        acc = {"name": "acc", "min": "unavailable", "max": "unavailable", "latest": "text"}
        run = {"kubeflow-kale.org/kfp-run-uuid": "r"}
        for each in (
            trial("t1", "Created", "Succeeded", metrics=[loss, acc]),
            trial("t2", "Running", metrics=[loss], annotations=run),
            trial("t3"),
        ):
            await server.made(each)
        found = await server.get("/katib/fetch_hp_job_info/?namespace=a&experimentName=e")
        assert found.body.split("\n") == [
            "Status,trialName,loss,acc,lr,KFP Run",
            "Succeeded,t1,0.1,text,0.5,",
            "Running,t2,,,0.5,r",
            ",t3,,,0.5,",
        ]

    serve(scenario)


def test_the_metrics_of_a_trial_are_the_best_of_each_second(serve):
    async def scenario(server, observations):
        made = await server.made(trial("t"))
        second = 1_000_000
        entries = [
            Entry(0, "loss", "0.5"),
            Entry(100, "loss", "0.25"),
            Entry(200, "loss", "0.75"),
            Entry(300, "loss", "nan"),
            Entry(second, "loss", "0.3"),
            Entry(second, "acc", "1"),
        ]
        await observations.keep(Of("a", "t", meta.uid_of(made)), entries)
        found = await server.get("/katib/fetch_hp_job_trial_info/?namespace=a&trialName=t")
        assert found.body.splitlines() == [
            "metricName,time,value",
            "loss,1970-01-01T00:00:00,0.25",
            "loss,1970-01-01T00:00:01,0.3",
            "acc,1970-01-01T00:00:01,1",
        ]

    serve(scenario)


def test_a_trial_without_a_pod_has_no_log(serve):
    async def scenario(server, _):
        await server.made(trial("t"))
        said = await server.get("/katib/fetch_trial_logs/?namespace=a&trialName=t")
        assert said.code == 404
        assert b"spec.trialTemplate.retain" in said.raw

    serve(scenario)


def test_templates_are_kept_in_config_maps(serve):
    async def scenario(server, _):
        where = {"updatedConfigMapNamespace": "kubeflow", "updatedConfigMapName": "mine"}
        one = {**where, "updatedConfigMapPath": "one.yaml", "updatedTemplateYaml": "a: 1"}
        two = {**where, "updatedConfigMapPath": "two.yaml", "updatedTemplateYaml": "b: 2"}
        for each in (one, two):
            assert (await server.post("/katib/add_template/", each)).code == 200
        moved = {**two, "configMapPath": "two.yaml", "updatedConfigMapPath": "three.yaml"}
        said = await server.post("/katib/edit_template/", moved)
        assert said.body == {
            "Data": [
                {
                    "ConfigMapNamespace": "kubeflow",
                    "ConfigMaps": [
                        {
                            "ConfigMapName": "mine",
                            "Templates": [
                                {"Path": "one.yaml", "Yaml": "a: 1"},
                                {"Path": "three.yaml", "Yaml": "b: 2"},
                            ],
                        }
                    ],
                }
            ]
        }
        assert (await server.get("/katib/fetch_trial_templates/")).body == said.body
        for path in ("one.yaml", "three.yaml"):
            said = await server.post(
                "/katib/delete_template/", {**where, "updatedConfigMapPath": path}
            )
        assert said.body == {"Data": []}
        gone = await server.post("/katib/delete_template/", {**where, "updatedConfigMapPath": "x"})
        assert gone.code == 404

    serve(scenario)  # fmt: skip


def test_namespaces(serve):
    async def scenario(server, _):
        assert {"a", "b", "kubeflow"} <= set((await server.get("/katib/fetch_namespaces")).body)
        few = await server.get("/katib/fetch_namespaces", token="reader")
        assert "kubeflow" in few.body

    serve(scenario)


@pytest.mark.parametrize(
    ("method", "path", "token", "code"),
    [
        pytest.param("GET", "fetch_experiments/?namespace=a", "", 401, id="nobody"),
        pytest.param("GET", "fetch_experiments/?namespace=a", "other", 403, id="not theirs"),
        pytest.param("GET", "fetch_experiments/?namespace=a", "reader", 200, id="theirs"),
        pytest.param("GET", "fetch_hp_job_trial_info/?namespace=a&trialName=t", "other", 403,
                     id="metrics that are not theirs"),
        pytest.param("DELETE", "delete_experiment/?namespace=a&experimentName=e", "reader", 403,
                     id="reading alone"),
        pytest.param("GET", "fetch_experiments/", "admin", 400, id="no namespace"),
        pytest.param("GET", "fetch_experiments/?namespace=..", "admin", 400, id="no name"),
        pytest.param("GET", "fetch_experiment/?namespace=a&experimentName=x", "admin", 404,
                     id="not there"),
        pytest.param("GET", "delete_experiment/?namespace=a&experimentName=e", "admin", 405,
                     id="no GET deletes"),
        pytest.param("POST", "create_experiment/", "admin", 400, id="no body"),
        pytest.param("POST", "add_template/", "admin", 400, id="no template"),
        pytest.param("GET", "fetch_nas_job_info/", "admin", 404, id="no such thing"),
        pytest.param("GET", "", "admin", 404, id="nothing"),
    ],
)  # fmt: skip
def test_who_may_ask_what(serve, method, path, token, code):
    async def scenario(server, _):
        said = await server(method, f"/katib/{path}", token=token)
        assert said.code == code, said.raw

    serve(scenario)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"postData": 1},
        {"postData": {}},
        {"postData": {"metadata": 1}},
        {"postData": {"metadata": {"name": "x"}}},
    ],
)
def test_nonsense_is_told(serve, body):
    async def scenario(server, _):
        assert (await server.post("/katib/create_experiment/", body)).code == 400
        strange = {"updatedConfigMapNamespace": 1}
        assert (await server.post("/katib/edit_template/", strange)).code == 400

    serve(scenario)
