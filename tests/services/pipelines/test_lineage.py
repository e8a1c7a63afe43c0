"""Artifacts, tasks and lineage by the API, as they were recorded from what became of runs."""

import pytest

from records.pipelines.makers import artifact, gives, run, takes, task
from sampan.kube import names
from sampan.kube.lineage import artifact_id

DATA = artifact("data", metadata={"rows": 5, "note": "digits"})
MODEL = artifact("model", type="system.Model")
SCORE = artifact("score", type="system.Metrics", metadata={"accuracy": 0.75})
TASKS = {
    "": task("", type="Dag"),
    "load": task("load", pod="load-pod", **gives(out=DATA)),
    "for-loop-1": task("for-loop-1", type="Loop"),
    "for-loop-1/[0]": task(
        "for-loop-1", of="it", type="Iteration", parent="for-loop-1", iteration=0
    ),
    "for-loop-1/[0]/train": task(
        "train", parent="for-loop-1/[0]", state="CACHED",
        cache={"fingerprint": "f", "from": {"runId": "id-0", "taskId": "t"}},
        inputs={"parameters": {"depth": 3, "name": "x"}, **takes(data=DATA)["inputs"]},
        outputs={"parameters": {"ok": True}, **gives(model=MODEL, score=SCORE)["outputs"]},
    ),
    "condition-2": task("condition-2", type="Dag", state="SKIPPED"),
}  # fmt: skip


def id_of(found):
    return artifact_id("a", found["uri"], found["digest"])


@pytest.fixture
def play(serve):
    """Run a scenario with a run in namespace a and one in b."""

    def start(scenario):
        async def filled(api):
            for number, namespace in ((1, "a"), (2, "b")):
                made = run(number, namespace=namespace, tasks=TASKS if namespace == "a" else {
                    "t": task("t", of=2, **gives(out=artifact("secret")))})  # fmt: skip
                for name in ("uid", "resourceVersion", "creationTimestamp"):
                    del made["metadata"][name]
                await api.cluster.create(dict(made), manager="t")
                await api.told(names.RUN, f"run-{number}", made["status"], namespace)
            await scenario(api)

        serve(filled)

    return start


def test_artifacts_are_listed_and_told(play):
    async def scenario(api):
        found = (await api.get("artifacts?sort_by=name&page_size=2")).body
        assert [each["name"] for each in found["artifacts"]] == ["data", "model"]
        assert found["total_size"] == 3
        rest = await api.get(f"artifacts?page_size=2&page_token={found['next_page_token']}")
        [score] = rest.body["artifacts"]
        assert (score["type"], score["number_value"]) == ("Metric", 0.75)
        data = (await api.get(f"artifacts/{id_of(DATA)}")).body
        assert data == {
            "artifact_id": id_of(DATA), "name": "data", "type": "Dataset", "uri": DATA["uri"],
            "schema_title": "system.Dataset", "digest": "sha256:1", "namespace": "a",
            "metadata": {"rows": 5, "note": "digits"}, "created_at": "2026-01-01T00:00:02Z",
        }  # fmt: skip

    play(scenario)


def test_a_model_leads_back_to_its_data(play):
    async def scenario(api):
        walked = (await api.get(f"artifacts/{id_of(MODEL)}:lineage")).body
        assert {each["name"] for each in walked["artifacts"]} == {"data", "model"}
        assert [each["name"] for each in walked["tasks"]] == ["train", "load"]
        assert walked["complete"]
        onward = (await api.get(f"artifacts/{id_of(DATA)}:lineage?direction=forward&depth=1")).body
        assert {each["name"] for each in onward["artifacts"]} == {"data", "model", "score"}
        [into] = [each for each in onward["artifact_tasks"] if each["type"] == "INPUT"]
        assert (into["producer_task_name"], into["producer_key"]) == ("load", "out")

    play(scenario)


