"""`kill -9` of the control plane: nothing acknowledged is lost, nothing runs twice."""

import json
import ssl
import threading
import time
import urllib.error
import urllib.request

import pytest

from support import kill

pytestmark = pytest.mark.slow

PODS = 50
WRITES = 1000
KILLS = 10
COUNTER = "echo started; i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo $i; sleep 0.2; done"


def pod(index):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"counter-{index}", "namespace": "default"},
        "spec": {
            "restartPolicy": "Never",
            "containers": [{"name": "main", "image": "busybox", "command": ["sh", "-c", COUNTER]}],
        },
    }


def phases(sampan):
    pods = json.loads(sampan("get", "pods", "-n", "default", "-o", "json"))["items"]
    return [item.get("status", {}).get("phase") for item in pods]


def await_phases(sampan, wanted, seconds=60):
    end = time.monotonic() + seconds
    while (seen := phases(sampan)) != wanted:
        assert time.monotonic() < end, seen
        time.sleep(0.1)


def test_running_pods_are_adopted(own_sampan):
    own_sampan.up()
    items = {"apiVersion": "v1", "kind": "List", "items": [pod(i) for i in range(PODS)]}
    own_sampan("apply", "-f", "-", text=json.dumps(items))
    await_phases(own_sampan, ["Running"] * PODS)
    kill(own_sampan)
    own_sampan.up()
    await_phases(own_sampan, ["Succeeded"] * PODS)
    whole = "started\n" + "".join(f"{i}\n" for i in range(1, 41))
    for index in range(PODS):
        assert own_sampan("logs", "-n", "default", f"counter-{index}") == whole


class Writer(threading.Thread):
    """Creates ConfigMaps one after the other and keeps the names that were acknowledged."""

    def __init__(self, sampan):
        super().__init__(daemon=True)
        self.sampan, self.acknowledged, self.token = sampan, [], sampan("token").strip()
        self.tls = ssl.create_default_context()
        self.tls.check_hostname, self.tls.verify_mode = False, ssl.CERT_NONE

    def run(self):
        number = 0
        while len(self.acknowledged) < WRITES:
            number += 1
            if self.create(f"w-{number}"):
                self.acknowledged.append(f"w-{number}")

    def create(self, name):
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        try:
            request = urllib.request.Request(
                f"{self.sampan.state['api']}/api/v1/namespaces/default/configmaps",
                json.dumps(body).encode(),
                {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request, context=self.tls, timeout=10) as answer:
                return answer.status == 201
        except (OSError, ValueError):
            time.sleep(0.02)  # it is dead or not back yet
            return False


def test_acknowledged_writes_survive_ten_kills(own_sampan):
    own_sampan.up()
    writer = Writer(own_sampan)
    writer.start()
    for number in range(1, KILLS + 1):
        while len(writer.acknowledged) < number * WRITES // (KILLS + 1):
            time.sleep(0.005)
        kill(own_sampan)
        own_sampan.up()
    writer.join(timeout=60)
    found = json.loads(own_sampan("get", "configmaps", "-n", "default", "-o", "json"))["items"]
    assert set(writer.acknowledged) <= {item["metadata"]["name"] for item in found}
    assert len(writer.acknowledged) == WRITES
