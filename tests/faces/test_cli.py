"""Sampan's own command line, for those who have no kubectl."""

import json
import subprocess
import time
import urllib.request

import pytest
import yaml

from support import SAMPAN

pytestmark = pytest.mark.slow

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
SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: '1'}\n"


@pytest.fixture
def cli(sampan, namespace):
    def run(verb, *words, **options):
        return sampan(verb, "-n", namespace, *words, **options)

    return run


def test_status_is_the_contract(sampan):
    status = json.loads(sampan("status", "-o", "json"))
    assert status["ready"] is True
    assert set(status) == {"ready", "gateway", "api", "s3", "grpc", "kubeconfig", "components"}
    assert {"api", "node", "core", "workloads", "workflows"} <= set(status["components"])
    with urllib.request.urlopen(f"{status['gateway']}/") as page:
        assert b"ready" in page.read()


def test_apply_says_what_it_did(cli):
    assert cli("apply", "-f", "-", text=SETTINGS) == "configmap/settings created\n"
    assert cli("apply", "-f", "-", text=SETTINGS) == "configmap/settings unchanged\n"
    changed = SETTINGS.replace("'1'", "'2'")
    assert cli("apply", "-f", "-", "--dry-run", text=changed) == "configmap/settings configured\n"
    assert cli("apply", "-f", "-", text=changed) == "configmap/settings configured\n"
    assert cli("get", "cm", "settings", "-o", "jsonpath={.data.a}") == "2"


def test_one_bad_object_does_not_keep_the_rest_back(cli):
    bad = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Bad_Name}\n---\n"
    done = cli("apply", "-f", "-", text=bad + SETTINGS, check=False)
    assert done.returncode == 1
    assert "metadata.name" in done.stderr
    assert "configmap/settings created" in done.stdout


def test_get_prints_what_is_asked_for(cli):
    cli("apply", "-f", "-", text=SETTINGS)
    head, *rows = cli("get", "configmaps").splitlines()
    assert head.split() == ["NAME", "DATA", "AGE"]
    assert [row.split()[0] for row in rows] == ["kube-root-ca.crt", "settings"]
    assert json.loads(cli("get", "cm/settings", "-o", "json"))["data"] == {"a": "1"}
    assert yaml.safe_load(cli("get", "cm", "settings", "-o", "yaml"))["kind"] == "ConfigMap"
    assert "configmap/settings" in cli("get", "cm", "-o", "name").split()
    assert "NAMESPACE" in cli("get", "pods,cm", "-A")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["get", "boats"], 'no resource type "boats"', id="unknown-type"),
        pytest.param(["get", "cm", "none"], 'configmaps "none" not found', id="not-found"),
        pytest.param(["get", "cm", "-o", "xml"], 'no output format "xml"', id="unknown-format"),
        pytest.param(["apply", "-f", "/none.yaml"], "/none.yaml", id="no-file"),
        pytest.param(["wait", "pod/x", "--for", "luck"], "luck", id="unknown-wait"),
        pytest.param(["delete", "cm"], "--all", id="delete-nothing-named"),
        pytest.param(["logs", "none"], 'pods "none" not found', id="no-pod"),
    ],
)
def test_a_mistake_is_one_line(cli, words, says):
    done = cli(*words, check=False)
    assert done.returncode == 1
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_pod_from_apply_to_delete(cli):
    cli("apply", "-f", "-", text=POD)
    cli("wait", "pod/talker", "--for", "condition=Ready", "--timeout", "20s")
    assert cli("logs", "talker") == "line 1\nline 2\nline 3\n"
    assert cli("logs", "pod/talker", "--tail", "1") == "line 3\n"
    assert cli("exec", "talker", "--", "echo", "hello") == "hello\n"
    assert cli("exec", "-i", "talker", "--", "cat", text="through") == "through"
    assert cli("exec", "talker", "--", "sh", "-c", "exit 7", check=False).returncode == 7
    started = time.monotonic()
    assert cli("delete", "pod", "talker") == "pod/talker deleted\n"
    assert time.monotonic() - started < 10
    assert cli("get", "pod", "talker", check=False).returncode == 1


