"""The walk: every verb of kubectl and every kind that `kubectl create` makes, with each kubectl.

Quick and shallow: what a verb prints and that it did something. What takes longer, or is looked at
more closely, is in `test_kubectl.py`.
"""

import contextlib
import json
import os
import re
import subprocess
import urllib.error
import urllib.request

import pytest

pytestmark = pytest.mark.slow

SLEEPER = """
apiVersion: v1
kind: Pod
metadata: {name: NAME, labels: {app: sleeper, name: NAME}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - {name: main, image: busybox, command: [sh, -c, "echo one; echo two; exec sleep 1000"]}
  - {name: other, image: busybox, command: [sh, -c, "echo three; exec sleep 1000"]}
"""
CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: NAME, labels: {app: walk}}
data: {colour: green}
"""
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: main, image: busybox, command: [sleep, "1000"]}]
"""
CREATED = [
    "configmap c --from-literal=a=b",
    "secret generic s --from-literal=a=b",
    "secret docker-registry pull --docker-server=example.com --docker-username=u"
    " --docker-password=p",
    "secret tls tls --cert=CERT --key=KEY",
    "serviceaccount robot",
    "role reader --verb=get,list --resource=pods,deployments.apps",
    "rolebinding readers --role=reader --serviceaccount=NAMESPACE:robot",
    "clusterrole NAMESPACE --verb=get --resource=nodes",
    "clusterrolebinding NAMESPACE --clusterrole=NAMESPACE --user=somebody",
    "deployment d --image=busybox --replicas=0 --port=80",
    "job j --image=busybox -- true",
    "cronjob cj --image=busybox --schedule=0_0_1_1_* -- true",
    "job manual --from=cronjob/cj",
    "service clusterip ci --tcp=80:8080",
    "service nodeport np --tcp=80:8080",
    "service loadbalancer lb --tcp=80:8080",
    "service externalname en --external-name=example.com",
    "ingress i --rule=example.com/*=ci:80",
    "quota q --hard=pods=20,services=20",
    "poddisruptionbudget b --selector=app=d --min-available=1",
    "priorityclass NAMESPACE --value=7",
    "namespace NAMESPACE-inner",
]
CLUSTER_WIDE = ("clusterrole", "clusterrolebinding", "priorityclass")
KINDS = (
    "configmaps,secrets,serviceaccounts,roles,rolebindings,deployments,jobs,cronjobs,services,"
    "ingresses,resourcequotas,poddisruptionbudgets"
)


def applied(kubectl, text, *names):
    return [kubectl("apply", "-f", "-", text=text.replace("NAME", name)) for name in names]


@pytest.fixture
def pods(kubectl):
    """Two pods that run."""
    applied(kubectl, SLEEPER, "one", "two")
    kubectl("wait", "--for=condition=Ready", "pod", "-l", "app=sleeper", "--timeout=30s")


@pytest.fixture
def deployment(kubectl):
    kubectl("apply", "-f", "-", text=DEPLOYMENT)
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")


def test_create(kubectl, sampan):
    space = kubectl.namespace
    keys = sampan.home / "keys"
    places = {"CERT": str(keys / "server.crt"), "KEY": str(keys / "server.key")}
    for line in CREATED:
        words = [_filled(word, space, places) for word in line.split()]
        assert " created" in kubectl("create", *words)
    assert "busybox" in kubectl("create", "deployment", "x", "--image=busybox",
                                "--dry-run=client", "-o", "yaml")  # fmt: skip
    assert kubectl("create", "token", "robot", "--duration=20m").count(".") == 2
    shown = kubectl("get", KINDS, "-o", "wide")
    assert {"secret/tls", "service/en", "cronjob.batch/cj"} <= set(shown.split())
    told = kubectl("describe", KINDS, *("--show-events=false",))
    assert {"kubernetes.io/dockerconfigjson", "0/7"} & set(told.split())
    assert told.count("Name: ") > 15
    for kind in CLUSTER_WIDE:
        assert space in kubectl("describe", kind, space)
        kubectl("delete", kind, space)
    kubectl("delete", "namespace", f"{space}-inner", "--wait=false")


def _filled(word, space, places):
    word = word.replace("NAMESPACE", space).replace("_", " ")
    return word.replace("CERT", places["CERT"]).replace("KEY", places["KEY"])


