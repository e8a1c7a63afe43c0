"""The catalogue of `workflow.…` variables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sampan.kinds.workflows.language import variables
from sampan.kinds.workflows.language.faults import Missing

KEY = {"configMapKeyRef": {"name": "maps", "key": "k"}}
MAPS = {
    "maps": {
        "metadata": {"labels": {"workflows.argoproj.io/configmap-type": "Parameter"}},
        "data": {"k": "from-map"},
    }
}


def manifest(**spec: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "wf", "namespace": "u", "uid": "1",
            "creationTimestamp": "2026-01-02T03:04:05Z",
            "labels": {"team": "a"},
            "annotations": {"workflows.argoproj.io/scheduled-time": "then"},
        },
        "spec": {"entrypoint": "main", **spec},
        "status": {"outputs": {
            "parameters": [{"name": "o", "value": "1"}], "artifacts": [{"name": "f", "raw": {}}],
        }},
    }  # fmt: skip


def known(**spec: Any) -> dict[str, Any]:
    found = manifest(**spec)
    return variables.of_workflow(found, found["spec"], MAPS)


def test_what_every_template_may_know_of_its_workflow() -> None:
    scope = known(priority=3, arguments={"parameters": [{"name": "p", "value": 3}]})
    assert scope["workflow.name"] == "wf"
    assert scope["workflow.namespace"] == "u"
    assert scope["workflow.uid"] == "1"
    assert scope["workflow.mainEntrypoint"] == "main"
    assert scope["workflow.serviceAccountName"] == ""
    assert scope["workflow.priority"] == "3"
    assert scope["workflow.scheduledTime"] == "then"
    assert scope["workflow.parameters.p"] == "3"
    assert scope["workflow.parameters"] == '[{"name":"p","value":"3"}]'
    assert scope["workflow.parameters.json"] == scope["workflow.parameters"]
    assert scope["workflow.labels.team"] == "a"
    assert scope["workflow.labels.json"] == scope["workflow.labels"] == '{"team":"a"}'
    assert scope["workflow.outputs.parameters.o"] == "1"
    assert scope["workflow.outputs.artifacts.f"] == {"name": "f", "raw": {}}
    assert "workflow.priority" not in known()


@pytest.mark.parametrize(
    ("letter", "text"),
    [
        ("", "2026-01-02T03:04:05Z"), (".RFC3339", "2026-01-02T03:04:05Z"), (".s", "1767323045"),
        (".Y", "2026"), (".y", "26"), (".B", "January"), (".b", "Jan"), (".m", "01"), (".d", "02"),
        (".A", "Friday"), (".a", "Fri"), (".H", "03"), (".I", "03"), (".p", "AM"), (".M", "04"),
        (".S", "05"), (".L", ".000"), (".Z", "UTC"), (".z", "+0000"),
    ],
)  # fmt: skip
def test_the_time_of_creation_has_many_shapes(letter: str, text: str) -> None:
    assert known()[f"workflow.creationTimestamp{letter}"] == text


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ({"value": 1.0}, "1"),
        ({"default": "d"}, "d"),
        ({"valueFrom": KEY}, "from-map"),
        ({"valueFrom": {"configMapKeyRef": {"name": "no", "key": "k"}, "default": "d"}}, "d"),
        ({"valueFrom": {"event": "payload.x", "default": "d"}}, "d"),
    ],
)
def test_an_argument_of_the_workflow(parameter: dict[str, Any], value: str) -> None:
    scope = known(arguments={"parameters": [{"name": "p", **parameter}]})
    assert scope["workflow.parameters.p"] == value


@pytest.mark.parametrize(
    ("parameter", "why"),
    [
        ({}, "either value or valueFrom must be specified in order to set global parameter p"),
        (
            {"valueFrom": {"configMapKeyRef": {"name": "maps", "key": "no"}}},
            "failed to set global parameter p from configmap with name maps and key no: "
            "ConfigMap 'maps' does not have the key 'no'",
        ),
    ],
)
def test_an_argument_may_be_missing(parameter: dict[str, Any], why: str) -> None:
    with pytest.raises(Missing) as missing:
        known(arguments={"parameters": [{"name": "p", **parameter}]})
    assert str(missing.value) == why


def test_a_label_by_expression_is_known_once_it_is_given() -> None:
    later = {"expression": "'b'"}
    given = {"labels": {"fixed": "f"}, "labelsFrom": {"team": later, "other": later}}
    scope = known(workflowMetadata=given)
    assert "workflow.labels.other" not in scope
    assert scope["workflow.labels.fixed"] == "f"
    assert scope["workflow.labels.team"] == "a"


def test_how_the_workflow_stands() -> None:
    now = datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)
    status = {"phase": "Running", "startedAt": "2026-01-02T03:04:05Z"}
    assert variables.of_run(status, now)["workflow.duration"] == "1.000000"
    assert variables.of_run({}, now) == {
        "workflow.status": "Running",
        "workflow.duration": "0.000000",
    }


def test_what_the_entry_template_is_given() -> None:
    own = {"parameters": [{"name": "p", "valueFrom": KEY}], "artifacts": [{"name": "a", "raw": {}}]}
    scope = known(arguments=own)
    assert variables.arguments_of({"arguments": own}, scope) == {
        "parameters": [{"name": "p", "value": "from-map"}],
        "artifacts": [{"name": "a", "raw": {}}],
    }
    assert variables.arguments_of({}, scope) == {}