def test_tasks_are_listed_and_told(play):
    async def scenario(api):
        found = (await api.get("tasks?run_id=id-1&order_by=name")).body
        types = {each["name"]: each["type"] for each in found["tasks"] if "name" in each}
        assert types["train"] == "RUNTIME"
        assert types["condition-2"] == "CONDITION"
        assert found["total_size"] == len(TASKS)
        [root] = [each for each in found["tasks"] if each["type"] == "ROOT"]
        assert {each["name"] for each in root["child_tasks"]} == {
            "load",
            "for-loop-1",
            "condition-2",
        }
        train = (await api.get("tasks/task-1-train")).body
        assert train["status"] == "SKIPPED"
        assert train["status_metadata"]["state"] == "CACHED"
        assert train["inputs"]["parameters"][0] == {"name": "depth", "value": "3"}
        assert train["inputs"]["artifacts"][0]["producer"] == {"task_name": "load", "key": "out"}
        assert train["outputs"]["artifacts"][0]["value"]["artifact_id"] == id_of(MODEL)
        [inner] = (await api.get("tasks?parent_id=task-1-for-loop-1")).body["tasks"]
        assert inner["type_attributes"] == {"iteration_index": "0"}

    play(scenario)


def test_what_went_where_is_listed(play):
    async def scenario(api):
        found = (await api.get(f"artifact_tasks?artifact_ids={id_of(DATA)}&type=INPUT")).body
        assert [each["task_id"] for each in found["artifact_tasks"]] == ["task-1-train"]
        both = (await api.get("artifact_tasks?run_ids=id-1&run_ids=id-2")).body
        assert both["total_size"] == 5
        assert (await api.get("artifact_tasks")).body["total_size"] == 4

    play(scenario)


def test_who_may_not_see_runs_sees_nothing_of_them(play):
    async def scenario(api):
        secret = artifact_id("b", "minio://mlpipeline/v2/secret", "sha256:1")
        for path in (
            "artifacts?namespace=b", f"artifacts/{secret}", f"artifacts/{secret}:lineage",
            "artifact_tasks?run_ids=id-2", f"artifact_tasks?artifact_ids={secret}",
            "tasks?run_id=id-2", "tasks/task-2-t", "tasks?parent_id=task-2-t",
        ):  # fmt: skip
            assert (await api.get(path)).code == 200, path
            assert (await api.get(path, token="reader")).code == 403, path
        for path in ("artifacts", f"artifacts/{id_of(DATA)}", "tasks?run_id=id-1"):
            assert (await api.get(path, token="reader")).code == 200, path
            assert (await api.get(path, token="")).code == 401, path

    play(scenario)


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        pytest.param("artifacts/none", 404, "Artifact none not found", id="no-artifact"),
        pytest.param("artifacts/none:lineage", 404, "not found", id="no-lineage"),
        pytest.param("artifacts/x:lineage?direction=up", 400, "direction", id="direction"),
        pytest.param("artifacts/x:lineage?depth=0", 400, "depth", id="depth"),
        pytest.param("artifacts/x:lineage?depth=x", 400, "depth", id="no-number"),
        pytest.param("artifacts?sort_by=type", 400, "Invalid sorting field", id="sort"),
        pytest.param("tasks", 400, "run_id and parent_id", id="whose-tasks"),
        pytest.param("tasks?run_id=none", 404, "Run none", id="no-run"),
        pytest.param("tasks?parent_id=none", 404, "Task none", id="no-parent"),
        pytest.param("tasks/none", 404, "Task none", id="no-task"),
        pytest.param("artifact_tasks?type=SIDEWAYS", 400, "INPUT or OUTPUT", id="side"),
        pytest.param("artifact_tasks?" + "run_ids=x&" * 300, 400, "at most 200", id="many"),
    ],
)
def test_what_cannot_be_answered_is_said(play, path, code, said):
    async def scenario(api):
        answer = await api.get(path)
        assert answer.code == code
        assert said in answer.body["message"]

    play(scenario)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "artifacts"), ("POST", "artifact_tasks"), ("POST", "tasks"), ("PATCH", "tasks/t")],
)
def test_nothing_can_be_written(play, method, path):
    async def scenario(api):
        answer = await api(method, path, {})
        assert answer.code == 501
        assert "recorded from what becomes of runs" in answer.body["message"]

    play(scenario)