def test_get(kubectl, tmp_path):
    applied(kubectl, CONFIG, "b", "a")
    (tmp_path / "path").write_text("{.items[*].metadata.name}")
    (tmp_path / "columns").write_text("NAME\n.metadata.name\n")

    def got(*words):
        return kubectl("get", "configmaps", "-l", "app=walk", *words)

    assert json.loads(got("-o", "json"))["items"][0]["data"] == {"colour": "green"}
    assert "colour: green" in got("-o", "yaml")
    assert got("-o", "name").split() == ["configmap/a", "configmap/b"]
    assert got("-o", "jsonpath={.items[*].data.colour}") == "green green"
    assert json.loads(got("-o", "jsonpath-as-json={.items[*].data.colour}")) == ["green"] * 2
    assert got("-o", f"jsonpath-file={tmp_path}/path") == "a b"
    assert got("-o", "go-template={{range .items}}{{.metadata.name}},{{end}}") == "a,b,"
    assert got("-o", "custom-columns=N:.metadata.name", "--no-headers").split() == ["a", "b"]
    assert got("-o", f"custom-columns-file={tmp_path}/columns").split() == ["NAME", "a", "b"]
    assert "app=walk" in got("--show-labels")
    assert "walk" in got("-L", "app", "--no-headers")
    assert got("--show-kind", "--no-headers").count("configmap/") == 2
    assert got("--sort-by={.metadata.creationTimestamp}", "-o", "name").split()[0]
    assert got("--chunk-size=1", "-o", "name").split() == ["configmap/a", "configmap/b"]
    assert kubectl.namespace in got("-A", "--no-headers")
    assert got("--field-selector=metadata.name=a", "-o", "name") == "configmap/a\n"
    assert kubectl("get", "cm/a", "cm/b", "-o", "name").split() == ["configmap/a", "configmap/b"]
    assert "ADDED" in got("--watch", "--output-watch-events", "--request-timeout=1s")
    assert kubectl("get", "--raw", "/readyz") == "ok"
    assert json.loads(kubectl("get", "--raw", "/api/v1/nodes"))["kind"] == "NodeList"
    assert "Active" in kubectl("get", "namespace", kubectl.namespace, "--subresource=status")
    assert "configmap/a" in kubectl("get", "all,configmaps", "-o", "name")


def test_apply_and_its_family(kubectl, tmp_path):
    applied(kubectl, CONFIG, "a", "b")
    assert "green" in kubectl("apply", "view-last-applied", "configmap/a")
    (tmp_path / "a.yaml").write_text(CONFIG.replace("NAME", "a").replace("green", "red"))
    here = str(tmp_path / "a.yaml")
    different = kubectl("diff", "-f", here, check=False)
    assert (different.returncode, "+  colour: red" in different.stdout) == (1, True)
    assert "configured" in kubectl("apply", "set-last-applied", "-f", here)
    kubectl.environment["KUBE_EDITOR"] = "sed -i s/red/blue/"
    assert "edited" in kubectl("apply", "edit-last-applied", "configmap/a")
    assert "configured" in kubectl("apply", "-f", here)
    assert kubectl("diff", "-f", here) == ""
    pruned = kubectl("apply", "-f", here, "--prune", "-l", "app=walk",
                     "--prune-allowlist=core/v1/ConfigMap")  # fmt: skip
    assert "configmap/b pruned" in pruned
    assert "serverside-applied" in kubectl("apply", "-f", here, "--server-side",
                                           "--force-conflicts")  # fmt: skip
    assert "replaced" in kubectl("replace", "-f", here)
    assert "replaced" in kubectl("replace", "-f", here, "--force")
    kubectl.environment["KUBE_EDITOR"] = "sed -i s/red/white/"
    assert "edited" in kubectl("edit", "configmap/a")
    assert "no change" in kubectl("patch", "cm", "a", "-p", '{"data": {"colour": "white"}}')
    assert "labeled" in kubectl("label", "cm", "a", "x=y", "--overwrite")
    assert "unlabeled" in kubectl("label", "cm", "a", "x-")
    assert "annotat" in kubectl("annotate", "cm", "a", "x=y")
    assert "annotat" in kubectl("annotate", "cm", "a", "x-")
    (tmp_path / "kustomization.yaml").write_text("namePrefix: k-\nresources: [a.yaml]\n")
    assert "name: k-a" in kubectl("kustomize", str(tmp_path))
    assert "configmap/k-a created" in kubectl("apply", "-k", str(tmp_path))


