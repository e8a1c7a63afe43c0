"""The tree of a workflow's nodes, drawn."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.cli.wf import tree
from sampan.kinds.workflows import naming

NOW = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)


def node(name, type="Pod", phase="Succeeded", *, parent="", children=(), second=0, **more):
    return {
        "id": naming.node_id("w", name),
        "name": name,
        "displayName": name.rpartition(".")[2] or name,
        "type": type,
        "phase": phase,
        "templateName": "t",
        "boundaryID": naming.node_id("w", parent) if parent else "",
        "children": [naming.node_id("w", child) for child in children],
        "startedAt": f"2026-01-01T00:00:{second:02}Z",
        "finishedAt": f"2026-01-01T00:00:{second + 2:02}Z",
        **more,
    }


def drawn(*nodes):
    workflow = {
        "metadata": {"name": "w"},
        "status": {"nodes": {each["id"]: each for each in nodes}},
    }
    return [row[0] for row in tree.nodes(workflow, NOW)][1:]


def test_steps_side_by_side_hang_from_one_branch():
    assert drawn(
        node("w", "Steps", children=["w[0]"]),
        node("w[0]", "StepGroup", parent="w", children=["w[0].a"]),
        node("w[0].a", parent="w", children=["w[1]"], second=1),
        node("w[1]", "StepGroup", parent="w", children=["w[1].b", "w[1].c"], second=2),
        node("w[1].b", parent="w", second=3),
        node("w[1].c", phase="Failed", parent="w", second=4),
    ) == [" ✔ w", " ├───✔ a", " └─┬─✔ b", "   └─✖ c"]


def test_tasks_hang_from_their_dag_and_attempts_from_what_is_retried():
    assert drawn(
        node("w", "DAG", "Running", children=["w.a"]),
        node("w.a", "Retry", parent="w", children=["w.a(0)", "w.a(1)", "w.b"]),
        node("w.a(0)", phase="Error", parent="w", nodeFlag={"retried": True}),
        node("w.a(1)", parent="w", second=1, nodeFlag={"retried": True}),
        node("w.b", phase="Pending", parent="w", second=9),
        node("w.onExit", phase="Omitted", second=10),
    )[:5] == [" ● w", " ├─✔ a", " │ ├─⚠ a(0)", " │ └─✔ a(1)", " └─◷ b"]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-5, "0s"), (59.9, "59s"), (60, "1m"), (3600, "1h"), (90_000, "25h"), (200_000, "2d")],
)
def test_ages(seconds, shown):
    assert tree.age(seconds) == shown


@given(st.lists(st.lists(st.text("ab ✔", max_size=5), min_size=3, max_size=3), min_size=1))
def test_columns_begin_under_each_other(rows):
    lines = tree.columns([tuple(row) for row in rows]).splitlines()
    assert len(lines) == len(rows)
    width = max(len(row[0]) for row in rows)
    for line, row in zip(lines, rows, strict=True):
        assert line == line.rstrip()
        assert line[: len(row[0].rstrip())] == row[0].rstrip()
        assert not row[1].strip() or line[width + 2 :].startswith(row[1].rstrip())


def test_the_whole_text_says_what_people_ask_first():
    workflow = {
        "metadata": {"name": "w", "namespace": "a"},
        "spec": {"arguments": {"parameters": [{"name": "p", "value": "1"}]}},
        "status": {"phase": "Failed", "message": "it broke", "progress": "0/1",
                   "startedAt": "2026-01-01T00:00:00Z", "nodes": {"w": node("w", phase="Failed")}},
    }  # fmt: skip
    text = tree.shown(workflow, NOW)
    for said in ("Failed", "it broke", "0/1", "1m", "p:  1", "✖ w"):
        assert said in text
