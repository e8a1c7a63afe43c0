"""Backup and restore: taken while everything runs, and a home that goes on where it was."""

import json
import subprocess
import threading

import pytest

from support import Sampan, kubectls

pytestmark = pytest.mark.slow
KUBECTL = next(iter(kubectls().values()), "")


def pod(name, command, policy, **spec):
    container = {"name": "main", "image": "busybox", "command": ["sh", "-c", command]}
    if "volumes" in spec:
        container["volumeMounts"] = [{"name": "v", "mountPath": "/data"}]
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"restartPolicy": policy, "terminationGracePeriodSeconds": 0,
                 "containers": [container], **spec},
    }  # fmt: skip


CLAIM = {
    "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
}  # fmt: skip
VOLUMES = [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]


@pytest.fixture
def other(tmp_path):
    program = Sampan(tmp_path / "other")
    yield program
    program.down()


def apply(sampan, *manifests):
    items = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
    sampan("apply", "-f", "-", text=json.dumps(items))


def status(sampan, name):
    return json.loads(sampan("get", "pod", name, "-o", "json"))["status"]


def test_a_restored_home_goes_on(own_sampan, other, tmp_path):
    own_sampan.up()
    filled = "echo kept > /data/file; sleep 600"
    apply(
        own_sampan,
        CLAIM,
        pod("server", filled, "Always", volumes=VOLUMES),
        pod("step", "sleep 600", "Never"),
        pod("over", "echo done", "Never"),
    )
    own_sampan("wait", "pod/server", "pod/step", "--for", "condition=Ready")
    own_sampan("wait", "pod/over", "--for", "jsonpath={.status.phase}=Succeeded")
    token = own_sampan("token", "--user", "ann").strip()
    acknowledged = []
    stop = threading.Event()

    def write():
        while not stop.is_set():
            name = f"c-{len(acknowledged)}"
            own_sampan("apply", "-f", "-", text=json.dumps(
                {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}))  # fmt: skip
            acknowledged.append(name)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(acknowledged) < 3:
            writer.join(0.05)
        before = list(acknowledged)
        own_sampan("backup", str(tmp_path / "all.tar.gz"), "--volumes")
    finally:
        stop.set()
        writer.join()
    assert (tmp_path / "all.tar.gz").stat().st_mode & 0o777 == 0o600
    assert not list(own_sampan.home.glob("backup.*"))
    assert not list((own_sampan.home / "store").glob("snapshot.*"))

    own_sampan.down()
    assert "it with `sampan up`" in other("restore", str(tmp_path / "all.tar.gz"))
    other.up()
    found = other("get", "configmaps", "-o", "name").split()
    assert {f"configmap/{name}" for name in before} <= set(found)
    # Who had a token has one still: the same key has signed it.
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
              "metadata": {}, "spec": {"token": token}}  # fmt: skip
    if KUBECTL:
        answer = other.run([KUBECTL, "create", "-f", "-", "-o", "json"], text=json.dumps(review))
        assert json.loads(answer)["status"]["user"]["username"] == "ann"
    # What ran is not there, and is not taken for new: a step is not run twice.
    other("wait", "pod/step", "--for", "jsonpath={.status.phase}=Failed")
    [step] = status(other, "step")["containerStatuses"]
    assert step["state"]["terminated"]["reason"] == "ContainerStatusUnknown"
    other("wait", "pod/server", "--for", "jsonpath={.status.containerStatuses[0].restartCount}=1")
    other("wait", "pod/server", "--for", "condition=Ready")
    assert other("exec", "server", "--", "cat", "/data/file") == "kept\n"
    assert status(other, "over")["phase"] == "Succeeded"


def test_a_home_may_be_moved(own_sampan, other):
    own_sampan.up()
    pod_spec = pod("p", "echo kept > /data/file; sleep 600", "Always", volumes=VOLUMES)
    apply(own_sampan, CLAIM, pod_spec)
    own_sampan("wait", "pod/p", "--for", "condition=Ready")
    own_sampan.down()
    own_sampan.home.rename(other.home)
    other.up()
    other("wait", "pod/p", "--for", "condition=Ready")
    assert other("exec", "p", "--", "cat", "/data/file") == "kept\n"
    assert not own_sampan.home.exists()


def test_a_home_in_use_is_not_overwritten_by_mistake(own_sampan, tmp_path):
    own_sampan.up()
    file = str(tmp_path / "all.tar")
    own_sampan("backup", file)
    assert "stop it first" in own_sampan("restore", file, check=False).stderr
    apply(own_sampan, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "later"}})
    own_sampan.down()
    assert "say --force" in own_sampan("restore", file, check=False).stderr
    (tmp_path / "bad.tar").write_bytes((tmp_path / "all.tar").read_bytes()[:-20_000])
    refused = own_sampan("restore", str(tmp_path / "bad.tar"), "--force", check=False)
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    own_sampan.up()  # it is as it was
    assert "later" in own_sampan("get", "configmaps")
    own_sampan.down()
    assert "before-restore." in own_sampan("restore", file, "--force")
    own_sampan.up()
    assert "later" not in own_sampan("get", "configmaps")
    assert own_sampan("backup", file)  # of a stopped home as well
    own_sampan.down()
    assert own_sampan("backup", file)


@pytest.mark.skipif(not KUBECTL, reason="no kubectl on this machine")
def test_only_the_administrator_gets_a_snapshot(own_sampan, tmp_path):
    own_sampan.up()
    token = own_sampan("token", "--user", "ann").strip()
    config = tmp_path / "config"
    text = own_sampan.kubeconfig.read_text()
    mine = next(line for line in text.splitlines() if "token:" in line)
    config.write_text(text.replace(mine, f"    token: {token}"))
    command = [KUBECTL, "--kubeconfig", str(config), "get", "--raw", "/sampan/snapshot"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "(Forbidden)" in refused.stderr
