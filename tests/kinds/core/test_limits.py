"""LimitRanges: what they fill in, what they forbid, and what may not be said in one."""

from __future__ import annotations

from typing import Any

import pytest

from sampan.kinds.core.admit import RULES
from sampan.kube import names
from sampan.kube.errors import ApiStatus
from sampan.kube.keys import Manifest
from sampan.testing.memory import START

CONTAINER = {
    "type": "Container",
    "min": {"cpu": "50m", "memory": "100Mi"},
    "max": {"cpu": "1", "memory": "500Mi"},
    "default": {"cpu": "500m", "memory": "500Mi"},
    "defaultRequest": {"cpu": "100m", "memory": "200Mi"},
}


class Ranges:
    """A view of one LimitRange."""

    def __init__(self, *limits: Any) -> None:
        manifest = {"metadata": {"name": "l", "namespace": "u"}, "spec": {"limits": list(limits)}}
        default = RULES[names.LIMIT_RANGE].default
        assert default is not None
        default(manifest)
        self.manifest = manifest

    def select(self, kind: str, namespace: str = "", labels: Any = None) -> list[Manifest]:
        return [self.manifest] if kind == names.LIMIT_RANGE and namespace == "u" else []

    def get(self, key: Any) -> Manifest | None:
        return None

    def now(self) -> Any:
        return START


def pod(*containers: Any, **spec: Any) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "u"},
        "spec": {"containers": list(containers), **spec},
    }


def container(requests: Any = None, limits: Any = None, name: str = "c") -> Any:
    given = {"requests": requests or {}, "limits": limits or {}}
    return {"name": name, "image": "i", "resources": given}


def admitted(view: Any, manifest: Manifest) -> Manifest:
    rules = RULES[names.POD]
    assert rules.default is not None
    assert rules.prepare is not None
    assert rules.admit is not None
    rules.default(manifest)
    rules.prepare(manifest, None)
    rules.admit(view, manifest, None)
    return manifest


def refused(view: Any, manifest: Manifest) -> str:
    with pytest.raises(ApiStatus) as caught:
        admitted(view, manifest)
    return caught.value.message


def test_containers_get_what_they_do_not_say() -> None:
    view = Ranges(CONTAINER)
    made = admitted(view, pod(container(), initContainers=[container(name="i")]))
    for each in (*made["spec"]["containers"], *made["spec"]["initContainers"]):
        assert each["resources"] == {
            "requests": CONTAINER["defaultRequest"],
            "limits": CONTAINER["default"],
        }
    assert made["status"]["qosClass"] == "Burstable"
    assert made["metadata"]["annotations"]["kubernetes.io/limit-ranger"] == (
        "LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for"
        " container c; cpu, memory request for init container i; cpu, memory limit for init"
        " container i"
    )


def test_what_a_container_says_stays() -> None:
    asked = container({"cpu": "300m"}, {"memory": "300Mi"})
    made = admitted(Ranges(CONTAINER), pod(asked))
    assert made["spec"]["containers"][0]["resources"] == {
        "requests": {"cpu": "300m", "memory": "300Mi"},
        "limits": {"cpu": "500m", "memory": "300Mi"},
    }


def test_a_default_limit_below_the_request_is_a_fault_of_the_field() -> None:
    text = refused(Ranges(CONTAINER), pod(container({"cpu": "600m"})))
    assert text.startswith('Pod "p" is invalid: spec.containers[0].resources.requests: Invalid')


REFUSED = [
    pytest.param(
        {"cpu": "10m", "memory": "200Mi"}, None,
        "minimum cpu usage per Container is 50m, but request is 10m", id="too little",
    ),
    pytest.param(
        {"cpu": "100m", "memory": "200Mi"}, {"cpu": "2", "memory": "500Mi"},
        "maximum cpu usage per Container is 1, but limit is 2", id="too much",
    ),
    pytest.param(
        {"cpu": "10m", "memory": "10Mi"}, None,
        "[minimum cpu usage per Container is 50m, but request is 10m, minimum memory usage per"
        " Container is 100Mi, but request is 10Mi]", id="two",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("requests", "limits", "fault"), REFUSED)
def test_out_of_bounds(requests: Any, limits: Any, fault: str) -> None:
    text = refused(Ranges(CONTAINER), pod(container(requests, limits)))
    assert text == f'pods "p" is forbidden: {fault}'


def test_a_ratio_is_held() -> None:
    steep = {"type": "Container", "maxLimitRequestRatio": {"cpu": "3"}}
    text = refused(Ranges(steep), pod(container({"cpu": "1"}, {"cpu": "4"})))
    assert text.endswith("cpu max limit to request ratio per Container is 3, but provided ratio is"
                         " 4.000000")  # fmt: skip
    text = refused(Ranges(steep), pod(container()))
    assert text.endswith("per Container is 3, but no request is specified or request is 0")


def test_a_pod_is_the_sum_of_its_containers() -> None:
    view = Ranges({"type": "Pod", "max": {"memory": "1Gi"}})
    half = {"memory": "600Mi"}
    text = refused(view, pod(container(limits=half), container(limits=half, name="d")))
    assert text.endswith("maximum memory usage per Pod is 1Gi, but limit is 1200Mi")
    text = refused(view, pod(container(name="d")))
    assert text.endswith("maximum memory usage per Pod is 1Gi.  No limit is specified")


def test_claims_have_bounds_too() -> None:
    limit = {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}, "max": {"storage": "2Gi"}}
    admit = RULES[names.PERSISTENT_VOLUME_CLAIM].admit
    assert admit is not None

    def claim(size: str) -> Manifest:
        spec = {"resources": {"requests": {"storage": size}}}
        return {"metadata": {"name": "c", "namespace": "u"}, "spec": spec}

    admit(Ranges(limit), claim("1Gi"), None)
    for size, fault in (("1Mi", "minimum"), ("3Gi", "maximum")):
        with pytest.raises(ApiStatus, match=f"{fault} storage usage per PersistentVolumeClaim"):
            admit(Ranges(limit), claim(size), None)


