"""autoscaling/v1 and v2 say the same object."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.apiserver.conversions.autoscaling import from_v2, to_v2

names = st.sampled_from(["cpu", "memory", "requests"])
quantities = st.sampled_from(["10m", "1", "5Gi"])
selectors = st.sampled_from([{}, {"selector": {"matchLabels": {"a": "b"}}}])
references = st.just({"apiVersion": "v1", "kind": "Service", "name": "s"})


@st.composite
def metrics(draw: st.DrawFn, side: str) -> dict[str, Any]:
    kind = draw(st.sampled_from(["Resource", "ContainerResource", "Pods", "Object", "External"]))
    body: dict[str, Any] = {}
    values = {"averageValue": draw(quantities)}
    if kind in ("Resource", "ContainerResource"):
        body["name"] = draw(names)
        if draw(st.booleans()):
            values = {"averageUtilization": draw(st.integers(1, 200))}
    else:
        body["metric"] = {"name": draw(names), **draw(selectors)}
        if kind != "Pods" and draw(st.booleans()):
            values = {"value": draw(quantities)}
    if kind == "ContainerResource":
        body["container"] = "main"
    if kind == "Object":
        body["describedObject"] = draw(references)
    types = {
        "averageUtilization": "Utilization", "averageValue": "AverageValue", "value": "Value",
    }  # fmt: skip
    kinds = {"type": types[next(iter(values))]} if side == "target" else {}
    field = kind[0].lower() + kind[1:]
    return {"type": kind, field: {**body, side: {**kinds, **values}}}


@st.composite
def hpas(draw: st.DrawFn) -> dict[str, Any]:
    spec = {"scaleTargetRef": draw(references), "maxReplicas": draw(st.integers(1, 9))}
    if found := draw(st.lists(metrics("target"), max_size=4)):
        spec["metrics"] = found
    if draw(st.booleans()):
        spec["behavior"] = {"scaleDown": {"stabilizationWindowSeconds": 5}}
    status: dict[str, Any] = {"desiredReplicas": 1}
    if found := draw(st.lists(metrics("current"), max_size=3)):
        status["currentMetrics"] = found
    if draw(st.booleans()):
        status["conditions"] = [{"type": "AbleToScale", "status": "True"}]
    meta: dict[str, Any] = {"name": "h"}
    if draw(st.booleans()):
        meta["annotations"] = {"mine": "kept"}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": meta,
        "spec": spec,
        "status": status,
    }


def _sorted(hpa: dict[str, Any]) -> dict[str, Any]:
    """The one metric that v1 has a field for comes last when it comes back."""
    for part, field in (("spec", "metrics"), ("status", "currentMetrics")):
        if field in hpa[part]:
            hpa[part][field] = sorted(hpa[part][field], key=orjson.dumps)
    return hpa


@given(hpas())
def test_nothing_is_lost_on_the_way_through_v1(hpa: dict[str, Any]) -> None:
    before = orjson.dumps(hpa)
    old = from_v2(hpa)
    assert old["apiVersion"] == "autoscaling/v1"
    assert not {"metrics", "behavior"} & old["spec"].keys()
    assert not {"currentMetrics", "conditions"} & old["status"].keys()
    assert _sorted(to_v2(old)) == _sorted(orjson.loads(before))
    assert orjson.dumps(hpa) == before


def test_the_one_number_of_v1_is_the_use_of_cpu() -> None:
    spec = {"maxReplicas": 3, "targetCPUUtilizationPercentage": 70}
    hpa = {"apiVersion": "autoscaling/v1", "kind": "x", "metadata": {"name": "h"}, "spec": spec}
    new = to_v2(hpa)
    target = {"type": "Utilization", "averageUtilization": 70}
    assert new["spec"] == {
        "maxReplicas": 3,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
    assert "status" not in new
    assert from_v2(new) == hpa


def test_other_metrics_are_annotations_in_old_words() -> None:
    target = {"type": "Value", "value": "3"}
    metric = {"name": "queue", "selector": {"matchLabels": {"a": "b"}}}
    external = {"type": "External", "external": {"metric": metric, "target": target}}
    hpa = {"apiVersion": "autoscaling/v2", "metadata": {}, "spec": {"metrics": [external]}}
    annotations = from_v2(hpa)["metadata"]["annotations"]
    assert orjson.loads(annotations["autoscaling.alpha.kubernetes.io/metrics"]) == [
        {
            "type": "External",
            "external": {
                "metricName": "queue",
                "metricSelector": {"matchLabels": {"a": "b"}},
                "targetValue": "3",
            },
        }
    ]


@pytest.mark.parametrize("text", ["", "no json", "{}", "[1]", '[{"type": "Resource"}]', "null"])
def test_annotations_of_strangers_do_no_harm(text: str) -> None:
    name = "autoscaling.alpha.kubernetes.io/metrics"
    meta = {"name": "h", "annotations": {name: text}}
    new = to_v2({"apiVersion": "autoscaling/v1", "metadata": meta, "spec": {"maxReplicas": 1}})
    if "Resource" in text:
        assert new["spec"]["metrics"] == [{"type": "Resource"}]
    else:
        assert "metrics" not in new["spec"]
