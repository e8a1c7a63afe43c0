"""A full disk: reads go on, writes are refused with a word, and all goes on once there is room."""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from support import Sampan, kubectls, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system"),
]
KUBECTL = next(iter(kubectls().values()), "")
PAUSE = {"restartPolicy": "Always", "terminationGracePeriodSeconds": 1}
TALK = "while true; do echo word; sleep 0.02; done"


@pytest.fixture
def small():
    """A Sampan whose home has 24 MB. Not in pytest's own directory, which other runs clean up."""
    home = Path(tempfile.mkdtemp(prefix="sampan-small."))
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "sampan", home], check=False)
    if done.returncode:
        home.rmdir()
        pytest.skip("no file system can be mounted here")
    (home / "config.yaml").write_text("node:\n  disk_free: '0'\n")
    program = Sampan(home)
    try:
        yield program
    finally:
        (home / "ballast").unlink(missing_ok=True)
        program("down", check=False)
        subprocess.run(["umount", "--lazy", home], check=True)
        home.rmdir()


def fill(home):
    with open(home / "ballast", "wb", buffering=0) as ballast:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    ballast.write(b"x" * size)
            except OSError:
                continue


def pod(name, command):
    container = {"name": "main", "image": "busybox", "command": ["sh", "-c", command]}
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {**PAUSE, "containers": [container]},
    }  # fmt: skip


def written(sampan, name):
    """Whether a ConfigMap was acknowledged; the answer otherwise."""
    command = [KUBECTL, "create", "configmap", name, "--from-literal=k=" + "v" * 5000]
    done = sampan.run(command, check=False)
    return done.returncode == 0, done.stderr


@pytest.mark.skipif(not KUBECTL, reason="no kubectl on this machine")
def test_a_full_disk_is_survived(small):
    small.up()
    small("apply", "-f", "-", text=json.dumps(pod("talker", TALK)))
    small("wait", "pod/talker", "--for", "condition=Ready")
    fill(small.home)
    acknowledged, answer = [], ""
    for number in range(200):
        fine, answer = written(small, f"c-{number}")
        if not fine:
            break
        acknowledged.append(f"c-{number}")
    assert "disk is full" in answer
    done = small.run([KUBECTL, "label", "pod", "talker", "a=b"], check=False)
    assert "(ServiceUnavailable)" in done.stderr
    # Reads go on, and what was acknowledged is there; a new pod is refused or waits.
    names = small("get", "configmaps", "-o", "name").split()
    assert {f"configmap/{name}" for name in acknowledged} <= set(names)
    assert f"configmap/c-{len(acknowledged)}" not in names
    assert small("exec", "talker", "--", "echo", "here") == "here\n"
    (small.home / "ballast").unlink()
    assert until(lambda: written(small, "after")[0])
    small("apply", "-f", "-", text=json.dumps(pod("next", "sleep 100")))
    small("wait", "pod/next", "--for", "condition=Ready")
    assert small("logs", "talker", "--tail", "2") == "word\nword\n"
    log = (small.home / "sampan.log").read_text()
    assert "Traceback" not in log, log
    assert (small.home / "node" / "supervisor.log").read_text() == ""


@pytest.mark.skipif(not KUBECTL, reason="no kubectl on this machine")
def test_a_pod_ends_on_a_full_disk(small):
    """The supervisor lives on, and how the pod ended is told when that can be written."""
    small.up()
    small("apply", "-f", "-", text=json.dumps(pod("brief", "sleep 3; exit 7")))
    small("wait", "pod/brief", "--for", "condition=Ready")
    supervisor = (small.home / "node" / "supervisor.lock").read_text()
    fill(small.home)
    until(lambda: not written(small, f"x-{time.monotonic_ns()}")[0])
    time.sleep(4)  # the pod ends meanwhile, and cannot be started again
    assert os.path.exists(f"/proc/{supervisor}")
    (small.home / "ballast").unlink()

    def restarted():
        found = json.loads(small("get", "pod", "brief", "-o", "json"))
        [status] = found["status"]["containerStatuses"]
        return status["restartCount"] and status["lastState"].get("terminated")

    assert until(restarted)["exitCode"] == 7
    assert (small.home / "node" / "supervisor.lock").read_text() == supervisor
