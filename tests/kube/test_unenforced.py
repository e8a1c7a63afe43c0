"""What has no effect on this node is said, by its path."""

import pytest

from sampan.kube.unenforced import warnings


def container(**fields):
    return {"containers": [{"name": "main", **fields}]}


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        pytest.param({"hostPID": True}, "spec.hostPID", id="pod"),
        pytest.param(
            {"securityContext": {"fsGroup": 100}}, "spec.securityContext.fsGroup", id="security"
        ),
        pytest.param(
            {"affinity": {"podAntiAffinity": {"x": []}}},
            "spec.affinity.podAntiAffinity",
            id="affinity",
        ),
        pytest.param(
            container(securityContext={"privileged": True}),
            "spec.containers[0].securityContext.privileged",
            id="privileged",
        ),
        pytest.param(
            container(securityContext={"capabilities": {"add": ["SYS_ADMIN"]}}),
            "spec.containers[0].securityContext.capabilities.add",
            id="capabilities",
        ),
        pytest.param(
            container(ports=[{"containerPort": 1}, {"hostPort": 80}]),
            "spec.containers[0].ports[1].hostPort",
            id="host-port",
        ),
    ],
)
def test_a_field_without_effect_is_named(spec, path):
    assert [text.partition(": ")[0] for text in warnings(spec)] == [path]


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({}, id="empty"),
        pytest.param({"hostPID": False}, id="switched-off"),
        pytest.param({"volumes": [{"emptyDir": {"sizeLimit": "1Mi"}}]}, id="size-limit"),
        pytest.param(container(securityContext={"runAsUser": 1000}), id="what-works"),
    ],
)
def test_nothing_is_said_of_what_works(spec):
    assert warnings(spec) == []


def test_a_template_is_named_by_its_own_path():
    (said,) = warnings({"hostIPC": True}, "spec.template.spec")
    assert said.startswith("spec.template.spec.hostIPC: has no effect here")
