"""What no look at a workflow can deal with ends it."""

from __future__ import annotations

from kinds.toy import Toy
from kinds.workflows.makers import WORKFLOW, call, leaf, started, steps, workflow
from sampan.kinds.workflows import COMPONENT
from sampan.kinds.workflows.workflow import WORKFLOW as CONTROLLER


def test_a_workflow_that_cannot_be_looked_at_ends_in_error_once() -> None:
    toy = started(workflow(leaf(), steps([call("a")])))
    assert CONTROLLER.recover is not None
    plan = CONTROLLER.recover(toy, WORKFLOW, "KeyError: 'nonsense'")
    assert plan is not None
    toy.carry_out(WORKFLOW, plan)
    live = toy.objects[WORKFLOW]
    assert (live["status"]["phase"], live["status"]["message"]) == ("Error", "KeyError: 'nonsense'")
    assert live["status"]["finishedAt"]
    assert live["metadata"]["labels"]["workflows.argoproj.io/completed"] == "true"
    assert toy.events[-1].reason == "WorkflowFailed"
    assert CONTROLLER.recover(toy, WORKFLOW, "KeyError: 'nonsense'") is None


def test_a_workflow_that_is_gone_needs_no_end() -> None:
    assert CONTROLLER.recover is not None
    assert CONTROLLER.recover(Toy(COMPONENT), WORKFLOW, "nonsense") is None
