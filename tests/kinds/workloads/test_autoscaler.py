"""HorizontalPodAutoscalers: what a metric asks for, and how fast the target follows."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinds.toy import Refused, Toy
from kinds.workloads.makers import DEPLOYMENT, LABELS, serving, template
from sampan.kinds.workloads import COMPONENT
from sampan.kinds.workloads.autoscaling import bounds
from sampan.kinds.workloads.autoscaling.types import NOTES, Notes, Reference, Spec
from sampan.kube import meta
from sampan.kube.conditions import get_condition
from sampan.kube.keys import Key, Manifest
from sampan.kube.times import rfc3339

HPA = Key("HorizontalPodAutoscaler.autoscaling", "u", "h")
CPU = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
}


def autoscaler(**spec: Any) -> Manifest:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    body = {"scaleTargetRef": target, "maxReplicas": 10, "metrics": [CPU], **spec}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "h", "namespace": "u"},
        "spec": body,
    }


class World(Toy):
    """A toy cluster whose pods use what the test says."""

    def serve(self, replicas: int, **spec: Any) -> None:
        pod = template()
        requests = {"cpu": "100m", "memory": "100Mi"}
        pod["spec"]["containers"][0]["resources"] = {"requests": requests}
        self.create(serving("Deployment", replicas=replicas, template=pod))
        self.settle()
        self.roll()
        self.time = self.time.replace(minute=10)  # they have been ready for some time
        self.create(autoscaler(**spec))

    def roll(self) -> None:
        while self.step_pods(lambda pod: None):
            pass

    def has_kind(self, kind: str) -> bool:
        return any(key.kind == kind for key in self.objects)

    def use(self, **usage: str) -> None:
        """What each running pod uses now."""
        for pod in self.running():
            if (pod.get("status") or {}).get("phase") != "Running":
                continue
            self.put(
                {
                    "apiVersion": "metrics.k8s.io/v1beta1",
                    "kind": "PodMetrics",
                    "metadata": {"name": meta.name_of(pod), "namespace": "u", "labels": LABELS},
                    "timestamp": rfc3339(self.time),
                    "window": "15.000s",
                    "containers": [{"name": "main", "usage": usage}],
                }
            )
        self.once(HPA)

    @property
    def size(self) -> int:
        return int(self.objects[DEPLOYMENT]["spec"]["replicas"])

    def condition(self, kind: str) -> tuple[str, str]:
        found = get_condition(self.objects[HPA]["status"]["conditions"], kind)
        assert found is not None
        return found["status"], found["reason"]

    def run_pod(self, pod: Manifest, phase: str, **more: Any) -> None:
        super().run_pod(pod, phase, **more)
        live = self.objects[Key("Pod", "u", meta.name_of(pod))]
        started = {**live["status"], "startTime": rfc3339(self.time)}
        self.put({**live, "status": started})


@pytest.fixture
def world() -> World:
    return World(COMPONENT)


@pytest.mark.parametrize(
    ("cpu", "size"),
    [
        pytest.param("50m", 2, id="on-target"),
        pytest.param("54m", 2, id="within-tolerance"),
        pytest.param("75m", 3, id="above"),
        pytest.param("110m", 4, id="twice-at-most"),
    ],
)
def test_load_decides_the_size(world: World, cpu: str, size: int) -> None:
    world.serve(2)
    world.use(cpu=cpu)
    assert world.size == size
    assert world.condition("ScalingActive") == ("True", "ValidMetricFound")


def test_status_says_what_was_measured(world: World) -> None:
    world.serve(2)
    world.use(cpu="75m")
    status = world.objects[HPA]["status"]
    assert status["currentMetrics"] == [
        {
            "type": "Resource",
            "resource": {
                "name": "cpu",
                "current": {"averageUtilization": 75, "averageValue": "75m"},
            },
        }
    ]
    assert (status["currentReplicas"], status["desiredReplicas"]) == (2, 3)
    assert status["lastScaleTime"] == rfc3339(world.time)
    assert world.condition("AbleToScale") == ("True", "SucceededRescale")
    assert "SuccessfulRescale" in [event.reason for event in world.events]


def test_shrinking_waits_for_five_minutes(world: World) -> None:
    world.serve(4)
    world.use(cpu="10m")
    assert world.size == 4
    assert world.condition("AbleToScale") == ("True", "ScaleDownStabilized")
    world.advance(150)
    world.use(cpu="20m")
    world.advance(149)
    world.use(cpu="10m")
    assert world.size == 4
    world.advance(2)
    world.use(cpu="10m")
    assert world.size == 2  # the largest that was recommended meanwhile
    world.settle()
    world.roll()


def test_one_at_rest_remembers_nothing(world: World) -> None:
    world.serve(2)
    world.use(cpu="90m")
    world.settle()
    world.roll()
    for _ in range(3):
        world.advance(15)
        world.use(cpu="50m")
    assert NOTES not in world.objects[HPA]["metadata"]["annotations"]


def test_without_metrics_it_says_so_and_does_nothing(world: World) -> None:
    world.serve(2)
    world.once(HPA)
    assert world.size == 2
    assert world.condition("ScalingActive") == ("False", "FailedGetResourceMetric")
    told = [event.reason for event in world.events]
    world.once(HPA)
    assert [event.reason for event in world.events] == told


def test_pods_without_requests_cannot_be_judged(world: World) -> None:
    world.create(serving("Deployment", replicas=1))
    world.settle()
    world.roll()
    world.time = world.time.replace(minute=10)
    world.create(autoscaler())
    world.use(cpu="10m")
    assert world.condition("ScalingActive") == ("False", "FailedGetResourceMetric")
    message = get_condition(world.objects[HPA]["status"]["conditions"], "ScalingActive")
    assert message is not None
    assert "missing request for cpu in container main of Pod web-" in message["message"]


def test_pods_that_are_not_measured_are_guessed_carefully(world: World) -> None:
    world.serve(4)
    world.use(cpu="100m")
    world.objects = {
        key: each
        for key, each in world.objects.items()
        if key.kind != "PodMetrics.metrics.k8s.io" or key.name == min(
            k.name for k in world.objects if k.kind == "PodMetrics.metrics.k8s.io"
        )
    }  # fmt: skip
    world.patch(DEPLOYMENT, {"spec": {"replicas": 4}})
    world.once(HPA)
    assert world.size == 4  # one at twice its share, three idle: would shrink, so it stays


def test_a_target_that_is_not_there(world: World) -> None:
    world.create(autoscaler())
    world.once(HPA)
    assert world.condition("AbleToScale") == ("False", "FailedGetScale")
    assert world.events[-1].reason == "FailedGetScale"


def test_zero_switches_it_off(world: World) -> None:
    world.serve(0)
    world.once(HPA)
    assert world.size == 0
    assert world.condition("ScalingActive") == ("False", "ScalingDisabled")


@pytest.mark.parametrize(("replicas", "size"), [(1, 2), (9, 5)])
def test_the_bounds_hold_without_a_metric(world: World, replicas: int, size: int) -> None:
    world.serve(replicas, minReplicas=2, maxReplicas=5)
    world.once(HPA)
    assert world.size == size


def test_memory_by_its_value(world: World) -> None:
    target = {"type": "AverageValue", "averageValue": "100Mi"}
    world.serve(2, metrics=[{"type": "Resource", "resource": {"name": "memory", "target": target}}])
    world.use(memory="150Mi")
    assert world.size == 3


def test_one_container_of_several(world: World) -> None:
    target = {"type": "Utilization", "averageUtilization": 50}
    body = {"name": "cpu", "container": "main", "target": target}
    world.serve(2, metrics=[{"type": "ContainerResource", "containerResource": body}])
    world.use(cpu="75m")
    assert world.size == 3


def external(**target: Any) -> dict[str, Any]:
    return {"type": "External", "external": {"metric": {"name": "queue"}, "target": target}}


def test_an_external_metric_that_nobody_serves(world: World) -> None:
    world.serve(2, metrics=[external(type="AverageValue", averageValue="5")])
    world.once(HPA)
    assert world.condition("ScalingActive") == ("False", "FailedGetExternalMetric")


def test_an_external_metric_by_its_name(world: World) -> None:
    world.serve(2, metrics=[external(type="AverageValue", averageValue="5")])
    for name, value in (("queue", "17"), ("other", "99")):
        world.create(
            {
                "apiVersion": "external.metrics.k8s.io/v1beta1",
                "kind": "ExternalMetricValue",
                "metadata": {"name": name},
                "metricName": name,
                "value": value,
            }
        )
    world.once(HPA)
    assert world.size == 4
    (current,) = world.objects[HPA]["status"]["currentMetrics"]
    assert current["external"]["current"] == {"averageValue": "8500m"}


def test_a_metric_that_fails_stops_shrinking_but_not_growth(world: World) -> None:
    world.serve(4, metrics=[CPU, external(type="Value", value="5")])
    world.use(cpu="5m")
    assert world.condition("ScalingActive") == ("False", "FailedGetExternalMetric")
    world.use(cpu="100m")
    assert world.size == 8


SPEC = Spec(scaleTargetRef=Reference(kind="Deployment", name="web"), maxReplicas=100)


@given(
    st.lists(st.tuples(st.integers(0, 120), st.integers(1, 30)), min_size=1, max_size=30),
    st.integers(1, 20),
)
def test_it_never_shrinks_below_what_was_asked_for_in_the_window(
    looks: list[tuple[int, int]], size: int
) -> None:
    now, notes, asked = 0.0, Notes(), [(0.0, size)]
    for wait, wanted in looks:
        now += wait
        asked.append((now, wanted))
        limited = bounds.limit(SPEC, notes, size, wanted, now)
        if limited.size < size:
            recent = [each for at, each in asked if now - at < bounds.DOWN_WINDOW]
            assert limited.size >= max(recent)
        assert limited.size <= max(2 * size, 4, size)
        size, notes = limited.size, limited.notes
        assert len(notes.recommended) <= 31


def test_policies_limit_the_pace() -> None:
    down = {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}]}
    up = {"policies": [{"type": "Percent", "value": 50, "periodSeconds": 60}]}
    behavior = {"scaleDown": {**down, "stabilizationWindowSeconds": 0}, "scaleUp": up}
    spec = msgspec.convert(
        {"scaleTargetRef": {"kind": "D", "name": "w"}, "maxReplicas": 50, "behavior": behavior},
        Spec,
    )
    found = bounds.limit(spec, Notes(), 10, 1, 100.0)
    assert (found.size, found.limit[0]) == (8, "ScaleDownLimit")
    found = bounds.limit(spec, Notes(), 10, 40, 100.0)
    assert (found.size, found.limit[0]) == (15, "ScaleUpLimit")
    soon = Notes(rescaled=[(90.0, 5)])
    assert bounds.limit(spec, soon, 15, 40, 100.0).size == 15
    assert bounds.limit(spec, soon, 15, 40, 200.0).size == 23


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        pytest.param(
            {"minReplicas": 0},
            "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1",
            id="min",
        ),
        pytest.param(
            {"minReplicas": 5, "maxReplicas": 2},
            "spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`",
            id="max",
        ),
        pytest.param(
            {"metrics": [{"type": "Resource"}]},
            "spec.metrics[0].resource: Required value: must populate information for the given"
            " metric source",
            id="no-body",
        ),
        pytest.param(
            {"metrics": [external(type="Value", value="0")]},
            'spec.metrics[0].external.target.value: Invalid value: "0": must be positive',
            id="zero",
        ),
        pytest.param(
            {"behavior": {"scaleDown": {"policies": [{"type": "Pods", "value": 1}]}}},
            "spec.behavior.scaleDown.policies[0].periodSeconds: Invalid value: null: must be"
            " greater than zero and less than or equal to 1800",
            id="period",
        ),
    ],
)
def test_a_bad_autoscaler_is_refused(world: World, spec: dict[str, Any], problem: str) -> None:
    with pytest.raises(Refused) as refused:
        world.create(autoscaler(**spec))
    assert str(refused.value) == problem


def test_defaults(world: World) -> None:
    made = world.create(autoscaler(metrics=[], behavior={"scaleUp": {"selectPolicy": "Min"}}))
    assert made["spec"]["minReplicas"] == 1
    assert made["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 80
    assert made["spec"]["behavior"]["scaleUp"]["stabilizationWindowSeconds"] == 0
    assert len(made["spec"]["behavior"]["scaleUp"]["policies"]) == 2
