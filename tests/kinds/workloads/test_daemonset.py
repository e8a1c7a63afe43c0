"""DaemonSets: which nodes get a pod, how it is renewed, what is remembered."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinds.toy import Refused, Toy, phase_of
from kinds.workloads.makers import DAEMON_SET, node, pod_spec, serving, template
from sampan.kinds.workloads import COMPONENT
from sampan.kinds.workloads.daemonsets import target
from sampan.kube import meta
from sampan.kube.keys import Key, Manifest, key_of


def status(toy: Toy) -> dict[str, Any]:
    return dict(toy.objects[DAEMON_SET]["status"])


def where(toy: Toy) -> list[str]:
    return sorted(target(pod) for pod in toy.running())


def images(toy: Toy) -> dict[str, str]:
    return {target(p): p["spec"]["containers"][0]["image"] for p in toy.running()}


def roll(toy: Toy) -> None:
    while toy.step_pods(lambda pod: None):
        pass


def revisions(toy: Toy) -> list[Manifest]:
    found = [each for key, each in toy.objects.items() if key.kind == "ControllerRevision.apps"]
    return sorted(found, key=lambda each: each["revision"])


def on(toy: Toy, *names: str, **spec: Any) -> Manifest:
    for name in names:
        toy.create(node(name))
    created = toy.create(serving("DaemonSet", **spec))
    toy.settle()
    return created


def test_each_node_gets_a_pod_of_its_own(toy: Toy) -> None:
    on(toy, "a", "b")
    roll(toy)
    assert where(toy) == ["a", "b"]
    pod = toy.running()[0]
    terms = pod["spec"]["affinity"]["nodeAffinity"]
    assert terms["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"] == [
        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [target(pod)]}]}
    ]
    assert len(pod["spec"]["tolerations"]) == 6
    assert status(toy) == {
        "currentNumberScheduled": 2,
        "desiredNumberScheduled": 2,
        "numberMisscheduled": 0,
        "numberReady": 2,
        "numberAvailable": 2,
        "updatedNumberScheduled": 2,
        "observedGeneration": 1,
    }
    (revision,) = revisions(toy)
    labels = pod["metadata"]["labels"]
    assert (
        labels["controller-revision-hash"]
        == (revision["metadata"]["labels"]["controller-revision-hash"])
    )
    assert labels["pod-template-generation"] == "1"


def test_a_node_that_comes_and_one_that_goes(toy: Toy) -> None:
    on(toy, "a")
    roll(toy)
    toy.create(node("b"))
    toy.settle()
    roll(toy)
    assert where(toy) == ["a", "b"]
    toy.delete(Key("Node", "u", "a"))
    toy.settle()
    roll(toy)
    assert where(toy) == ["b"]


def test_only_nodes_that_are_selected(toy: Toy) -> None:
    toy.create(node("plain"))
    toy.create(node("blue", color="blue"))
    toy.create(serving("DaemonSet", template=template(nodeSelector={"color": "blue"})))
    toy.settle()
    roll(toy)
    assert where(toy) == ["blue"]
    toy.patch(Key("Node", "u", "blue"), {"metadata": {"labels": {"color": None}}})
    toy.settle()
    roll(toy)
    assert where(toy) == []
    assert status(toy)["desiredNumberScheduled"] == 0


def test_taints_keep_away_and_drive_away(toy: Toy) -> None:
    toy.create(node("busy", taints=("NoSchedule",)))
    on(toy, "free")
    roll(toy)
    assert where(toy) == ["free"]
    taint = {"key": "dedicated", "effect": "NoSchedule"}
    toy.patch(Key("Node", "u", "free"), {"spec": {"taints": [taint]}})
    toy.settle()
    assert where(toy) == ["free"]
    assert status(toy)["numberMisscheduled"] == 1
    toy.patch(Key("Node", "u", "free"), {"spec": {"taints": [{**taint, "effect": "NoExecute"}]}})
    toy.settle()
    roll(toy)
    assert where(toy) == []


def test_a_pod_that_failed_is_made_again(toy: Toy) -> None:
    on(toy, "a")
    roll(toy)
    (pod,) = toy.pods()
    toy.run_pod(pod, "Failed")
    toy.advance(1)
    roll(toy)
    assert where(toy) == ["a"]
    assert meta.name_of(toy.running()[0]) != meta.name_of(pod)
    assert "FailedDaemonPod" in [event.reason for event in toy.events]


def test_an_update_goes_node_by_node(toy: Toy) -> None:
    on(toy, "a", "b", "c")
    roll(toy)
    least = 3

    def watch(toy: Toy) -> None:
        nonlocal least
        ready = [p for p in toy.running() if phase_of(p) == "Running"]
        least = min(least, len(ready))

    toy.watch = watch
    toy.patch(DAEMON_SET, {"spec": {"template": template("web:2")}})
    toy.settle()
    roll(toy)
    assert set(images(toy).values()) == {"web:2"}
    assert least == 2
    assert [each["revision"] for each in revisions(toy)] == [1, 2]
    assert status(toy)["updatedNumberScheduled"] == 3


def test_a_surge_brings_the_new_pod_first(toy: Toy) -> None:
    rolling = {"maxSurge": 1, "maxUnavailable": 0}
    on(toy, "a", "b", updateStrategy={"type": "RollingUpdate", "rollingUpdate": rolling})
    roll(toy)
    toy.patch(DAEMON_SET, {"spec": {"template": template("web:2")}})
    toy.settle()
    assert len(toy.running()) == 3
    toy.watch = lambda toy: _enough(toy)
    roll(toy)
    assert images(toy) == {"a": "web:2", "b": "web:2"}
    assert len(toy.pods()) == 2


def _enough(toy: Toy) -> None:
    ready = {target(p) for p in toy.running() if phase_of(p) == "Running"}
    assert ready == {"a", "b"}
    assert len(toy.running()) <= 3


def test_on_delete_waits_for_the_user(toy: Toy) -> None:
    on(toy, "a", "b", updateStrategy={"type": "OnDelete"})
    roll(toy)
    toy.patch(DAEMON_SET, {"spec": {"template": template("web:2")}})
    toy.settle()
    roll(toy)
    assert set(images(toy).values()) == {"web:1"}
    (pod, _) = toy.pods()
    toy.delete(key_of(pod))
    roll(toy)
    assert sorted(images(toy).values()) == ["web:1", "web:2"]


def test_a_template_that_comes_back_is_the_latest_revision(toy: Toy) -> None:
    on(toy, "a")
    for image in ("web:2", "web:1"):
        toy.patch(DAEMON_SET, {"spec": {"template": template(image)}})
        toy.settle()
        roll(toy)
    assert [each["revision"] for each in revisions(toy)] == [2, 3]
    assert revisions(toy)[1]["data"]["spec"]["template"]["spec"]["containers"][0]["image"] == (
        "web:1"
    )


def test_an_equal_revision_that_somebody_wrote_restarts_nothing(toy: Toy) -> None:
    owner = on(toy, "a")
    roll(toy)
    (pod,) = toy.pods()
    (first,) = revisions(toy)
    labels = {**first["metadata"]["labels"], "controller-revision-hash": "other"}
    about = {"name": "web-other", "labels": labels}
    about["ownerReferences"] = [meta.controlled_by(owner)]
    toy.create({**first, "metadata": about, "revision": 2})
    toy.settle()
    assert len(revisions(toy)) == 2
    toy.delete(key_of(first))
    toy.settle()
    roll(toy)
    assert [meta.name_of(each) for each in toy.pods()] == [meta.name_of(pod)]
    toy.patch(DAEMON_SET, {"spec": {"template": template("web:2")}})
    toy.settle()
    assert [each["revision"] for each in revisions(toy)] == [2, 3]


def test_history_is_limited(toy: Toy) -> None:
    on(toy, "a", revisionHistoryLimit=1)
    for number in range(2, 6):
        toy.patch(DAEMON_SET, {"spec": {"template": template(f"web:{number}")}})
        toy.settle()
        roll(toy)
    assert [each["revision"] for each in revisions(toy)] == [4, 5]


def test_a_pod_of_nobody_is_taken_in_and_let_go(toy: Toy) -> None:
    on(toy, "a")
    roll(toy)
    (pod,) = toy.pods()
    toy.patch(key_of(pod), {"metadata": {"ownerReferences": []}})
    toy.settle()
    assert meta.controller_of(toy.objects[key_of(pod)]) is not None
    toy.patch(key_of(pod), {"metadata": {"labels": {"app": "other"}}})
    toy.settle()
    assert meta.controller_of(toy.objects[key_of(pod)]) is None
    assert len(toy.pods()) == 2


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 5),
    st.sampled_from(
        [{"maxUnavailable": 2}, {"maxUnavailable": "50%"}, {"maxUnavailable": 0, "maxSurge": 2}]
    ),
    st.integers(1, 3),
)
def test_every_update_ends_within_its_bounds(
    nodes: int, rolling: dict[str, Any], most: int
) -> None:
    toy = Toy(COMPONENT)
    strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
    on(toy, *(f"n{number}" for number in range(nodes)), updateStrategy=strategy)
    roll(toy)
    toy.patch(DAEMON_SET, {"spec": {"template": template("web:2")}})
    toy.settle()

    def bounds(toy: Toy) -> None:
        assert len(toy.running()) <= nodes + rolling.get("maxSurge", 0)

    toy.watch = bounds
    while toy.step_pods(lambda pod: None, most=most):
        pass
    assert sorted(images(toy).values()) == ["web:2"] * nodes
    assert status(toy)["numberAvailable"] == nodes


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        pytest.param(
            {"updateStrategy": {"rollingUpdate": {"maxUnavailable": 0}}},
            "spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when"
            " maxSurge is 0",
            id="cannot-move",
        ),
        pytest.param(
            {"updateStrategy": {"rollingUpdate": {"maxSurge": 1}}},
            "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when"
            " maxUnavailable is non-zero",
            id="both",
        ),
        pytest.param(
            {"updateStrategy": {"type": "Recreate"}},
            'spec.updateStrategy.type: Unsupported value: "Recreate": supported values:'
            ' "RollingUpdate", "OnDelete"',
            id="strategy",
        ),
        pytest.param(
            {"template": {**template(), "spec": pod_spec(restartPolicy="Never")}},
            'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values:'
            ' "Always"',
            id="restart-policy",
        ),
    ],
)
def test_a_bad_daemon_set_is_refused(toy: Toy, spec: dict[str, Any], problem: str) -> None:
    with pytest.raises(Refused) as refused:
        toy.create(serving("DaemonSet", **spec))
    assert str(refused.value) == problem
