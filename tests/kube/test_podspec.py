"""Defaults and validation of PodSpecs, against what a real server answers."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from sampan.kube import podspec

LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must"
    " start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for"
    " validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)


def spec(*, container: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return {"containers": [{"name": "main", "image": "busybox"} | (container or {})], **fields}


def said(body: dict[str, Any]) -> list[str]:
    podspec.fill(body)
    return [str(problem) for problem in podspec.problems(body)]


def test_a_small_pod_gets_the_defaults_that_clients_see() -> None:
    body = spec()
    podspec.fill_pod(body)
    assert body == {
        "containers": [
            {
                "name": "main",
                "image": "busybox",
                "imagePullPolicy": "Always",
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
                "resources": {},
            }
        ],
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "terminationGracePeriodSeconds": 30,
        "securityContext": {},
        "enableServiceLinks": True,
    }


def test_filling_twice_changes_nothing() -> None:
    body = spec(
        container={
            "ports": [{"containerPort": 80}],
            "readinessProbe": {"httpGet": {"port": 80}},
            "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
            "resources": {"limits": {"cpu": "1"}},
        },
        serviceAccountName="robot",
        volumes=[{"name": "v"}, {"name": "c", "configMap": {"name": "c"}}],
    )
    podspec.fill_pod(body)
    once = deepcopy(body)
    podspec.fill_pod(body)
    assert body == once
    main = body["containers"][0]
    assert main["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    assert main["readinessProbe"]["httpGet"] == {"port": 80, "path": "/", "scheme": "HTTP"}
    assert main["readinessProbe"]["periodSeconds"] == 10
    assert main["env"][0]["valueFrom"]["fieldRef"]["apiVersion"] == "v1"
    assert main["resources"]["requests"] == {"cpu": "1"}
    assert body["volumes"][0]["emptyDir"] == {}
    assert body["volumes"][1]["configMap"]["defaultMode"] == 420
    assert body["serviceAccount"] == "robot"
    assert podspec.problems(body) == []


def test_a_template_gets_no_requests_from_its_limits() -> None:
    body = spec(container={"resources": {"limits": {"cpu": "1"}}})
    podspec.fill(body)
    assert body["containers"][0]["resources"] == {"limits": {"cpu": "1"}}


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("busybox", "Always"),
        ("busybox:latest", "Always"),
        ("busybox:1.36", "IfNotPresent"),
        ("localhost:5000/busybox", "Always"),
        ("localhost:5000/busybox:1", "IfNotPresent"),
        ("busybox@sha256:00", "IfNotPresent"),
    ],
)
def test_the_tag_decides_the_pull_policy(image: str, policy: str) -> None:
    body = spec(container={"image": image})
    podspec.fill(body)
    assert body["containers"][0]["imagePullPolicy"] == policy


def test_golden_no_containers() -> None:
    assert said({}) == ["spec.containers: Required value"]


def test_golden_name_image_and_restart_policy() -> None:
    assert said({"containers": [{"name": "A"}], "restartPolicy": "X"}) == [
        f'spec.containers[0].name: Invalid value: "A": {LABEL}',
        "spec.containers[0].image: Required value",
        'spec.restartPolicy: Unsupported value: "X": supported values: "Always", "OnFailure",'
        ' "Never"',
    ]


C = "spec.containers[0]"
PROBE = {"exec": {"command": ["true"]}}
LEAVING = {"key": "k", "path": "../k"}


@pytest.mark.parametrize(
    ("container", "problem"),
    [
        pytest.param(
            {"volumeMounts": [{"name": "x", "mountPath": "/x"}]},
            f'{C}.volumeMounts[0].name: Not found: "x"',
            id="mount-of-no-volume",
        ),
        pytest.param(
            {"volumeMounts": [{"name": "v", "mountPath": "/x", "subPath": "a/../.."}]},
            f"{C}.volumeMounts[0].subPath: Invalid value: \"a/../..\": must not contain '..'",
            id="sub-path-that-leaves",
        ),
        pytest.param(
            {"volumeMounts": [{"name": "v", "mountPath": "/x", "subPath": "/a"}]},
            f'{C}.volumeMounts[0].subPath: Invalid value: "/a": must be a relative path',
            id="sub-path-from-the-root",
        ),
        pytest.param(
            {"volumeMounts": [{"name": "v", "mountPath": "/x"}, {"name": "v", "mountPath": "/x"}]},
            f'{C}.volumeMounts[1].mountPath: Invalid value: "/x": must be unique',
            id="two-mounts-at-one-place",
        ),
        pytest.param(
            {"volumeMounts": [{"name": "v", "mountPath": "x"}]},
            f'{C}.volumeMounts[0].mountPath: Invalid value: "x": must be an absolute path',
            id="relative-mount",
        ),
        pytest.param(
            {"resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "1500m"}}},
            f'{C}.resources.requests: Invalid value: "1500m": must be less than or equal to cpu'
            " limit of 1",
            id="request-above-limit",
        ),
        pytest.param(
            {"resources": {"limits": {"memory": "many"}}},
            f'{C}.resources.limits[memory]: Invalid value: "many": quantities must match the'
            " regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            id="no-quantity",
        ),
        pytest.param(
            {"resources": {"limits": {"memory": "-1Gi"}}},
            f'{C}.resources.limits[memory]: Invalid value: "-1Gi": must be greater than or equal'
            " to 0",
            id="negative-quantity",
        ),
        pytest.param(
            {"env": [{"name": "A=B"}]},
            f'{C}.env[0].name: Invalid value: "A=B": a valid environment variable name must'
            " consist only of printable ASCII characters other than '='",
            id="env-name",
        ),
        pytest.param(
            {"env": [{"name": "A", "valueFrom": {}}]},
            f'{C}.env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`,'
            " `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`",
            id="env-from-nothing",
        ),
        pytest.param(
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s"}}}]},
            f"{C}.env[0].valueFrom.secretKeyRef.key: Required value",
            id="env-without-key",
        ),
        pytest.param(
            {"ports": [{"containerPort": 70000}]},
            f"{C}.ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535,"
            " inclusive",
            id="port-too-high",
        ),
        pytest.param(
            {"ports": [{"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a"}]},
            f'{C}.ports[1].name: Duplicate value: "a"',
            id="port-name-twice",
        ),
        pytest.param(
            {"imagePullPolicy": "Never!"},
            f'{C}.imagePullPolicy: Unsupported value: "Never!": supported values: "Always",'
            ' "IfNotPresent", "Never"',
            id="pull-policy",
        ),
        pytest.param(
            {"livenessProbe": {"periodSeconds": 3}},
            f"{C}.livenessProbe: Required value: must specify a handler type",
            id="probe-without-handler",
        ),
        pytest.param(
            {"livenessProbe": {"exec": {"command": ["x"]}, "successThreshold": 2}},
            f"{C}.livenessProbe.successThreshold: Invalid value: 2: must be 1",
            id="liveness-needs-one-success",
        ),
        pytest.param(
            {"readinessProbe": {"httpGet": {"port": 1}, "tcpSocket": {"port": 1}}},
            f"{C}.readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
            id="probe-with-two-handlers",
        ),
        pytest.param(
            {"lifecycle": {"preStop": {}}},
            f"{C}.lifecycle.preStop: Required value: must specify a handler type",
            id="hook-without-handler",
        ),
        pytest.param(
            {"restartPolicy": "Always"},
            f"{C}.restartPolicy: Forbidden: may not be set for non-init containers",
            id="restart-policy-of-a-main-container",
        ),
    ],
)
def test_a_bad_container_is_named(container: dict[str, Any], problem: str) -> None:
    assert said(spec(container=container, volumes=[{"name": "v"}])) == [problem]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        pytest.param(
            {"initContainers": [{"name": "main", "image": "x"}]},
            'spec.initContainers[0].name: Duplicate value: "main"',
            id="one-name-twice",
        ),
        pytest.param(
            {"initContainers": [{"name": "i", "image": "x", "readinessProbe": PROBE}]},
            "spec.initContainers[0].readinessProbe: Forbidden: must not be set for init containers",
            id="probe-of-init-container",
        ),
        pytest.param(
            {"securityContext": {"sysctls": [{"name": "kernel/msgmax"}, {"name": "bar.."}]}},
            'spec.securityContext.sysctls[1].name: Invalid value: "bar..": must have at most 253'
            " characters and match regex"
            r" ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*([a-z0-9]([-_a-z0-9]*[a-z0-9])?)$",
            id="no-sysctl",
        ),
        pytest.param(
            {"securityContext": {"sysctls": [{"name": "a.b"}, {"name": "a.b"}]}},
            'spec.securityContext.sysctls[1].name: Duplicate value: "a.b"',
            id="sysctl-twice",
        ),
        pytest.param(
            {"volumes": [{"name": "v"}, {"name": "v"}]},
            'spec.volumes[1].name: Duplicate value: "v"',
            id="volume-twice",
        ),
        pytest.param(
            {"volumes": [{"name": "v", "emptyDir": {}, "secret": {"secretName": "s"}}]},
            "spec.volumes[0].secret: Forbidden: may not specify more than 1 volume type",
            id="two-sources",
        ),
        pytest.param(
            {"volumes": [{"name": "v", "persistentVolumeClaim": {}}]},
            "spec.volumes[0].persistentVolumeClaim.claimName: Required value",
            id="claim-without-name",
        ),
        pytest.param(
            {"volumes": [{"name": "v", "ephemeral": {}}]},
            "spec.volumes[0].ephemeral.volumeClaimTemplate: Required value",
            id="ephemeral-without-template",
        ),
        pytest.param(
            {"volumes": [{"name": "v", "ephemeral": {"volumeClaimTemplate": {
                "spec": {"accessModes": ["ReadWriteOnce"]}}}}]},
            "spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources[storage]: Required value",
            id="ephemeral-without-size",
        ),
        pytest.param(
            {"volumes": [{"name": "v", "configMap": {"name": "c", "items": [LEAVING]}}]},
            "spec.volumes[0].configMap.items[0].path: Invalid value: \"../k\": must not contain"
            " '..'",
            id="item-that-leaves",
        ),
        pytest.param(
            {"activeDeadlineSeconds": 0},
            "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647,"
            " inclusive",
            id="deadline",
        ),
        pytest.param(
            {"dnsPolicy": "Any"},
            'spec.dnsPolicy: Unsupported value: "Any": supported values: "ClusterFirst",'
            ' "ClusterFirstWithHostNet", "Default", "None"',
            id="dns-policy",
        ),
    ],
)  # fmt: skip
def test_a_bad_spec_is_named(fields: dict[str, Any], problem: str) -> None:
    assert said(spec(**fields)) == [problem]