def test_a_limit_range_fills_itself() -> None:
    limit = {"type": "Container", "max": {"cpu": "2"}, "min": {"memory": "1Mi"}}
    assert Ranges(limit).manifest["spec"]["limits"] == [
        {
            **limit,
            "default": {"cpu": "2"},
            "defaultRequest": {"cpu": "2", "memory": "1Mi"},
        }
    ]


WRONG = [
    pytest.param({"type": "Gadget"}, "spec.limits[0].type", id="no such type"),
    pytest.param({"type": "Pod", "default": {"cpu": "1"}}, "spec.limits[0].default", id="pod"),
    pytest.param({"type": "PersistentVolumeClaim"}, "spec.limits[0]", id="claim without size"),
    pytest.param(
        {"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}},
        "spec.limits[0].min[cpu]", id="min above max",
    ),
    pytest.param(
        {"type": "Container", "max": {"cpu": "1"}, "default": {"cpu": "2"}},
        "spec.limits[0].default[cpu]", id="default above max",
    ),
    pytest.param(
        {"type": "Container", "maxLimitRequestRatio": {"cpu": "0.5"}},
        "spec.limits[0].maxLimitRequestRatio[cpu]", id="ratio below one",
    ),
    pytest.param({"type": "Container", "max": {"cpu": "x"}}, "spec.limits[0].max[cpu]", id="junk"),
]  # fmt: skip


@pytest.mark.parametrize(("limit", "field"), WRONG)
def test_what_may_not_be_said(limit: Any, field: str) -> None:
    validate = RULES[names.LIMIT_RANGE].validate
    assert validate is not None
    manifest: Manifest = {"metadata": {"name": "l"}, "spec": {"limits": [limit]}}
    assert field in {problem.field for problem in validate(manifest, None)}


QUOTAS = [
    pytest.param({"hard": {"gizmos": "1"}}, "spec.hard[gizmos]", id="no such thing"),
    pytest.param({"hard": {"pods": "-1"}}, "spec.hard[pods]", id="negative"),
    pytest.param({"hard": {"pods": "1.5"}}, "spec.hard[pods]", id="half a pod"),
    pytest.param({"hard": {}, "scopes": ["Odd"]}, "spec.scopes", id="no such scope"),
    pytest.param(
        {"hard": {"services": "1"}, "scopes": ["Terminating"]}, "spec.scopes", id="not of pods"
    ),
    pytest.param({"scopes": ["BestEffort", "NotBestEffort"]}, "spec.scopes", id="opposites"),
    pytest.param(
        {"scopeSelector": {"matchExpressions": [
            {"scopeName": "PriorityClass", "operator": "In"}]}},
        "spec.scopeSelector.matchExpressions.values", id="no values",
    ),
    pytest.param(
        {"scopeSelector": {"matchExpressions": [
            {"scopeName": "Terminating", "operator": "In", "values": ["x"]}]}},
        "spec.scopeSelector.matchExpressions.operator", id="only exists",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "field"), QUOTAS)
def test_what_a_quota_may_not_say(spec: Any, field: str) -> None:
    validate = RULES[names.RESOURCE_QUOTA].validate
    assert validate is not None
    manifest: Manifest = {"metadata": {"name": "q"}, "spec": spec}
    assert field in {problem.field for problem in validate(manifest, None)}


def test_what_a_quota_may_say_and_that_scopes_stay() -> None:
    validate = RULES[names.RESOURCE_QUOTA].validate
    assert validate is not None
    hard = {
        "pods": "1", "requests.nvidia.com/gpu": "2", "count/jobs.batch": "3",
        "requests.hugepages-2Mi": "4Mi", "limits.ephemeral-storage": "1Gi",
        "fast.storageclass.storage.k8s.io/requests.storage": "1Ti",
    }  # fmt: skip
    quota: Manifest = {"metadata": {"name": "q"}, "spec": {"hard": hard}}
    assert validate(quota, quota) == []
    warn = RULES[names.RESOURCE_QUOTA].warn
    assert warn is not None
    assert warn(quota) == []
    odd = {"gold.deviceclass.resource.k8s.io/devices": "1", **hard}
    assert len(warn({"spec": {"hard": odd}})) == 1
    scoped: Manifest = {"metadata": {"name": "q"}, "spec": {"scopes": ["Terminating"]}}
    assert [problem.field for problem in validate(scoped, quota)] == ["spec.scopes"]