def test_rollouts_and_what_is_set(kubectl, deployment):
    kubectl("set", "image", "deployment/web", "main=busybox:1.36")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    history = kubectl("rollout", "history", "deployment/web")
    assert re.findall(r"^\d+", history, re.MULTILINE) == ["1", "2"]
    assert "busybox:1.36" in kubectl("rollout", "history", "deployment/web", "--revision=2")
    assert "rolled back" in kubectl("rollout", "undo", "deployment/web")
    assert "paused" in kubectl("rollout", "pause", "deployment/web")
    for words in (
        "env deployment/web COLOUR=red",
        "resources deployment/web --limits=cpu=200m,memory=64Mi --requests=cpu=10m",
        "serviceaccount deployment web default",
    ):
        assert "updated" in kubectl("set", *words.split())
    assert "COLOUR=red" in kubectl("set", "env", "deployment/web", "--list")
    assert "resumed" in kubectl("rollout", "resume", "deployment/web")
    assert "restarted" in kubectl("rollout", "restart", "deployment/web")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    assert "scaled" in kubectl("scale", "deployment/web", "--current-replicas=1", "--replicas=2")
    stale = kubectl("scale", "deployment/web", "--current-replicas=7", "--replicas=1", check=False)
    assert "Expected replicas to be 7, was 2" in stale.stderr
    assert "exposed" in kubectl("expose", "deployment", "web", "--port=80", "--target-port=8080")
    assert "selector updated" in kubectl("set", "selector", "service", "web", "app=other")
    kubectl("create", "rolebinding", "r", "--clusterrole=view", "--user=a")
    assert "subjects updated" in kubectl("set", "subject", "rolebinding", "r", "--user=b")
    assert "autoscaled" in kubectl("autoscale", "deployment/web", "--min=1", "--max=3",
                                   "--cpu-percent=80")  # fmt: skip
    assert "80%" in kubectl("get", "hpa", "web")
    assert "Deployment/web" in kubectl("describe", "hpa", "web")


def test_logs(kubectl, pods):
    assert kubectl("logs", "one", "-c", "main") == "one\ntwo\n"
    assert kubectl("logs", "one") == "one\ntwo\n"  # kubectl takes the first, and says so
    assert set(kubectl("logs", "one", "--all-containers").split()) == {"one", "two", "three"}
    chosen = kubectl("logs", "-l", "app=sleeper", "--all-containers", "--prefix",
                     "--max-log-requests=9")  # fmt: skip
    assert {line.split()[0] for line in chosen.splitlines()} == {
        f"[pod/{pod}/{container}]" for pod in ("one", "two") for container in ("main", "other")
    }
    assert kubectl("logs", "one", "-c", "main", "--tail=1") == "two\n"
    assert kubectl("logs", "one", "-c", "main", "--limit-bytes=3") == "one"
    assert kubectl("logs", "one", "-c", "main", "--since=1h").count("\n") == 2
    assert kubectl("logs", "one", "-c", "main", "--since-time=2020-01-01T00:00:00Z")
    assert re.match(r"\d{4}-\d\d-\d\dT", kubectl("logs", "one", "-c", "main", "--timestamps"))
    none = kubectl("logs", "one", "-c", "main", "--previous", check=False)
    assert "previous terminated container" in none.stderr


def test_events_waits_and_top(kubectl, pods):
    assert "Started" in kubectl("events", "--for=pod/one", "--types=Normal")
    assert "Started" in kubectl("get", "events", "--field-selector=reason=Started")
    assert "Started" in kubectl("get", "events.events.k8s.io")
    assert "met" in kubectl("wait", "pod/one", "--for=jsonpath={.status.phase}=Running",
                            "--timeout=9s")  # fmt: skip
    late = kubectl("wait", "pod/one", "--for=condition=Nonesuch", "--timeout=50ms", check=False)
    assert "timed out" in late.stderr
    listed = [line.split() for line in kubectl("top", "pod", "--containers").splitlines()]
    assert {(row[0], row[1]) for row in listed[1:]} == {
        (pod, container) for pod in ("one", "two") for container in ("main", "other")
    }
    assert re.search(r"^sampan +\d+m", kubectl("top", "node"), re.MULTILINE)
    assert kubectl("delete", "pod", "one", "--now").count("deleted") == 1
    assert "met" in kubectl("wait", "pod/two", "--for=condition=Ready", "--timeout=9s")
    assert "deleted" in kubectl("delete", "pod", "two", "--force", "--grace-period=0")
    kubectl("wait", "pod/two", "--for=delete", "--timeout=9s")


