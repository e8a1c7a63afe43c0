"""What /metrics says of workflows as a whole."""

from __future__ import annotations

from kinds.workflows.makers import call, finish, leaf, started, steps, workflow
from sampan.kinds.workflows import figures
from sampan.lib.prometheus import render


def lines(toy: object) -> list[str]:
    text = render(figures.now(toy)).decode()  # type: ignore[arg-type]
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_the_phases_of_a_workflow_are_counted() -> None:
    manifest = workflow(leaf("main"))
    manifest["metadata"]["labels"] = {"workflows.argoproj.io/workflow-template": "t"}
    toy = finish(started(manifest))
    counted = [(each.name.removeprefix(figures.PREFIX), dict(each.labels)) for each in toy.measured]
    about = {"name": "t", "namespace": "u", "cluster_scope": "false"}
    assert counted == [
        ("total_count", {"phase": "Running", "namespace": "u"}),
        ("workflowtemplate_triggered_total", {**about, "phase": "Running"}),
        ("total_count", {"phase": "Succeeded", "namespace": "u"}),
        ("workflowtemplate_triggered_total", {**about, "phase": "Succeeded"}),
        ("workflowtemplate_runtime", about),
    ]


def test_what_there_is_now_is_looked_at_when_asked() -> None:
    toy = started(workflow(steps([call("a"), call("b")]), leaf()))
    said = lines(toy)
    assert 'argo_workflows_gauge{phase="Running"} 1' in said
    assert 'argo_workflows_gauge{phase="Succeeded"} 0' in said
    assert 'argo_workflows_pods_gauge{phase="Pending"} 2' in said
    finish(toy)
    said = lines(toy)
    assert 'argo_workflows_gauge{phase="Succeeded"} 1' in said
    assert 'argo_workflows_workflow_condition{type="Completed",status="True"} 1' in said
    assert "argo_workflows_is_leader 1" in said