def test_a_watch_goes_on(cli, sampan, namespace):
    watch = subprocess.Popen(
        [*SAMPAN, "get", "-n", namespace, "cm", "-w"],
        env=sampan.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert watch.stdout.readline().startswith("NAME")
        assert watch.stdout.readline().startswith("kube-root-ca.crt")
        cli("apply", "-f", "-", text=SETTINGS)
        assert watch.stdout.readline().startswith("settings")
    finally:
        watch.terminate()
        watch.communicate()


def test_tokens_open_the_api_and_only_what_they_may(sampan):
    for words, code in ((["token"], 0), (["token", "--user", "eve"], 1)):
        token = sampan(*words).strip()
        config = yaml.safe_load(sampan("kubeconfig", "--show"))
        config["users"][0]["user"] = {"token": token}
        path = sampan.home / f"kubeconfig-{code}"
        path.write_text(yaml.safe_dump(config))
        done = sampan("get", "secrets", "-A", "--kubeconfig", str(path), check=False)
        assert done.returncode == code, done.stderr
    assert 'User "eve" cannot list resource "secrets"' in done.stderr


def test_doctor_names_the_sandbox(sampan):
    findings = json.loads(sampan("doctor", "-o", "json"))
    assert "sandbox" in [finding["subject"] for finding in findings]


def test_a_second_up_is_refused(sampan):
    done = sampan("up", "--detach", check=False)
    assert done.returncode == 1
    assert "already runs" in done.stderr


def test_down_takes_everything_along(own_sampan):
    own_sampan.up()
    own_sampan("apply", "-n", "default", "-f", "-", text=POD)
    own_sampan("wait", "-n", "default", "pod/talker", "--for", "condition=Ready")
    own_sampan("down")
    left = subprocess.run(
        ["pgrep", "-f", str(own_sampan.home)], capture_output=True, text=True, check=False
    )
    assert left.stdout == ""
    own_sampan.up()
    own_sampan(
        "wait", "-n", "default", "pod/talker", "--for", "condition=Ready", "--timeout", "60s"
    )


def test_a_component_can_be_left_out(own_sampan):
    own_sampan("up", "--detach", "--port", "0", "--api-port", "0", "--without", "workflows")
    assert own_sampan("get", "workflows", check=False).returncode == 1
    done = own_sampan("up", "--without", "boats", check=False)
    assert done.returncode == 1


def test_a_port_that_is_taken_is_named(own_sampan, sampan):
    port = sampan.state["api"].rpartition(":")[2]
    done = own_sampan("up", "--detach", "--port", "0", "--api-port", port, check=False)
    assert done.returncode == 1
    assert f"port {port} cannot be used" in done.stderr


def test_a_sandbox_that_is_insisted_on_and_missing_stops_the_start(own_sampan):
    own_sampan.home.mkdir(mode=0o700)
    (own_sampan.home / "config.yaml").write_text("sandbox: bubblewrap\n")
    own_sampan.environment["PATH"] = "/nowhere"
    done = own_sampan("up", "--detach", "--port", "0", "--api-port", "0", check=False)
    assert done.returncode == 1
    assert "insists on bubblewrap" in done.stderr
    left = subprocess.run(
        ["pgrep", "-f", str(own_sampan.home)], capture_output=True, text=True, check=False
    )
    assert left.stdout == ""


def test_events_and_the_story_of_a_pod(sampan, namespace):
    container = {
        "name": "main", "image": "busybox", "command": ["sleep", "9"],
        "envFrom": [{"secretRef": {"name": "creds"}}],
    }  # fmt: skip
    manifest = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "waits"},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]},
    }  # fmt: skip
    sampan("apply", "-n", namespace, "-f", "-", text=json.dumps(manifest))
    reason = "{.status.containerStatuses[0].state.waiting.reason}=CreateContainerConfigError"
    sampan("wait", "-n", namespace, "pod/waits", "--for", f"jsonpath={reason}")
    told = sampan("explain", "-n", namespace, "pod/waits", check=False)
    assert told.returncode == 3
    assert 'secret "creds" not found' in told.stdout
    assert "→ Create the secret creds" in told.stdout
    sampan.run([*SAMPAN, "apply", "-n", namespace, "-f", "-"], text=json.dumps(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "creds"}}))  # fmt: skip
    sampan("wait", "-n", namespace, "pod/waits", "--for", "condition=Ready")
    assert "is ready" in sampan("explain", "-n", namespace, "pod", "waits")
    shown = sampan("events", "-n", namespace, "--for", "pod/waits", "--types", "Warning")
    assert shown.splitlines()[0].split()[:2] == ["LAST", "SEEN"]
    assert 'secret "creds" not found' in shown
    assert "Scheduled" not in shown
    assert "Scheduled" in sampan("events", "-A")
    assert "TYPE/NAME" in sampan("events", "--for", "waits", check=False).stderr