def test_run(kubectl):
    said = kubectl("run", "quick", "--image=busybox", "--rm", "-i", "--restart=Never", "--",
                   "sh", "-c", "read word; echo heard $word", text="ping\n")  # fmt: skip
    assert "heard ping" in said
    assert 'pod "quick" deleted' in said
    shown = kubectl("run", "shown", "--image=busybox", "--dry-run=client", "-o", "json",
                    "--env=A=b", "--labels=x=y", "--port=80", "--restart=OnFailure",
                    '--overrides={"spec": {"hostname": "h"}}')  # fmt: skip
    pod = json.loads(shown)
    assert pod["spec"]["hostname"] == "h"
    assert pod["spec"]["containers"][0]["env"] == [{"name": "A", "value": "b"}]
    made = kubectl("run", "served", "--image=busybox", "--port=80", "--expose", "--command", "--",
                   "sleep", "1000")  # fmt: skip
    assert {"service/served", "pod/served"} <= set(made.split())
    attached = kubectl("run", "said", "--image=busybox", "--attach", "--restart=Never", "--quiet",
                       "--", "sh", "-c", "sleep 0.3; echo word")  # fmt: skip
    assert "word" in attached


def test_debug(kubectl, pods):
    kubectl("debug", "pod/one", "--image=busybox", "-c", "added", "--target=main", "--",
            "sh", "-c", "echo looked")  # fmt: skip
    ended = "--for=jsonpath={.status.ephemeralContainerStatuses[0].state.terminated.reason}"
    kubectl("wait", "pod/one", f"{ended}=Completed", "--timeout=20s")
    assert kubectl("logs", "one", "-c", "added") == "looked\n"
    assert "Ephemeral Containers" in kubectl("describe", "pod", "one")
    assert "does not see the processes of main" in kubectl("events", "--for=pod/one")
    kubectl("debug", "pod/one", "--copy-to=copy", "--image=busybox", "-c", "more", "--",
            "sleep", "1000")  # fmt: skip
    kubectl("wait", "--for=condition=Ready", "pod/copy", "--timeout=20s")
    names = kubectl("get", "pod", "copy", "-o", "jsonpath={.spec.containers[*].name}")
    assert names == "main other more"


def test_deletes(kubectl, deployment):
    applied(kubectl, CONFIG, "a", "b", "c", "d")
    assert "deleted" in kubectl("delete", "cm", "a", "--wait=false")
    assert "deleted" in kubectl("delete", "cm", "-l", "app=walk",
                                "--field-selector=metadata.name=b")  # fmt: skip
    assert "deleted" in kubectl("delete", "-f", "-", text=CONFIG.replace("NAME", "c"))
    path = f"/api/v1/namespaces/{kubectl.namespace}/configmaps/d"
    assert "Success" in kubectl("delete", "--raw", path)
    kubectl("delete", "deployment", "web", "--cascade=orphan")
    assert "replicaset" in kubectl("get", "replicasets", "-o", "name")
    kubectl("delete", "replicasets", "--all", "--cascade=foreground", timeout=40)
    assert kubectl("get", "pods", "-o", "name") == ""
    assert "No resources found" in kubectl("delete", "cm", "-l", "app=walk")


def test_nodes(kubectl, pods):
    assert "cordoned" in kubectl("cordon", "sampan")
    try:
        assert "SchedulingDisabled" in kubectl("get", "nodes")
        drained = kubectl("drain", "sampan", "--pod-selector=name=one", "--force",
                          "--ignore-daemonsets", timeout=60)  # fmt: skip
        assert "node/sampan drained" in drained
        assert kubectl("get", "pods", "-o", "name") == "pod/two\n"
    finally:
        assert "uncordoned" in kubectl("uncordon", "sampan")
    assert "tainted" in kubectl("taint", "node", "sampan", "walk=yes:PreferNoSchedule")
    assert "untainted" in kubectl("taint", "node", "sampan", "walk-")
    assert "Allocated resources" in kubectl("describe", "node", "sampan")


