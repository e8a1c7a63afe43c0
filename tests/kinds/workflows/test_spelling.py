"""Old names and short forms become the one spelling that the rest knows."""

from __future__ import annotations

from typing import Any

import pytest

from kinds.workflows.makers import call, leaf, workflow
from sampan.kinds.workflows import spelling


def written(spec: Any) -> Any:
    manifest = {"spec": spec}
    spelling.workflow(manifest)
    return manifest["spec"]


def test_a_group_of_one_step_needs_no_list() -> None:
    manifest = workflow(leaf(), {"name": "main", "steps": [call("a"), [call("b")]]})
    spelling.workflow(manifest)
    assert manifest["spec"]["templates"][1]["steps"] == [[call("a")], [call("b")]]


def test_the_locks_of_a_workflow_and_of_its_templates_become_lists() -> None:
    one = {"mutex": {"name": "a"}, "semaphore": {"configMapKeyRef": {"name": "c", "key": "k"}}}
    spec = written({"synchronization": dict(one), "templates": [{"synchronization": dict(one)}]})
    several = {
        "mutexes": [{"name": "a"}],
        "semaphores": [{"configMapKeyRef": {"name": "c", "key": "k"}}],
    }
    assert spec["synchronization"] == several
    assert spec["templates"][0]["synchronization"] == several


def test_a_lock_is_added_to_those_with_the_new_name_once() -> None:
    locks = {"mutex": {"name": "b"}, "mutexes": [{"name": "a"}]}
    spec = written({"synchronization": locks})
    assert spec["synchronization"] == {"mutexes": [{"name": "a"}, {"name": "b"}]}
    assert written(written(spec)) == spec


def test_inline_templates_are_looked_at_too() -> None:
    inline = {"steps": [{"name": "x", "inline": {"synchronization": {"mutex": {"name": "m"}}}}]}
    spec = written({"templates": [{"dag": {"tasks": [{"name": "t", "inline": inline}]}}]})
    (group,) = spec["templates"][0]["dag"]["tasks"][0]["inline"]["steps"]
    assert group[0]["inline"]["synchronization"] == {"mutexes": [{"name": "m"}]}


def test_a_schedule_becomes_the_list_of_schedules() -> None:
    manifest = {"spec": {"schedule": "* * * * *", "workflowSpec": {"podPriority": 3}}}
    spelling.cron(manifest)
    assert manifest["spec"] == {"schedules": ["* * * * *"], "workflowSpec": {}}


@pytest.mark.parametrize(
    "spec",
    [
        None,
        [],
        {"templates": {}},
        {"templates": [1, {"steps": {}}, {"dag": []}, {"dag": {"tasks": {}}}]},
        {"synchronization": []},
        {"synchronization": {"mutex": 1, "mutexes": {}}},
    ],
)
def test_wrong_shapes_are_left_to_the_schema(spec: Any) -> None:
    spelling.workflow({"spec": spec})
    spelling.cron({"spec": {"workflowSpec": spec}})
    spelling.cron({"spec": spec})
    assert written(spec) == spec or "synchronization" in spec
