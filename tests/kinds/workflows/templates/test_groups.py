"""Values between steps, in the toy cluster."""

from __future__ import annotations

from kinds.workflows.makers import call, echo, node, started, steps, workflow


def test_a_loop_over_nothing_at_all_is_no_loop() -> None:
    looped = {**call("a", "echo", p="{{item}}"), "withParam": "{{workflow.parameters.none}}"}
    given = {"parameters": [{"name": "none", "value": ""}]}
    toy = started(workflow(steps([looped]), echo("echo", "p"), arguments=given))
    assert node(toy, "a")["inputs"]["parameters"] == [{"name": "p", "value": "{{item}}"}]
