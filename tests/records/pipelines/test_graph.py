"""Lineage: what was made of what, across runs."""

import pytest

from records.pipelines.makers import artifact, gives, run, takes, task
from sampan.kube.lineage import artifact_id
from sampan.records.pipelines.selection import Selection

DATA, MODEL, REPORT = artifact("data"), artifact("model", type="system.Model"), artifact("report")


def id_of(found):
    return artifact_id("a", found["uri"], found["digest"])


@pytest.fixture
def filled(rows):
    """load and train in a run, score with the model in another, in which the load was cached."""
    first = {
        "": task("root", type="Dag", **gives(model=MODEL)),
        "load": task("load", **gives(out=DATA)),
        "sub": task("sub", type="Dag", **takes(data=DATA), **gives(model=MODEL)),
        "sub/train": task("train", parent="sub", **takes(data=DATA), **gives(model=MODEL)),
    }
    second = {
        "load": task("load", of=2, state="CACHED", **gives(out=DATA)),
        "import": task("import", of=2, type="Importer", **gives(artifact=MODEL)),
        "score": task("score", of=2, **takes(model=MODEL, data=DATA), **gives(out=REPORT)),
    }
    rows.keep([(run(1, tasks=first), True), (run(2, tasks=second), True)])
    return rows


def names(found):
    return sorted(each["name"] for each in found)


def tasks(found):
    return sorted((each["run_id"], each["entry"]["name"]) for each in found)


def test_a_report_leads_back_to_the_data(filled):
    walked = filled.lineage(id_of(REPORT), True, 10)
    assert names(walked.artifacts) == ["data", "model", "report"]
    assert tasks(walked.tasks) == [
        ("id-1", "load"), ("id-1", "train"), ("id-2", "import"), ("id-2", "load"),
        ("id-2", "score"),
    ]  # fmt: skip
    assert not walked.cut
    assert {each["task"] for each in walked.events if each["type"] == "INPUT"} == {"train", "score"}


def test_a_walk_ends_at_its_depth(filled):
    walked = filled.lineage(id_of(REPORT), True, 1)
    assert names(walked.artifacts) == ["data", "model", "report"]
    assert tasks(walked.tasks) == [("id-2", "score")]
    assert walked.cut


def test_data_lead_to_all_that_was_made_of_them(filled):
    walked = filled.lineage(id_of(DATA), False, 10)
    assert names(walked.artifacts) == ["data", "model", "report"]
    assert tasks(walked.tasks) == [("id-1", "train"), ("id-2", "score")]
    assert filled.lineage("unknown", False, 10).artifacts == []


def test_a_row_of_diamonds_is_walked_in_no_time(rows):
    entries, last = {}, artifact("d0")
    for n in range(40):
        left, right, join = artifact(f"l{n}"), artifact(f"r{n}"), artifact(f"d{n + 1}")
        entries |= {
            f"a{n}": task(f"a{n}", **takes(i=last), **gives(l=left, r=right)),
            f"b{n}": task(f"b{n}", **takes(l=left, r=right), **gives(o=join)),
        }
        last = join
    rows.keep([(run(1, tasks=entries), True)])
    walked = rows.lineage(id_of(last), True, 1000)
    assert len(walked.tasks) == 80
    assert len(walked.artifacts) == 121


def test_tasks_of_a_run_and_of_a_dag(filled):
    found, total, _ = filled.tasks(Selection(sort_by="name"), "id-1", "")
    assert [each["entry"]["name"] for each in found] == ["load", "root", "sub", "train"]
    assert total == 4
    root = next(each for each in found if each["entry"]["name"] == "root")
    assert [each["name"] for each in root["children"]] == ["load", "sub"]
    inner, _, _ = filled.tasks(Selection(), "", "task-1-sub")
    assert [each["entry"]["path"] for each in inner] == ["sub/train"]
    assert filled.task("task-1-train") == inner[0]
    assert filled.task("none") is None


def test_what_went_where_can_be_listed(filled):
    found, total, _ = filled.artifact_tasks(Selection(), {"artifact_id": [id_of(MODEL)]}, "INPUT")
    assert [(each["run_id"], each["task"], each["key"]) for each in found] == [
        ("id-2", "score", "model")
    ]
    assert total == 1
    _, total, _ = filled.artifact_tasks(Selection(), {"run_id": ["id-1"], "task_id": ["none"]}, "")
    assert total == 0
    _, total, _ = filled.artifact_tasks(Selection(), {"run_id": ["id-1"]}, "")
    assert total == 6


def test_artifacts_are_of_a_namespace(filled):
    found, total, _ = filled.artifacts(Selection(namespace="a", sort_by="name", page_size=2))
    assert names(found) == ["data", "model"]
    assert total == 3
    assert filled.artifacts(Selection(namespace="b"))[1] == 0
