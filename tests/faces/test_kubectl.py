"""The tour: what a person does with kubectl in a day, with each unmodified kubectl found here."""

import contextlib
import fcntl
import hashlib
import json
import os
import random
import re
import struct
import subprocess
import termios
import time
import urllib.request
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest

pytestmark = pytest.mark.slow

CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: green, size: "3"}
"""
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {name: main, image: busybox, command: [sh, -c, "echo up; exec sleep 1000"]}
"""
STATEFUL_SET = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: main, image: busybox, command: [sleep, "1000"]}]
"""
JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: sums}
spec:
  completions: 2
  parallelism: 2
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: busybox, command: [sh, -c, "echo $((6*7))"]}]
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: talker, labels: {app: talker}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: busybox
    command: [sh, -c, "for i in 1 2 3; do echo line $i; done; exec sleep 1000"]
"""
CHATTER = """
apiVersion: v1
kind: Pod
metadata: {name: chatter}
spec:
  terminationGracePeriodSeconds: 1
  restartPolicy: Never
  containers:
  - name: main
    image: busybox
    stdin: true
    command: [sh, -c, "while read word; do echo heard $word; [ $word = end ] && exit 0; done"]
"""
SERVER = """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: python:3.11
    workingDir: /tmp
    command: [python, -m, http.server, "8765", --bind, $(IP)]
    env: [{name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]
    readinessProbe: {tcpSocket: {port: 8765}, periodSeconds: 1}
"""
CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.GROUP}
spec:
  group: GROUP
  scope: Namespaced
  names: {plural: boats, singular: boat, kind: Boat, shortNames: [bt]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    additionalPrinterColumns: [{name: Oars, type: integer, jsonPath: .spec.oars}]
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [oars]
            properties:
              oars: {type: integer, minimum: 1}
              name: {type: string, default: nameless}
"""
BOAT = """
apiVersion: GROUP/v1
kind: Boat
metadata: {name: sampan}
spec: {oars: 2}
"""


def applied(kubectl, text, *words):
    return kubectl("apply", "-f", "-", *words, text=text)


def test_objects_are_created_changed_and_deleted(kubectl):
    assert "created" in kubectl("create", "-f", "-", text=CONFIG)
    assert "configured" in applied(kubectl, CONFIG)  # it had no last-applied annotation
    assert "unchanged" in applied(kubectl, CONFIG)
    assert "configured" in applied(kubectl, CONFIG.replace("green", "red"))
    kubectl("label", "configmap", "settings", "team=blue")
    kubectl("annotate", "configmap", "settings", "note=hello")
    kubectl("patch", "configmap", "settings", "-p", '{"data": {"extra": "1"}}')
    kubectl("patch", "configmap", "settings", "--type=json",
            "-p", '[{"op": "remove", "path": "/data/size"}]')  # fmt: skip
    kubectl("patch", "configmap", "settings", "--type=merge", "-p", '{"data": {"m": "2"}}')
    found = json.loads(kubectl("get", "cm", "settings", "-o", "json"))
    assert found["data"] == {"colour": "red", "extra": "1", "m": "2"}
    assert found["metadata"]["labels"] == {"team": "blue"}
    assert "settings" in kubectl("get", "cm", "-l", "team=blue", "-o", "name")
    assert kubectl("get", "cm", "-l", "team!=blue,team", "-o", "name") == ""
    assert "deleted" in kubectl("delete", "configmap", "settings")
    gone = kubectl("get", "configmap", "settings", check=False)
    assert 'configmaps "settings" not found' in gone.stderr


def test_a_list_is_taken_apart(kubectl):
    items = "".join(
        f"- {{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}}}\n" for name in "ab"
    )
    assert applied(kubectl, f"apiVersion: v1\nkind: List\nitems:\n{items}").count("created") == 2
    assert kubectl("get", "cm", "a", "b", "-o", "name").split() == ["configmap/a", "configmap/b"]


def test_server_side_apply_keeps_owners_apart(kubectl):
    applied(kubectl, CONFIG, "--server-side", "--field-manager=one")
    clash = kubectl(
        "apply", "--server-side", "--field-manager=two", "-f", "-", check=False,
        text=CONFIG.replace("green", "red"),
    )  # fmt: skip
    assert 'conflict with "one"' in clash.stderr
    applied(kubectl, CONFIG.replace("green", "red"), "--server-side", "--field-manager=two",
            "--force-conflicts")  # fmt: skip
    managed = json.loads(kubectl("get", "cm", "settings", "-o", "json", "--show-managed-fields"))
    owners = {
        entry["manager"]: entry["fieldsV1"].get("f:data")
        for entry in managed["metadata"]["managedFields"]
    }
    assert "f:colour" in owners["two"]
    assert "f:colour" not in (owners.get("one") or {})


def test_edit(kubectl, tmp_path):
    applied(kubectl, CONFIG)
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i s/green/blue/ $1\n")
    editor.chmod(0o755)
    kubectl.environment["KUBE_EDITOR"] = str(editor)
    assert "edited" in kubectl("edit", "configmap", "settings")
    assert kubectl("get", "cm", "settings", "-o", "jsonpath={.data.colour}") == "blue"


def test_dry_run_and_diff_change_nothing(kubectl):
    assert "dry run" in applied(kubectl, CONFIG, "--dry-run=server")
    assert "green" in kubectl("diff", "-f", "-", text=CONFIG, check=False).stdout
    assert kubectl("get", "cm", "settings", "--ignore-not-found") == ""


def test_a_pod_runs_and_is_talked_to(kubectl):
    applied(kubectl, POD)
    kubectl("wait", "--for=condition=Ready", "pod/talker", "--timeout=20s")
    assert kubectl("logs", "talker") == "line 1\nline 2\nline 3\n"
    assert kubectl("logs", "talker", "--tail=1") == "line 3\n"
    assert "Running" in kubectl("get", "pod", "talker")
    assert "1/1" in kubectl("get", "pods", "-o", "wide")
    described = kubectl("describe", "pod", "talker")
    assert "busybox" in described
    assert "Started" in described
    kubectl("delete", "pod", "talker", timeout=20)
    assert "NotFound" in kubectl("get", "pod", "talker", check=False).stderr


def test_exec_gives_output_and_exit_code(kubectl):
    applied(kubectl, POD)
    kubectl("wait", "--for=condition=Ready", "pod/talker", "--timeout=20s")
    assert kubectl("exec", "talker", "--", "echo", "hello") == "hello\n"
    assert kubectl("exec", "-i", "talker", "--", "cat", text="through") == "through"
    assert kubectl("exec", "talker", "--", "sh", "-c", "exit 7", check=False).returncode == 7


def test_exec_has_a_terminal_of_the_right_size(kubectl):
    applied(kubectl, POD)
    kubectl("wait", "--for=condition=Ready", "pod/talker", "--timeout=20s")
    script = "until [ \"$(stty size)\" = '33 101' ]; do sleep 0.05; done; stty size; exit 5"
    ours, theirs = os.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 101, 0, 0))
    shell = subprocess.Popen(
        [kubectl.command, "-n", kubectl.namespace, "exec", "-it", "talker", "--",
         "timeout", "20", "sh", "-c", script],
        env=kubectl.environment, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert shell.wait(30) == 5
        assert b"33 101" in os.read(ours, 1000)
    finally:
        shell.kill()
        shell.wait()
        os.close(ours)
        os.close(theirs)


def test_attach_shows_what_a_container_says(kubectl):
    applied(kubectl, CHATTER)
    kubectl("wait", "--for=condition=Ready", "pod/chatter", "--timeout=20s")
    assert "heard ping" in kubectl("attach", "-i", "chatter", text="ping\nend\n")


def test_files_are_copied_both_ways(kubectl, tmp_path):
    applied(kubectl, POD)
    kubectl("wait", "--for=condition=Ready", "pod/talker", "--timeout=20s")
    (tmp_path / "there").write_bytes(random.Random(1).randbytes(2_000_000))
    kubectl("cp", str(tmp_path / "there"), "talker:/tmp/here")
    kubectl("cp", "talker:/tmp/here", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == (tmp_path / "there").read_bytes()


def test_ports_are_forwarded(kubectl):
    applied(kubectl, SERVER)
    kubectl("wait", "--for=condition=Ready", "pod/server", "--timeout=20s")
    kubectl("exec", "server", "--", "sh", "-c", "head -c 2000000 /dev/urandom >/tmp/big")
    there = kubectl("exec", "server", "--", "sha256sum", "/tmp/big").split()[0]
    with forwarding(kubectl, "pod/server", 8765, 81) as (port, closed):
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(fetched, [f"http://127.0.0.1:{port}/big"] * 4))
        assert [hashlib.sha256(each).hexdigest() for each in found] == [there] * 4
        with pytest.raises(OSError, match=r"without response|reset"):
            fetched(f"http://127.0.0.1:{closed}/")


@contextlib.contextmanager
def forwarding(kubectl, target, *ports):
    """Yields the local port for each port of the target."""
    process = subprocess.Popen(
        [kubectl.command, "-n", kubectl.namespace, "port-forward", target,
         *(f":{port}" for port in ports)],
        env=kubectl.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        found = {}
        for line in process.stdout:
            if match := re.match(r"Forwarding from 127.0.0.1:(\d+) -> (\d+)", line):
                found[int(match[2])] = int(match[1])
            if len(found) == len(ports):
                break
        assert set(found) == set(ports)
        yield [found[port] for port in ports]
    finally:
        process.kill()
        process.communicate()


def fetched(url):
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read()


def test_logs_follow_to_the_end(kubectl):
    applied(kubectl, JOB)
    kubectl("wait", "--for=condition=Complete", "job/sums", "--timeout=30s")
    pod = kubectl("get", "pods", "-l", "job-name=sums", "-o", "name").split()[0]
    assert kubectl("logs", "-f", pod) == "42\n"
    assert "2/2" in kubectl("get", "job", "sums")


def test_a_deployment_rolls_out_and_scales(kubectl):
    applied(kubectl, DEPLOYMENT)
    assert "successfully rolled out" in kubectl(
        "rollout", "status", "deployment/web", "--timeout=30s"
    )
    kubectl("scale", "deployment/web", "--replicas=3")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    assert kubectl("get", "deploy", "web", "-o", "jsonpath={.status.readyReplicas}") == "3"
    kubectl("set", "env", "deployment/web", "COLOUR=red")
    kubectl("rollout", "status", "deployment/web", "--timeout=40s")
    kubectl("rollout", "restart", "deployment/web")
    kubectl("rollout", "status", "deployment/web", "--timeout=40s")
    kubectl("delete", "deployment", "web", "--cascade=foreground", timeout=40)
    assert kubectl("get", "replicasets", "-o", "name") == ""


def test_a_stateful_set_names_its_pods(kubectl):
    applied(kubectl, STATEFUL_SET)
    kubectl("rollout", "status", "statefulset/db", "--timeout=30s")
    names = kubectl("get", "pods", "-l", "app=db", "-o", "name").split()
    assert names == ["pod/db-0", "pod/db-1"]
    kubectl("scale", "statefulset", "db", "--replicas=1")
    kubectl("wait", "--for=delete", "pod/db-1", "--timeout=20s")


def test_a_custom_resource_has_columns_defaults_and_rules(kubectl):
    group = f"{kubectl.namespace}.example.com"
    applied(kubectl, CRD.replace("GROUP", group))
    kubectl("wait", "--for=condition=Established", f"crd/boats.{group}", "--timeout=10s")
    assert "created" in applied(kubectl, BOAT.replace("GROUP", group))
    shown = kubectl("get", f"boats.{group}")
    assert shown.split() == ["NAME", "OARS", "sampan", "2"]
    boat = kubectl("get", f"boats.{group}", "sampan", "-o", "jsonpath={.spec.name}")
    assert boat == "nameless"
    refused = kubectl(
        "apply", "-f", "-", text=BOAT.replace("2", "0").replace("GROUP", group), check=False
    )
    assert "spec.oars" in refused.stderr
    assert "oars" in kubectl("explain", "boats.spec", f"--api-version={group}/v1")
    kubectl("delete", f"boats.{group}", "sampan")
    kubectl("delete", "crd", f"boats.{group}")


def test_discovery_and_explanation(kubectl):
    resources = kubectl("api-resources")
    assert {"pods", "deployments", "jobs", "workflows"} <= set(resources.split())
    assert "apps/v1" in kubectl("api-versions")
    assert "restartPolicy" in kubectl("explain", "pod.spec")
    assert "v1.33" in kubectl("version")


def test_what_am_i_allowed(kubectl):
    assert kubectl("auth", "can-i", "create", "pods").strip() == "yes"
    refused = kubectl("auth", "can-i", "create", "pods",
                      "--as=system:serviceaccount:default:default", check=False)  # fmt: skip
    assert refused.stdout.strip() == "no"


def test_typed_create_commands(kubectl):
    kubectl("create", "configmap", "typed", "--from-literal=a=b")
    kubectl("create", "secret", "generic", "hidden", "--from-literal=k=v")
    kubectl("create", "deployment", "typed", "--image=busybox", "--", "sleep", "1000")
    kubectl("create", "serviceaccount", "robot")
    kubectl("create", "role", "reader", "--verb=get", "--resource=pods")
    kubectl("create", "rolebinding", "readers", "--role=reader",
            f"--serviceaccount={kubectl.namespace}:robot")  # fmt: skip
    may = kubectl("auth", "can-i", "get", "pods",
                  f"--as=system:serviceaccount:{kubectl.namespace}:robot")  # fmt: skip
    assert may.strip() == "yes"
    assert kubectl("create", "token", "robot").count(".") == 2
    assert kubectl("get", "secret", "hidden", "-o", "jsonpath={.data.k}") == "dg=="


def test_watch_shows_changes(kubectl):
    applied(kubectl, CONFIG)
    watch = subprocess.Popen(
        [kubectl.command, "-n", kubectl.namespace, "get", "cm", "-w", "-o", "name"],
        env=kubectl.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        seen = {watch.stdout.readline().strip() for _ in range(2)}
        assert "configmap/settings" in seen
        kubectl("create", "configmap", "later")
        assert watch.stdout.readline().strip() == "configmap/later"
    finally:
        watch.terminate()
        watch.communicate()


def test_a_namespace_goes_with_its_contents(kubectl):
    inner = f"inner-{zlib.crc32(kubectl.namespace.encode()):x}"
    kubectl("create", "namespace", inner)
    kubectl("apply", "-n", inner, "-f", "-", text=POD)
    started = time.monotonic()
    kubectl("delete", "namespace", inner, timeout=30)
    assert time.monotonic() - started < 25
    assert kubectl("get", "namespace", inner, "--ignore-not-found") == ""
