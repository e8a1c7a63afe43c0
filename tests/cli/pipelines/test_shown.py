"""Runs as text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sampan.cli.pipelines import shown

NOW = datetime(2026, 1, 2, 3, 4, 30, tzinfo=UTC)
T0, T1, T2 = (f"2026-01-02T03:04:0{second}Z" for second in (0, 1, 5))


def task(key: str, name: str, parent: str = "", state: str = "SUCCEEDED", **more: Any) -> Any:
    return {
        "task_id": key, "display_name": name, "parent_task_id": parent, "state": state,
        "start_time": T0, "end_time": T1, **more,
    }  # fmt: skip


def run(*tasks: Any, state: str = "FAILED", **more: Any) -> Any:
    return {
        "run_id": "r1", "display_name": "train", "state": state, "created_at": T0,
        "finished_at": T2, "run_details": {"task_details": list(tasks)}, **more,
    }  # fmt: skip


def test_a_run_is_a_tree_of_what_began_first() -> None:
    text = shown.whole(
        run(
            task("0", "the-pipeline", state="FAILED"),
            task("3", "evaluate", "0", "FAILED", start_time=T1, end_time=T2, pod_name="p3",
                 error={"message": "exit code 1\nmore"}),
            task("1", "loop", "0", child_tasks=[{"task_id": "b"}, {"task_id": "a"}]),
            task("a", "loop", "1"),
            task("b", "loop", "1"),
            task("a1", "fit", "a", "CACHED", pod_name=""),
            task("b1", "fit", "b", "SKIPPED", start_time="", end_time="", create_time=T0),
            error={"message": "task evaluate: exit code 1"},
        ),
        NOW,
    )  # fmt: skip
    assert text == (
        "✖ train  FAILED  5.0s\n"
        "├─✔ loop      1.0s\n"
        "│ ├─✔ [0]     1.0s\n"
        "│ │ └─○ fit\n"
        "│ └─✔ [1]     1.0s\n"
        "│   └─✔ fit   1.0s  cached\n"
        "└─✖ evaluate  4.0s  exit code 1\n"
        "task evaluate: exit code 1\n"
    )


def test_reasons_for_running_are_told_when_they_are_asked_for() -> None:
    known = [{"task_id": "1", "status_metadata": {"not_cached": "parameter n differs"}}]
    told = run(task("1", "fit", pod_name="p"), task("2", "pick", pod_name="q"))
    assert "fit   1.0s  parameter n differs" in shown.whole(
        shown.with_notes(told, known, why=True), NOW
    )
    waits = [{"task_id": "1", "status_metadata": {"message": "installing numpy"}}]
    assert "installing numpy" in shown.whole(shown.with_notes(told, waits), NOW)
    assert "differs" not in shown.whole(shown.with_notes(told, known), NOW)


def test_a_task_within_others_has_a_path() -> None:
    tasks = (
        task("0", "the-pipeline"),
        task("1", "loop", "0", child_tasks=[{"task_id": "a"}]),
        task("a", "loop", "1"),
        task("a1", "fit", "a"),
    )
    known = shown.Tasks(run(*tasks))
    assert [known.path(each) for each in tasks] == ["", "loop", "loop[0]", "loop[0]/fit"]
    circle = task("a", "a", "b"), task("b", "b", "a")
    assert shown.Tasks(run(*circle)).path(circle[0]).startswith("b/a/")


def test_what_is_in_a_circle_or_in_nothing_ends_nothing() -> None:
    odd = run(task("a", "a", "b"), task("b", "b", "a"), task("c", "c", "gone", pod_name="p"))
    assert "└─✔ c" in shown.whole(odd, NOW)
    assert shown.whole({"run_id": "r", "state": "PENDING"}, NOW).startswith("◷ None  PENDING")


def test_what_goes_on_has_lasted_until_now() -> None:
    going = {"state": "RUNNING", "created_at": T0, "finished_at": "1970-01-01T00:00:00Z"}
    assert shown.duration(going, NOW) == "30s"
    assert shown.duration({**going, "state": "SUCCEEDED"}, NOW) == ""


def test_failures_are_those_of_tasks_not_of_what_is_around_them() -> None:
    failed = run(
        task("0", "root", state="FAILED"),
        task("1", "late", "0", "FAILED", end_time=T2),
        task("2", "early", "0", "FAILED"),
        task("3", "fine", "0"),
    )
    assert [each["display_name"] for each in shown.failed(failed)] == ["early", "late"]


def test_a_list_has_a_row_for_each_run() -> None:
    rows = shown.listed([run(), run(state="RUNNING", finished_at=None)], NOW).splitlines()
    assert rows[0].split() == ["ID", "NAME", "STATE", "AGE", "DURATION"]
    assert rows[1].split() == ["r1", "train", "FAILED", "30s", "5.0s"]
    assert rows[2].split() == ["r1", "train", "RUNNING", "30s", "30s"]
