"""The story: from objects and events to what is wrong and what to do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.explain.facts import Known
from sampan.explain.story import tell


def thing(kind: str, name: str = "x", owner: str = "", **fields: Any) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": name, "namespace": "team", "uid": f"{kind}-{name}"}
    if owner:
        meta["ownerReferences"] = [{"uid": owner, "kind": "K", "name": "n", "apiVersion": "v1"}]
    meta |= fields.pop("metadata", {})
    return {"apiVersion": "v1", "kind": kind, "metadata": meta, **fields}


def pod(name: str = "p", owner: str = "", spec: Any = None, **status: Any) -> dict[str, Any]:
    main = {"name": "main", "image": "busybox"}
    return thing(
        "Pod", name, owner, spec={"nodeName": "n", "containers": [main], **(spec or {})},
        status={"phase": "Pending", **status},
    )  # fmt: skip


def container(**state: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "main", "image": "busybox", "restartCount": 2, **state}]}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return container(state={"waiting": {"reason": reason, "message": message}})


def event(about: dict[str, Any], reason: str, message: str) -> dict[str, Any]:
    uid = about["metadata"]["uid"]
    return {
        "metadata": {"name": "e"}, "involvedObject": {"uid": uid}, "type": "Warning",
        "reason": reason, "message": message, "lastTimestamp": "2026-01-01T00:00:00Z",
    }  # fmt: skip


READY = {"type": "Ready", "status": "True"}
UNSCHEDULED = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}


def unscheduled(message: str, **spec: Any) -> dict[str, Any]:
    return pod(spec={"nodeName": "", **spec}, conditions=[UNSCHEDULED | {"message": message}])


ENDED = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}


@pytest.mark.parametrize(
    ("about", "says", "advises"),
    [
        pytest.param(pod(phase="Running", conditions=[READY]), "is ready", "", id="ready"),
        pytest.param(pod(phase="Succeeded"), "has run to its end", "", id="succeeded"),
        pytest.param(
            pod(phase="Failed", reason="Evicted", message="The node was low"),
            "Evicted: The node was low", "Raise its limits", id="evicted",
        ),
        pytest.param(
            unscheduled("0/1 nodes are available: 1 Insufficient nvidia.com/gpu."),
            "1 Insufficient nvidia.com/gpu", "Lower resources.requests.nvidia.com/gpu,", id="gpu",
        ),
        pytest.param(
            unscheduled("0/1 nodes: node(s) had untolerated taint {a: b}."),
            "untolerated taint", "Add a toleration", id="taint",
        ),
        pytest.param(
            pod(**waiting("ErrImagePull", "not found")), "ErrImagePull: not found",
            "Check the name 'busybox'", id="image",
        ),
        pytest.param(
            pod(**waiting("CreateContainerConfigError", 'configmap "c" not found')),
            'configmap "c" not found', "Create the configmap c", id="config",
        ),
        pytest.param(
            pod(**container(state={"waiting": {"reason": "CrashLoopBackOff"}}, lastState=ENDED)),
            "exit code 137, OOMKilled", "Raise resources.limits.memory", id="out-of-memory",
        ),
        pytest.param(
            pod(**container(state={"terminated": {"exitCode": 127}})),
            "the command was not found", "sampan logs p -n team -c main", id="no-command",
        ),
        pytest.param(
            pod(**container(state={"running": {}}, ready=False, started=True),
                spec={"containers": [{"name": "main", "readinessProbe": {}}]}),
            "its readinessProbe has not succeeded", "compare the port", id="probe",
        ),
        pytest.param(
            thing("Deployment", spec={"replicas": 2, "paused": True}, status={}),
            "It is paused", "resume", id="paused",
        ),
        pytest.param(
            thing("ReplicaSet", spec={"replicas": 1}, status={"conditions": [
                {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
                 "message": "exceeded quota: q"}]}),
            "exceeded quota", "raise the ResourceQuota", id="quota",
        ),
        pytest.param(
            thing("Job", spec={"backoffLimit": 1}, status={"conditions": [
                {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}),
            "BackoffLimitExceeded", "more than 1 times", id="job",
        ),
        pytest.param(
            thing("Service", spec={"selector": {"app": "a"}}), "No pod has the labels app=a",
            "Compare spec.selector", id="service",
        ),
        pytest.param(
            thing("Workflow", status={"phase": "Failed", "nodes": {
                "1": {"type": "Pod", "displayName": "train", "phase": "Failed",
                      "message": "exit 1"},
                "2": {"type": "DAG", "displayName": "all", "phase": "Failed"}}}),
            "Step train has failed: exit 1", "", id="workflow",
        ),
        pytest.param(
            thing("Widget", status={"conditions": [
                {"type": "Ready", "status": "False", "reason": "Broken", "message": "no wheel"}]}),
            "Ready is False. Broken: no wheel", "", id="custom",
        ),
        pytest.param(
            thing("Widget", metadata={"deletionTimestamp": "2026", "finalizers": ["a/b"]}),
            "Finalizers hold it: a/b", "", id="deleted",
        ),
    ],
)  # fmt: skip
def test_what_is_said(about: dict[str, Any], says: str, advises: str) -> None:
    lines = tell(about, Known([about]))
    assert any(says in line.text for line in lines), lines
    advice = [line.text for line in lines if line.sign == "advice"]
    assert any(advises in text for text in advice) if advises else not advice, lines


def test_the_story_follows_what_is_not_well() -> None:
    deployment = thing("Deployment", "web", spec={"replicas": 2}, status={"readyReplicas": 1})
    old = thing("ReplicaSet", "old", "Deployment-web", spec={"replicas": 0}, status={})
    new = thing("ReplicaSet", "new", "Deployment-web", spec={"replicas": 2}, status={})
    good = pod("good", "ReplicaSet-new", phase="Running", conditions=[READY])
    bad = pod("bad", "ReplicaSet-new", **waiting("ErrImagePull"))
    warning = event(bad, "FailedMount", "it hangs")
    lines = tell(deployment, Known([deployment, old, new, good, bad], [warning]))
    texts = [(line.depth, line.text) for line in lines]
    assert (1, "ReplicaSet team/new") in texts
    assert (2, "Fine: good.") in texts
    assert (2, "Pod team/bad") in texts
    assert (3, "Event FailedMount: it hangs.") in texts
    assert not any("old" in text or "Pod team/good" in text for _, text in texts)


def test_a_claim_that_is_not_bound_is_followed() -> None:
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": name}} for name in "ab"]
    about = unscheduled("pod has unbound immediate PersistentVolumeClaims", volumes=volumes)
    claim = thing("PersistentVolumeClaim", "a", spec={"storageClassName": "gold"}, status={})
    storage = thing("StorageClass", "standard")
    texts = [line.text for line in tell(about, Known([about, claim, storage]))]
    assert "There is no StorageClass gold; there are standard." in texts
    assert "Create the claim b, or correct spec.volumes." in texts


def test_what_owns_itself_is_told_once_or_a_few_times() -> None:
    about = thing("Widget", "w", "Widget-w", status={"phase": "Failed"})
    assert 0 < len(tell(about, Known([about]))) < 50


SCRAPS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.dictionaries(
        st.sampled_from(["phase", "reason", "message", "replicas", "nodes", "selector"]), inner
    ),
    max_leaves=5,
)


def test_of_a_job_that_tries_again_the_last_failure_is_told() -> None:
    job = thing("Job", spec={"backoffLimit": 3}, status={"failed": 2})
    ended = container(state={"terminated": {"exitCode": 1}})
    pods = [
        pod(name, job["metadata"]["uid"], phase="Failed", **ended)
        | {"metadata": {**pod(name, job["metadata"]["uid"])["metadata"], "creationTimestamp": at}}
        for name, at in (("second", "2026-01-02T00:00:00Z"), ("first", "2026-01-01T00:00:00Z"))
    ]
    said = [line.text for line in tell(job, Known(pods))]
    assert "It tries again after a pause, 3 times in all (spec.backoffLimit)." in said
    assert "Pod team/second" in said
    assert "Pod team/first" not in said
    assert "1 earlier pods have failed, too." in said


@given(st.sampled_from(["Deployment", "Job", "DaemonSet", "CronJob", "Namespace", "Other"]), SCRAPS)
def test_any_kind_with_little_in_it_has_a_story(kind: str, scrap: Any) -> None:
    about = thing(kind, spec={}, status={"extra": scrap})
    assert tell(about, Known([about]))[0].text == f"{kind} team/x"


# -- searches -------------------------------------------------------------------------------------
def search(kind: str, *conditions: tuple[str, str, str], owner: str = "", **status: Any) -> Any:
    said = [{"type": kind, "status": value, "message": text} for kind, value, text in conditions]
    made = thing(
        kind, owner=owner, spec={"maxTrialCount": 5}, status={"conditions": said, **status}
    )
    return made | {"apiVersion": "kubeflow.org/v1beta1"}


def test_a_search_that_goes_on_is_followed_to_what_holds_it_up() -> None:
    running = ("Running", "True", "it is running")
    about = search("Experiment", running, trialsSucceeded=2, trialsRunning=1)
    trial = search("Trial", running, owner=about["metadata"]["uid"])
    job = thing("Job", owner=trial["metadata"]["uid"], spec={}, status={"active": 1})
    held = pod(owner=job["metadata"]["uid"], **waiting("ErrImagePull", "no such image"))
    said = [line.text for line in tell(about, Known([about, trial, job, held], []))]
    assert said[:2] == ["Experiment team/x", "2 of 5 trials are over, 1 run."]
    assert "It runs." in said
    assert any("no such image" in text for text in said)


@pytest.mark.parametrize(
    ("condition", "sign", "text"),
    [
        (("MetricsUnavailable", "True", "loss was not reported"), "bad",
         "MetricsUnavailable: loss was not reported."),
        (("Failed", "True", "too many"), "bad", "Failed: too many."),
        (("EarlyStopped", "True", "It was stopped"), "ok", "It was stopped."),
        (("Answered", "False", "the disk is full"), "bad",
         "It waits for an answer: the disk is full."),
    ],
)  # fmt: skip
def test_how_a_trial_is(condition: tuple[str, str, str], sign: str, text: str) -> None:
    about = search("Trial", condition)
    line = tell(about, Known([about], []))[1]
    assert (line.sign, line.text) == (sign, text)


def test_a_search_that_is_suspended() -> None:
    about = search("Experiment", ("Running", "False", ""), ("Suspended", "True", "no more"))
    said = [each.text for each in tell(about, Known([about], []))]
    assert "It is suspended (spec.suspend): no more trials begin." in said


ENDED_WELL = ("Succeeded", "True", "max trial count has reached")
CONSTRAINED = [{"name": "constraints", "value": "latency <= 1"}]


@pytest.mark.parametrize(
    ("status", "line"),
    [
        ({"trialsSucceeded": 3},
         ("note", "No trial keeps its constraints and has told a:minimize.")),
        ({"trialsParetoOptimal": 3, "hypervolume": {"value": "1.23456789"}},
         ("ok", "Pareto-optimal in a:minimize: 3 of the trials; their hypervolume is 1.23457.")),
        ({"warmStart": {"experiment": "old", "trialsSeen": 9, "trialsKnown": 7}},
         ("ok", "It began with 7 of 9 trials of old, which are of its space.")),
        ({"trialsParetoOptimal": 3}, ("ok", "Pareto-optimal in a:minimize: 3 of the trials.")),
    ],
)  # fmt: skip
def test_what_katib_lacks(status: dict[str, Any], line: tuple[str, str]) -> None:
    about = search("Experiment", ENDED_WELL, **status)
    settings = [{"name": "objectives", "value": "a:minimize"}]
    about["spec"]["algorithm"] = {"algorithmSettings": settings}
    assert line in [(each.sign, each.text) for each in tell(about, Known([about], []))]


@pytest.mark.parametrize(
    ("best", "line"),
    [
        ({}, ("bad", "There is no best trial: none keeps to latency <= 1.")),
        ({"bestTrialName": "t"},
         ("ok", "3 of the trials broke latency <= 1, and are never the best.")),
    ],
)  # fmt: skip
def test_what_broke_constraints(best: dict[str, Any], line: tuple[str, str]) -> None:
    about = search("Experiment", ENDED_WELL, trialsInfeasible=3, currentOptimalTrial=best)
    about["spec"]["algorithm"] = {"algorithmSettings": CONSTRAINED}
    assert line in [(each.sign, each.text) for each in tell(about, Known([about], []))]