def test_who_may_what(kubectl):
    assert kubectl("auth", "can-i", "get", "pods/log").strip() == "yes"
    assert "[*]" in kubectl("auth", "can-i", "--list")
    if kubectl.minor > 27:  # which asks for a beta API that servers of today do not have either
        assert "admin" in kubectl("auth", "whoami")
    role = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reconciled, namespace: NAMESPACE}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
"""
    assert "reconciled" in kubectl("auth", "reconcile", "-f", "-",
                                   text=role.replace("NAMESPACE", kubectl.namespace))  # fmt: skip
    kubectl("create", "rolebinding", "r", "--role=reconciled", "--user=somebody", "--group=some")
    as_somebody = ("--as=somebody", "--as-group=some")
    assert kubectl("auth", "can-i", "get", "pods", *as_somebody).strip() == "yes"
    refused = kubectl("get", "secrets", *as_somebody, check=False)
    assert 'User "somebody" cannot list resource "secrets"' in refused.stderr
    none = kubectl("certificate", "approve", "nonesuch", check=False)
    assert none.returncode
    assert "certificatesigningrequest" in none.stderr


def test_what_the_cluster_says_of_itself(kubectl, tmp_path):
    assert "is running at" in kubectl("cluster-info")
    kubectl("cluster-info", "dump", f"--output-directory={tmp_path}", "--namespaces=default")
    assert (tmp_path / "nodes.json").exists()
    listed = kubectl("api-resources", "--verbs=list", "--namespaced", "-o", "name").split()
    assert {"pods", "events.events.k8s.io", "horizontalpodautoscalers.autoscaling"} <= set(listed)
    assert {"v1", "autoscaling/v1", "metrics.k8s.io/v1beta1"} <= set(
        kubectl("api-versions").split()
    )
    assert "met" in kubectl("wait", "apiservice/v1beta1.metrics.k8s.io", "--timeout=9s",
                            "--for=condition=Available")  # fmt: skip
    assert "FIELDS" in kubectl("explain", "deployment", "--recursive")
    assert "targetCPU" in kubectl("explain", "hpa.spec", "--api-version=autoscaling/v1")
    assert kubectl("explain", "pod.spec.containers.image")
    assert "v1.33" in kubectl("version", "-o", "yaml")


def test_what_needs_no_cluster(kubectl):
    assert "current-context: sampan" in kubectl("config", "view")
    assert kubectl("config", "get-contexts", "-o", "name") == "sampan\n"
    assert "kubectl" in kubectl("completion", "bash")
    assert "--kubeconfig" in kubectl("options")
    assert "plugin" in (kubectl("plugin", "list", check=False).stderr)


def test_a_proxy_leads_to_pods(kubectl):
    program = (
        "import http.server as s, os;"
        "s.test(s.SimpleHTTPRequestHandler, bind=os.environ['IP'], port=8765)"
    )
    address = {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    container = {
        "name": "main", "image": "python:3.11", "workingDir": "/etc", "env": [address],
        "command": ["python", "-c", program],
        "ports": [{"containerPort": 8765, "name": "web"}],
        "readinessProbe": {"tcpSocket": {"port": 8765}, "periodSeconds": 1},
    }  # fmt: skip
    pod = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
    }  # fmt: skip
    kubectl("create", "-f", "-", text=json.dumps(pod))
    kubectl("expose", "pod", "web", "--port=80", "--target-port=web", "--name=web")
    kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=20s")
    place = f"/api/v1/namespaces/{kubectl.namespace}"
    assert "localhost" in kubectl("get", "--raw", f"{place}/pods/web:8765/proxy/hosts")
    with proxy(kubectl) as url:
        for path in ("pods/web/proxy/hosts", "services/web/proxy/hosts"):
            with urllib.request.urlopen(f"{url}{place}/{path}", timeout=10) as answer:
                assert b"localhost" in answer.read()
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{url}{place}/pods/web/proxy/nonesuch", timeout=10)


@contextlib.contextmanager
def proxy(kubectl):
    """The address of a `kubectl proxy`."""
    process = subprocess.Popen(
        [kubectl.command, "proxy", "--port=0"],
        env={**os.environ, **kubectl.environment}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        match = re.search(r"127.0.0.1:\d+", process.stdout.readline())
        yield f"http://{match[0]}"
    finally:
        process.terminate()
        process.communicate()
