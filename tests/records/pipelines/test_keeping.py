"""Runs are written as they change, and only what changed."""

import pytest
import sqlalchemy as sa

from records.pipelines.makers import IR, artifact, at, gives, run, takes, task
from sampan.kube.lineage import artifact_id
from sampan.records.pipelines.keeping import AT_ONCE
from sampan.records.pipelines.selection import Selection
from sampan.records.pipelines.tables import ARTIFACTS, EVENTS, META, SPECS, TASKS


def keep(rows, *manifests, present=True):
    rows.keep([(each, present) for each in manifests])


def count(rows, table):
    with rows._engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table))


def numbers(rows):
    with rows._engine.connect() as connection:
        return dict(connection.execute(sa.select(TASKS.c.task_id, TASKS.c.number)).all())


def chain(number, *, state="SUCCEEDED", **more):
    """load -> train -> evaluate, and what they made."""
    data, model = artifact("data"), artifact("model", type="system.Model")
    scores = artifact("scores", "", type="system.Metrics", metadata={"acc": 0.5, "note": "x"})
    return run(
        number,
        state=state,
        tasks={
            "": task("root", of=number, type="Dag", **gives(model=model)),
            "load": task("load", of=number, **gives(out=data)),
            "train": task("train", of=number, **takes(data=data), **gives(model=model)),
            "evaluate": task("evaluate", of=number, **takes(model=model), **gives(scores=scores)),
        },
        **more,
    )


def test_what_is_kept_comes_back_whole(rows):
    long = {"displayName": "n" * 2000, "description": "Zürich \u0000 🛶" * 500}
    whole = chain(1, platformSpec={"platforms": {}}, **long)
    keep(rows, whole)
    found, present, metrics = rows.run("id-1")
    assert found == whole
    assert present
    assert metrics == {"acc": 0.5}
    assert rows.run("id-2") is None


def test_a_spec_is_kept_once(rows):
    keep(rows, *(chain(number) for number in range(5)))
    assert count(rows, SPECS) == 1
    keep(rows, run(9, pipelineSpec={**IR, "sdkVersion": "2"}))
    assert count(rows, SPECS) == 2


def test_only_what_changed_is_written(rows):
    keep(rows, chain(1, state="RUNNING"))
    before = numbers(rows)
    changed = chain(1)
    changed["status"]["tasks"]["train"]["state"] = "FAILED"
    changed["status"]["tasks"]["new"] = task("new")
    del changed["status"]["tasks"]["load"]
    keep(rows, changed)
    after = numbers(rows)
    same = ("task-1-root", "task-1-evaluate")
    assert [after[each] for each in same] == [before[each] for each in same]
    assert after["task-1-train"] != before["task-1-train"]
    assert after.keys() == before.keys() - {"task-1-load"} | {"task-1-new"}
    assert rows.run("id-1")[0] == changed


def test_a_run_of_a_thousand_tasks_is_kept(rows):
    many = {f"t{n}": task(f"t{n}", **gives(o=artifact(f"a{n}"))) for n in range(2 * AT_ONCE + 1)}
    keep(rows, run(1, tasks=many))
    assert count(rows, TASKS) == count(rows, ARTIFACTS) == len(many)
    rows.delete("uid-1")
    assert count(rows, TASKS) == 0


def test_a_transaction_that_fails_leaves_nothing_behind(rows):
    broken = chain(2)
    broken["metadata"]["creationTimestamp"] = at(1)
    broken["status"]["tasks"]["train"]["outputs"] = {"artifacts": {"x": [{"metadata": object()}]}}
    with pytest.raises(TypeError):
        keep(rows, chain(1), broken)
    assert rows.runs(Selection())[1] == 0
    keep(rows, chain(1), chain(2))
    assert rows.runs(Selection())[1] == 2
    assert count(rows, SPECS) == 1


def test_deletion_leaves_what_others_use(rows):
    keep(rows, chain(1), chain(2))
    assert rows.delete("uid-1") == ("a", "run-1")
    assert rows.delete("uid-1") is None
    assert rows.run("id-2")[0] == chain(2)
    assert count(rows, ARTIFACTS) == 3
    rows.delete("uid-2")
    left = {name: count(rows, table) for name, table in META.tables.items()}
    assert set(left.values()) == {0}


def test_an_artifact_of_another_namespace_is_not_reached(rows):
    keep(rows, chain(1))
    model = artifact_id("a", "minio://mlpipeline/v2/model", "sha256:1")
    thief = artifact("model", id=model, uri="minio://mlpipeline/other")
    tasks = {"t": task("t", of=2, **takes(model=thief)), "u": task("u", of=2, **takes(m=thief))}
    keep(rows, run(2, namespace="b", tasks=tasks))
    walked = rows.lineage(model, False, 5)
    assert {each["namespace"] for each in walked.tasks} == {"a"}
    assert rows.artifact(model)["uri"] == "minio://mlpipeline/v2/model"
    assert rows.artifacts(Selection(namespace="b"))[1] == 1
    assert count(rows, EVENTS) == 8


def test_storage_states_of_runs_that_are_gone(rows):
    keep(rows, chain(1), chain(2))
    keep(rows, chain(3), present=False)
    keep(rows, {**chain(4), "metadata": {**chain(4)["metadata"], "namespace": "b"}})
    assert not rows.set_storage_state("id-1", "ARCHIVED")
    assert rows.set_storage_state("id-3", "ARCHIVED")
    assert rows.run("id-3")[0]["spec"]["storageState"] == "ARCHIVED"
    assert rows.set_storage_state("id-3", "AVAILABLE")
    assert rows.archive_experiment("e1", "a") == [("Run", "a", "run-1"), ("Run", "a", "run-2")]
    archived, _, _ = rows.runs(Selection(experiment_id="e1", namespace="a"))
    assert [each["spec"].get("storageState") for each in archived] == [None, None, "ARCHIVED"]
    assert rows.archive_experiment("e2", "a") == []


def test_metrics_that_are_reported_stand_beside_those_of_tasks(rows):
    keep(rows, chain(1))
    assert rows.put_metrics("uid-1", {"roc": 1.5, "acc": 0.75})
    assert rows.run("id-1")[2] == {"acc": 0.75, "roc": 1.5}
    assert not rows.put_metrics("uid-2", {"roc": 1.5})


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"startedAt": "yesterday", "finishedAt": 5}, id="times"),
        pytest.param({"inputs": {"artifacts": {"a": None, "b": "x", "c": [1]}}}, id="artifacts"),
        pytest.param({"outputs": {"artifacts": {"k" * 999: [{}]}}}, id="long-key"),
        pytest.param({"name": "n" * 999, "cache": {"fingerprint": "f" * 999}}, id="long"),
        pytest.param(
            {"outputs": {"artifacts": {"m": [{"type": "system.Metrics", "metadata": {
                "nan": float("nan"), "yes": True, "text": "1", "m" * 999: 1}}]}}},
            id="metrics",
        ),
    ],
)  # fmt: skip
def test_odd_tasks_are_kept(rows, entry):
    keep(rows, run(1, tasks={"t": {**entry}}))
    assert "t" in rows.run("id-1")[0]["status"]["tasks"]
