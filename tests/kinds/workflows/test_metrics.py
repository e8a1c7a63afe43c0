"""`metrics.prometheus`, and the Events of nodes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kinds.toy import START, Toy
from kinds.workflows.makers import call, dag, finish, leaf, started, status, steps, workflow
from sampan.kinds.workflows import COMPONENT
from sampan.kube.plan import Measure


def metric(name: str = "runs", **fields: Any) -> dict[str, Any]:
    kinds = {"gauge", "counter", "histogram"} & fields.keys()
    return {
        "name": name,
        "help": "Runs.",
        **({} if kinds else {"counter": {"value": "1"}}),
        **fields,
    }


def measured(*wanted: dict[str, Any], **spec: Any) -> Toy:
    """A step with these metrics, run to its end within ten seconds."""
    toy = started(workflow(steps([call("a")]), leaf(metrics={"prometheus": list(wanted)}), **spec))
    toy.time += timedelta(seconds=10)
    return finish(toy)


def only(toy: Toy) -> Measure:
    (found,) = {each.once: each for each in own(toy)}.values()
    return found


def own(toy: Toy) -> list[Measure]:
    """What the workflow asks for itself."""
    return [each for each in toy.measured if each.help == "Runs."]


def complaint(toy: Toy) -> str:
    return "".join(c["message"] for c in status(toy)["conditions"] if c["type"] == "MetricsError")


def test_a_counter_counts_the_end_of_a_node() -> None:
    toy = measured(metric(labels=[{"key": "how", "value": "{{status}}"}]))
    found = only(toy)
    assert (found.name, found.kind, found.value) == ("argo_workflows_runs", "counter", 1.0)
    assert found.labels == {"how": "Succeeded"}
    assert complaint(toy) == ""


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("{{duration}}", 10.0),
        ("{{resourcesDuration.cpu}}", 0.0),
        ("{{exitCode}}", 0.0),
        ("{{=workflow.name == 'wf' ? 3 : 4}}", 3.0),
        ("-2.5e1", -25.0),
    ],
)
def test_a_gauge_shows_a_value(value: str, number: float) -> None:
    found = only(measured(metric(gauge={"value": value, "operation": "Add"})))
    assert (found.kind, found.value, found.operation) == ("gauge", number, "Add")


def test_a_histogram_has_buckets() -> None:
    found = only(measured(metric(histogram={"value": "{{duration}}", "buckets": [20, 5]})))
    assert (found.kind, found.value, found.bounds) == ("histogram", 10.0, (5.0, 20.0))


@pytest.mark.parametrize(
    ("when", "counts"), [("{{status}} == Failed", 0), ("{{status}} == Succeeded", 1), ("1 == 1", 1)]
)
def test_a_condition_keeps_a_metric_back(when: str, counts: int) -> None:
    assert len(own(measured(metric(when=when)))) == counts


def test_a_gauge_in_real_time_grows_until_the_end() -> None:
    gauge = {"value": "{{duration}}", "realtime": True}
    first, last = own(measured(metric(gauge=gauge)))
    assert (first.since, first.once) == (START, "")
    assert (last.since, last.value) == (None, 10.0)


def test_a_workflow_has_metrics_of_its_own() -> None:
    gauge = {"value": "{{workflow.duration}}"}
    live = metric("live", gauge={**gauge, "realtime": True})
    told = metric("told", gauge=gauge, labels=[{"key": "is", "value": "{{workflow.status}}"}])
    toy = started(workflow(leaf("main"), metrics={"prometheus": [live, told]}))
    assert {(each.name, each.since) for each in own(toy)} == {("argo_workflows_live", START)}
    toy.time += timedelta(seconds=10)
    finish(toy)
    by_name = {each.name: each for each in own(toy)}
    assert by_name["argo_workflows_live"].value == 10.0
    assert by_name["argo_workflows_told"].labels == {"is": "Succeeded"}


@pytest.mark.parametrize(
    ("wanted", "fault"),
    [
        (metric(counter={"value": "many"}), 'strconv.ParseFloat: parsing "many": invalid syntax'),
        (metric(when="1 +"), "unable to compute 'when' clause for metric 'runs'"),
        (metric(when="1"), "Expected boolean evaluation for '1'. Got 1"),
        (metric(gauge={"value": "1", "realtime": True}), "only be used with metric variables"),
        (
            metric(gauge={"value": "{{status}}", "realtime": True}),
            "'status' is not available as a real time metric",
        ),
    ],
)
def test_what_cannot_be_measured_is_said_and_hinders_nothing(
    wanted: dict[str, Any], fault: str
) -> None:
    toy = measured(wanted)
    assert fault in complaint(toy)
    assert status(toy)["phase"] == "Succeeded"


@pytest.mark.parametrize(
    ("wanted", "fault"),
    [
        (metric("a-b"), "metric name is invalid: names may only contain alphanumeric"),
        (metric(labels=[{"key": "a b", "value": "c"}]), "metric label 'a b' is invalid"),
        (metric(help=""), "metric 'runs' must contain a help string under 'help: ' field"),
    ],
)
def test_defaults_that_no_validator_sees_are_checked_when_they_count(
    wanted: dict[str, Any], fault: str
) -> None:
    defaults = {"metrics": {"prometheus": [wanted]}}
    toy = finish(started(workflow(leaf("main"), templateDefaults=defaults)))
    assert fault in complaint(toy)


def test_a_failing_attempt_counts_as_well() -> None:
    counter = metric(labels=[{"key": "how", "value": "{{status}}"}])
    work = leaf(metrics={"prometheus": [counter]}, retryStrategy={"limit": 2})
    toy = started(workflow(steps([call("a")]), work))
    ends = iter(("Failed", "Succeeded"))
    while toy.step_pods(lambda pod: next(ends), most=1):
        pass
    counted = {each.once: each.labels["how"] for each in own(toy)}
    assert sorted(counted.values()) == ["Failed", "Succeeded"]


@pytest.mark.parametrize("around", ["steps", "dag"])
def test_an_inline_template_is_measured(around: str) -> None:
    inline = {"container": {"image": "busybox"}, "metrics": {"prometheus": [metric()]}}
    child = {"name": "a", "inline": inline, "withItems": [1, 2]}
    group = steps([child]) if around == "steps" else dag(child)
    toy = finish(started(workflow(group)))
    assert len({each.once for each in own(toy)}) == 2


def test_nodes_tell_of_themselves() -> None:
    toy = finish(started(workflow(steps([call("a")]), leaf())), a="Failed")
    told = [(e.type, e.reason, e.message) for e in toy.events if e.annotations]
    assert ("Normal", "WorkflowNodeRunning", "Running node wf[0].a") in told
    assert (
        "Warning",
        "WorkflowNodeFailed",
        "Failed node wf[0].a: main: Error (exit code 1)",
    ) in told
    notes = next(e.annotations for e in toy.events if e.message == "Running node wf[0].a")
    assert notes["workflows.argoproj.io/node-type"] == "Pod"
    assert notes["workflows.argoproj.io/node-name"] == "wf[0].a"


@pytest.mark.parametrize(
    ("setting", "about"), [("enabled: false", set()), ("sendAsPod: true", {"Pod", None})]
)
def test_the_operator_decides_about_events_of_nodes(setting: str, about: set[str | None]) -> None:
    toy = Toy(COMPONENT)
    settings = {"name": "workflow-controller-configmap", "namespace": "argo"}
    data = {"nodeEvents": setting}
    toy.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": settings, "data": data})
    toy.create(workflow(steps([call("a")]), leaf()))
    toy.settle()
    finish(toy)
    told = [event for event in toy.events if event.annotations]
    assert {event.about and event.about.get("kind", "Pod") for event in told} == about
    for event in told:
        name = event.annotations.get("workflows.argoproj.io/workflow-name")
        assert name == ("wf" if event.about else None)
