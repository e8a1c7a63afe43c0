"""WorkflowTaskResults: what a node takes over, and how long it waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sampan.kinds.workflows.pods import reports

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POD = {
    "metadata": {"name": "p"},
    "spec": {"containers": [{"name": "main"}, {"name": "wait", "command": ["argoexec", "wait"]}]},
}
BARE = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "main", "command": ["true"]}]}}


def report(complete: bool = True, **said: Any) -> dict[str, Any]:
    labels = {"workflows.argoproj.io/report-outputs-completed": str(complete).lower()}
    return {"metadata": {"name": "n", "labels": labels}, **said}


def test_what_an_executor_reports() -> None:
    node = {"id": "n", "outputs": {"exitCode": "1"}, "progress": "0/1"}
    new = reports.taken(node, report(outputs={"result": "x"}, progress="3/7"))
    assert new == {"id": "n", "outputs": {"result": "x", "exitCode": "1"}, "progress": "3/7"}
    assert reports.taken(node, report(outputs={"exitCode": "2"}))["outputs"] == {"exitCode": "2"}
    assert reports.taken(node, report(progress="much")) is node
    assert reports.taken(node, None) is node


def over(phase: str = "Succeeded", ago: float = 1) -> dict[str, Any]:
    ended = (NOW - timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"id": "n", "phase": phase, "finishedAt": ended}


@pytest.mark.parametrize(
    ("node", "pod", "said", "awaited"),
    [
        pytest.param(over(), POD, None, True, id="nothing-yet"),
        pytest.param(over(), POD, report(complete=False), True, id="a-part"),
        pytest.param(over("Failed"), POD, None, True, id="a-failure-has-outputs-too"),
        pytest.param(over(), POD, report(), False, id="all"),
        pytest.param(over(ago=60), POD, None, False, id="too-late"),
        pytest.param(over(), BARE, None, False, id="nobody-reports"),
        pytest.param({"phase": "Running"}, POD, None, False, id="still-runs"),
    ],
)
def test_a_node_waits_for_its_report(
    node: dict[str, Any], pod: dict[str, Any], said: dict[str, Any] | None, awaited: bool
) -> None:
    assert reports.is_awaited(node, pod, said, NOW) is awaited


def test_nobody_waits_for_a_pod_that_is_deleted() -> None:
    going = {**POD, "metadata": {"name": "p", "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    assert not reports.is_awaited(over(), going, None, NOW)
