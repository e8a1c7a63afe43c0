"""Table cells as kubectl shows them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampan.apiserver import columns
from sampan.apiserver.columns.printer import duration
from sampan.apiserver.schemas import facts

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
MADE = "2026-11-22T10:25:00Z"


def made(kind: str = "Pod", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": "x", "creationTimestamp": MADE}, **more}


def shown(group: str, kind: str, **more: Any) -> dict[str, Any]:
    """Cells by column name."""
    printer = columns.printer(group, kind)
    cells = columns.cells(group, kind, made(kind, **more), NOW)
    assert len(cells) == len(printer.columns)
    return dict(zip([column.name for column in printer.columns], cells, strict=True))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"), (0, "0s"), (4, "4s"), (119, "119s"), (120, "2m"), (303, "5m3s"),
        (600, "10m"), (3 * 3600 - 1, "179m"), (3 * 3600, "3h"), (3 * 3600 + 60, "3h1m"),
        (8 * 3600, "8h"), (47 * 3600, "47h"), (48 * 3600, "2d"), (49 * 3600, "2d1h"),
        (8 * 86400, "8d"), (729 * 86400, "729d"), (731 * 86400, "2y1d"), (3000 * 86400, "8y"),
    ],
)  # fmt: skip
def test_ages(seconds: int, text: str) -> None:
    assert duration(timedelta(seconds=seconds)) == text


def status(*states: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "phase": "Running",
        "containerStatuses": [
            {"name": f"c{at}", "state": state, "ready": "running" in state}
            for at, state in enumerate(states)
        ],
        **more,
    }


RUNNING: dict[str, Any] = {"running": {}}
COMPLETED = {"terminated": {"exitCode": 0, "reason": "Completed"}}


@pytest.mark.parametrize(
    ("found", "word"),
    [
        pytest.param({"phase": "Pending"}, "Pending", id="phase"),
        pytest.param({"phase": "Failed", "reason": "Evicted"}, "Evicted", id="reason"),
        pytest.param(status(RUNNING), "Running", id="running"),
        pytest.param(status({"waiting": {"reason": "ErrImagePull"}}), "ErrImagePull", id="waiting"),
        pytest.param(status(COMPLETED, phase="Succeeded"), "Completed", id="completed"),
        pytest.param(status({"terminated": {"exitCode": 3}}), "ExitCode:3", id="exit-code"),
        pytest.param(
            status({"terminated": {"exitCode": 137, "signal": 9}}), "Signal:9", id="signal"
        ),
        pytest.param(status(RUNNING, {"waiting": {"reason": "CrashLoopBackOff"}}),
                     "CrashLoopBackOff", id="one-bad"),
        pytest.param(status({"waiting": {"reason": "A"}}, {"waiting": {"reason": "B"}}), "A",
                     id="first-has-the-last-word"),
        pytest.param(status(COMPLETED, RUNNING), "NotReady", id="half-done"),
        pytest.param(status(COMPLETED, RUNNING, conditions=[{"type": "Ready", "status": "True"}]),
                     "Running", id="half-done-but-ready"),
        pytest.param(
            {"phase": "Pending", "initContainerStatuses": [
                {"name": "i0", "state": COMPLETED}, {"name": "i1", "state": RUNNING}]},
            "Init:1/2", id="init",
        ),
        pytest.param(
            {"phase": "Pending", "initContainerStatuses": [
                {"name": "i0", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]},
            "Init:Error", id="init-error",
        ),
        pytest.param(
            {"phase": "Pending", "initContainerStatuses": [
                {"name": "i0", "state": {"terminated": {"exitCode": 2}}}]},
            "Init:ExitCode:2", id="init-exit-code",
        ),
        pytest.param(
            {"phase": "Pending", "initContainerStatuses": [
                {"name": "i0", "state": {"waiting": {"reason": "PodInitializing"}}}]},
            "Init:0/2", id="init-waits",
        ),
        pytest.param(
            {"phase": "Pending", "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]},
            "SchedulingGated", id="gated",
        ),
    ],
)  # fmt: skip
def test_status_of_a_pod(found: dict[str, Any], word: str) -> None:
    spec = {"initContainers": [{"name": "i0"}, {"name": "i1"}], "containers": [{"name": "c0"}]}
    assert shown("", "Pod", spec=spec, status=found)["Status"] == word


def test_a_pod_that_is_deleted_is_terminating() -> None:
    pod = made(status={"phase": "Running"})
    pod["metadata"]["deletionTimestamp"] = MADE
    assert columns.cells("", "Pod", pod, NOW)[2] == "Terminating"
    pod["status"]["phase"] = "Succeeded"
    assert columns.cells("", "Pod", pod, NOW)[2] == "Succeeded"


def test_a_pod_with_restarts_and_a_sidecar() -> None:
    found = {
        "phase": "Running", "podIP": "10.0.0.1",
        "initContainerStatuses": [
            {"name": "side", "started": True, "ready": True, "restartCount": 1, "state": RUNNING},
        ],
        "containerStatuses": [
            {"name": "main", "ready": True, "state": RUNNING, "restartCount": 2,
             "lastState": {"terminated": {"finishedAt": "2026-11-22T10:24:57Z"}}},
        ],
    }  # fmt: skip
    spec = {
        "nodeName": "n", "containers": [{"name": "main"}],
        "initContainers": [{"name": "side", "restartPolicy": "Always"}],
        "readinessGates": [{"conditionType": "G"}],
    }  # fmt: skip
    assert shown("", "Pod", spec=spec, status=found) == {
        "Name": "x", "Ready": "2/2", "Status": "Running", "Restarts": "3 (5m3s ago)", "Age": "5m",
        "IP": "10.0.0.1", "Node": "n", "Nominated Node": "<none>", "Readiness Gates": "0/1",
    }  # fmt: skip


TEMPLATE = {"spec": {"containers": [{"name": "a", "image": "i"}, {"name": "b", "image": "j"}]}}


@pytest.mark.parametrize(
    ("group", "kind", "body", "expected"),
    [
        ("apps", "Deployment",
         {"spec": {"replicas": 3, "template": TEMPLATE, "selector": {"matchLabels": {"a": "b"}}},
          "status": {"readyReplicas": 1, "updatedReplicas": 2, "availableReplicas": 1}},
         ["x", "1/3", 2, 1, "5m", "a,b", "i,j", "a=b"]),
        ("apps", "StatefulSet", {"spec": {"template": TEMPLATE}}, ["x", "0/1", "5m", "a,b", "i,j"]),
        ("apps", "ReplicaSet", {"spec": {"replicas": 2}, "status": {"replicas": 2}},
         ["x", 2, 2, 0, "5m", "", "", "<none>"]),
        ("batch", "Job",
         {"spec": {"completions": 1}, "status": {
             "succeeded": 1, "startTime": MADE, "completionTime": "2026-11-22T10:25:07Z",
             "conditions": [{"type": "Complete", "status": "True"}]}},
         ["x", "Complete", "1/1", "7s", "5m", "", "", "<none>"]),
        ("batch", "Job", {"spec": {"parallelism": 3}, "status": {"startTime": MADE}},
         ["x", "Running", "0/1 of 3", "5m", "5m", "", "", "<none>"]),
        ("batch", "CronJob", {"spec": {"schedule": "* * * * *", "suspend": False}},
         ["x", "* * * * *", "<none>", "False", 0, "<none>", "5m", "", "", "<none>"]),
        ("", "ConfigMap", {"data": {"a": "1"}, "binaryData": {"b": ""}}, ["x", 2, "5m"]),
        ("", "Secret", {"type": "Opaque", "data": {}}, ["x", "Opaque", 0, "5m"]),
        ("", "Namespace", {"status": {"phase": "Active"}}, ["x", "Active", "5m"]),
        ("", "ServiceAccount", {}, ["x", "5m"]),
        ("", "Service",
         {"spec": {"type": "NodePort", "clusterIP": "10.0.0.1", "selector": {"a": "b"}, "ports": [
             {"port": 80, "nodePort": 30001}, {"port": 53, "protocol": "UDP"}]}},
         ["x", "NodePort", "10.0.0.1", "<none>", "80:30001/TCP,53/UDP", "5m", "a=b"]),
        ("", "Service", {"spec": {"type": "LoadBalancer"}},
         ["x", "LoadBalancer", "<none>", "<pending>", "<none>", "5m", "<none>"]),
        ("", "PersistentVolumeClaim",
         {"spec": {"volumeName": "v", "storageClassName": "s"},
          "status": {"phase": "Bound", "capacity": {"storage": "1Gi"},
                     "accessModes": ["ReadWriteOnce", "ReadOnlyMany"]}},
         ["x", "Bound", "v", "1Gi", "RWO,ROX", "s", "<unset>", "5m", "<unset>"]),
        ("rbac.authorization.k8s.io", "RoleBinding",
         {"roleRef": {"kind": "Role", "name": "r"},
          "subjects": [{"kind": "ServiceAccount", "namespace": "n", "name": "s"}]},
         ["x", "Role/r", "5m", "", "", "n/s"]),
        ("rbac.authorization.k8s.io", "Role", {}, ["x", MADE]),
        ("", "Event",
         {"involvedObject": {"kind": "Pod", "name": "p"}, "type": "Normal", "reason": "Started",
          "message": "it runs\n", "lastTimestamp": MADE, "firstTimestamp": MADE, "count": 2,
          "source": {"component": "c", "host": "h"}},
         ["5m", "Normal", "Started", "pod/p", "", "c, h", "it runs", "5m", 2, "x"]),
        ("", "ResourceQuota",
         {"status": {"hard": {"pods": "3", "limits.cpu": "2"}, "used": {"pods": "1"}}},
         ["x", "pods: 1/3", "limits.cpu: 0/2", "5m"]),
        ("", "Node",
         {"spec": {"unschedulable": True}, "status": {
             "conditions": [{"type": "Ready", "status": "True"}],
             "nodeInfo": {"kubeletVersion": "v1"}}},
         ["x", "Ready,SchedulingDisabled", "<none>", "5m", "v1", "<none>", "<none>", "<unknown>",
          "<unknown>", "<unknown>"]),
        ("autoscaling", "HorizontalPodAutoscaler",
         {"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "d"}, "maxReplicas": 3,
                   "metrics": [{"type": "Resource", "resource": {
                       "name": "cpu", "target": {"averageUtilization": 80}}}]}},
         ["x", "Deployment/d", "cpu: <unknown>/80%", "<unset>", 3, 0, "5m"]),
        ("unheard.of", "Thing", {}, ["x", "5m"]),
    ],
)  # fmt: skip
def test_cells(group: str, kind: str, body: dict[str, Any], expected: list[Any]) -> None:
    assert list(shown(group, kind, **body).values()) == expected


def test_columns_of_custom_resources() -> None:
    printer = columns.crd_columns(
        [
            {"name": "Phase", "type": "string", "jsonPath": ".status.phase"},
            {"name": "Since", "type": "date", "jsonPath": ".status.startedAt"},
            {"name": "Count", "type": "integer", "jsonPath": ".spec.count", "priority": 1},
            {"name": "Ready", "type": "string",
             "jsonPath": '.status.conditions[?(@.type=="Ready")].status'},
            {"name": "None", "type": "string", "jsonPath": ".none"},
            {"name": "Broken", "type": "string", "jsonPath": ".a["},
        ]
    )  # fmt: skip
    assert [column.name for column in printer.columns][:3] == ["Name", "Phase", "Since"]
    assert printer.columns[3].priority == 1
    conditions = [{"type": "Ready", "status": "True"}]
    manifest = made(
        spec={"count": 3},
        status={"phase": "Up", "startedAt": "2026-11-22T10:29:00Z", "conditions": conditions},
    )
    assert printer.cells(manifest, NOW) == ["x", "Up", "60s", 3, "True", None, None]
    assert columns.crd_columns(()).cells(manifest, NOW) == ["x", "5m"]


def test_every_kind_can_be_shown_when_it_has_nothing() -> None:
    for fact in facts().resources():
        printer = columns.printer(fact.group, fact.kind)
        assert len(printer.cells(made(fact.kind), NOW)) == len(printer.columns), fact


words = st.sampled_from(["Running", "a", "", "2026-11-22T10:24:57Z"])
states = st.fixed_dictionaries(
    {},
    optional={
        name: st.fixed_dictionaries({}, optional={"reason": words, "exitCode": st.integers(0, 3)})
        for name in ("waiting", "running", "terminated")
    },
)  # fmt: skip
container_statuses = st.lists(
    st.fixed_dictionaries({}, optional={"state": states, "ready": st.booleans(), "name": words,
                                        "restartCount": st.integers(0, 2)}), max_size=3,
)  # fmt: skip


@given(container_statuses, container_statuses)
def test_any_pod_status_has_a_word(init: Any, main: Any) -> None:
    found = {"phase": "Running", "initContainerStatuses": init, "containerStatuses": main}
    cells = shown("", "Pod", spec={"containers": [{}]}, status=found)
    assert isinstance(cells["Status"], str)
