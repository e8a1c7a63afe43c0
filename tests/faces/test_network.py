"""The pod network as its users meet it: names, services, the API, port-forward, crashes."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess

import pytest

from support import kubectls, until

KUBECTL = next(iter(kubectls().values()), "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not KUBECTL, reason="no kubectl on this machine"),
]

SERVE = """
import http.server, os, socket
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if self.path == "/ready" and os.path.exists("/tmp/ill") else 200)
        self.end_headers()
        self.wfile.write(socket.gethostname().encode())
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("", 80), Handler).serve_forever()
"""
ASK = "import urllib.request as u; print(u.urlopen({!r}, timeout=5).read().decode())"
ASK_API = """
import ssl, urllib.request as u
place = "/var/run/secrets/kubernetes.io/serviceaccount/"
request = u.Request("https://kubernetes.default.svc/api/v1/namespaces/default")
request.add_header("Authorization", "Bearer " + open(place + "token").read())
try:
    u.urlopen(request, context=ssl.create_default_context(cafile=place + "ca.crt"), timeout=5)
except u.HTTPError as error:
    print(error.read().decode())
"""


class Cluster:
    """kubectl in a namespace of a Sampan that has a pod network."""

    def __init__(self, sampan, namespace):
        self.sampan = sampan
        self.namespace = namespace

    def __call__(self, *words, text=None, check=True):
        command = [KUBECTL, "-n", self.namespace, *words]
        return self.sampan.run(command, text=text, check=check)

    def apply(self, *manifests):
        self("apply", "-f", "-", text=json.dumps({"kind": "List", "apiVersion": "v1",
                                                  "items": manifests}))  # fmt: skip

    def python(self, pod, code):
        return self("exec", pod, "--", "python3", "-c", code).strip()

    def fetch(self, pod, url):
        return self.python(pod, ASK.format(url))

    def addresses(self, service):
        path = "jsonpath={.subsets[*].addresses[*].ip}"
        return set(self("get", "endpoints", service, "-o", path).split())


@pytest.fixture
def cluster(sampan, namespace):
    if "each pod has a network" not in sampan("doctor"):
        pytest.skip("this machine allows no pod network")
    return Cluster(sampan, namespace)


def container(command=("sleep", "1000"), **more):
    return {"name": "main", "image": "python:3.11", "command": list(command), **more}


def server(**more):
    ports = [{"name": "http", "containerPort": 80}]
    return container(("python3", "-c", SERVE), ports=ports, **more)


def workload(kind, name, replicas, spec, **more):
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec}, **more,
        },
    }  # fmt: skip


def service(name, **more):
    spec = {"selector": {"app": name}, "ports": [{"name": "web", "port": 8080,
                                                  "targetPort": "http"}]}  # fmt: skip
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": spec | more}  # fmt: skip


def client(name="client"):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"containers": [container()], "terminationGracePeriodSeconds": 0}}  # fmt: skip


QUICK = {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 1, "failureThreshold": 1}


def test_pods_of_a_service_answer_in_turn_while_they_are_ready(cluster):
    spec = {"containers": [server(readinessProbe=QUICK)]}
    cluster.apply(workload("Deployment", "web", 2, spec), service("web"), client())
    cluster("rollout", "status", "deployment/web", "--timeout=30s")
    cluster("wait", "pod/client", "--for=condition=Ready", "--timeout=20s")
    until(lambda: len(cluster.addresses("web")) == 2)
    names = cluster("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].metadata.name}")
    ill, well = names.split()
    for name in ("web", f"web.{cluster.namespace}", f"web.{cluster.namespace}.svc.cluster.local"):
        asked = f"[u.urlopen('http://{name}:8080').read().decode() for _ in range(4)]"
        said = cluster.python("client", f"import urllib.request as u; print(*{asked})")
        assert set(said.split()) == {ill, well}
    cluster("exec", ill, "--", "touch", "/tmp/ill")
    until(lambda: len(cluster.addresses("web")) == 1)
    said = {cluster.fetch("client", "http://web:8080") for _ in range(3)}
    assert said == {well}
    cluster("scale", "deployment/web", "--replicas=0")
    until(lambda: not cluster.addresses("web"))
    refused = cluster("exec", "client", "--", "python3", "-c", ASK.format("http://web:8080"),
                      check=False)  # fmt: skip
    assert "Connection refused" in refused.stderr


def test_pods_of_a_stateful_set_have_names(cluster):
    spec = {"containers": [server()]}
    headless = service("db", clusterIP="None")
    cluster.apply(headless, workload("StatefulSet", "db", 2, spec, serviceName="db"), client())
    cluster("rollout", "status", "statefulset/db", "--timeout=30s")
    cluster("wait", "pod/client", "--for=condition=Ready", "--timeout=20s")
    until(lambda: len(cluster.addresses("db")) == 2)
    assert cluster.fetch("client", "http://db-1.db") == "db-1"
    assert cluster.fetch("db-0", f"http://db-1.db.{cluster.namespace}.svc.cluster.local") == "db-1"
    own = cluster.python("db-0", "import socket; print(socket.getfqdn())")
    assert own == f"db-0.db.{cluster.namespace}.svc.cluster.local"
    look_up = "import socket; print(*sorted(socket.gethostbyname_ex('db')[2]))"
    assert set(cluster.python("client", look_up).split()) == cluster.addresses("db")


def test_a_pod_reaches_the_api_and_its_own_localhost_only(cluster):
    cluster.apply(client(), client("other"))
    cluster("wait", "pod/client", "pod/other", "--for=condition=Ready", "--timeout=20s")
    said = json.loads(cluster.python("client", ASK_API))
    assert (said["reason"], said["details"]["kind"]) == ("Forbidden", "namespaces")
    api = int(cluster.sampan.state["api"].rpartition(":")[2])
    probe = f"import socket; print(socket.socket().connect_ex(('127.0.0.1', {api})))"
    assert cluster.python("client", probe) == "111"  # the machine's loopback is not the pod's


@contextlib.contextmanager
def forwarded(cluster, target, port):
    """The local port that leads there."""
    command = [KUBECTL, "-n", cluster.namespace, "port-forward", target, f":{port}"]
    process = subprocess.Popen(
        command, env=cluster.sampan.environment, stdout=subprocess.PIPE, text=True
    )
    try:
        yield int(re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())[1])
    finally:
        process.terminate()
        process.stdout.close()
        process.wait(10)


def get(port, path="/"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    said = connection.getresponse().read().decode()
    connection.close()
    return said


def test_ports_are_forwarded_proxied_and_given_to_the_machine(cluster):
    pod = {"apiVersion": "v1", "kind": "Pod",
           "metadata": {"name": "web", "labels": {"app": "web"}},
           "spec": {"containers": [server(readinessProbe=QUICK)]}}  # fmt: skip
    cluster.apply(pod, service("web", type="NodePort"))
    cluster("wait", "pod/web", "--for=condition=Ready", "--timeout=20s")
    for target, port in (("pod/web", 80), ("service/web", 8080)):
        with forwarded(cluster, target, port) as local:
            assert get(local) == "web"
    path = f"/api/v1/namespaces/{cluster.namespace}/services/web:web/proxy/"
    assert cluster("get", "--raw", path) == "web"
    until(lambda: cluster.addresses("web"))
    node_port = cluster("get", "service", "web", "-o", "jsonpath={.spec.ports[0].nodePort}")

    def answers():
        try:
            return get(int(node_port))
        except ConnectionRefusedError:
            return ""

    assert until(answers) == "web"


ASK_FOR_EVER = """
import time, urllib.request as u
while True:
    print(u.urlopen("http://web:8080", timeout=5).read().decode(), flush=True)
    time.sleep(0.1)
"""
RESTARTS = "jsonpath={.items[*].status.containerStatuses[*].restartCount}"


@pytest.fixture
def own(own_sampan):
    """A Sampan that may be killed, with a service, its pod, and one that asks it for ever."""
    own_sampan.up()
    if "each pod has a network" not in own_sampan("doctor"):
        pytest.skip("this machine allows no pod network")
    cluster = Cluster(own_sampan, "default")
    containers = {"web": server(readinessProbe=QUICK)}
    containers["asker"] = container(("python3", "-c", ASK_FOR_EVER))
    for name, each in containers.items():
        meta = {"name": name, "labels": {"app": name}}
        spec = {"containers": [each], "terminationGracePeriodSeconds": 0}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
        cluster.apply(pod, service("web"))
        cluster("wait", f"pod/{name}", "--for=condition=Ready", "--timeout=20s")
        until(lambda: cluster.addresses("web"))
    until(lambda: "web" in cluster("logs", "asker"))
    return cluster


def test_pods_stay_connected_without_a_control_plane_and_nothing_stays_after_all(own):
    sampan, ips = own.sampan, ["get", "pods", "-o", "jsonpath={.items[*].status.podIP}"]
    before = own(*ips)
    os.kill(sampan.pid, signal.SIGKILL)
    logs = list((sampan.home / "node" / "pods").glob("*/containers/main.0/log"))
    size = sum(log.stat().st_size for log in logs)
    until(lambda: sum(log.stat().st_size for log in logs) > size)  # it is still answered
    sampan.up()
    assert own(*ips) == before
    assert own("get", "pods", "-o", RESTARTS) == "0 0"
    assert own.fetch("asker", "http://web:8080") == "web"
    assert len(processes(sampan.home)) > 3
    sampan.down()
    until(lambda: not processes(sampan.home))


def test_a_network_that_is_killed_is_made_again(own):
    """The data path alone costs nobody anything; with the ground, pods start again."""
    outer, ground = sorted(map(int, processes(own.sampan.home, b"network.main")))
    os.kill(outer, signal.SIGKILL)
    until(lambda: len(processes(own.sampan.home, b"network.main")) == 2)
    until(lambda: "web" in own("exec", "asker", "--", "python3", "-c",
                               ASK.format("http://web:8080"), check=False).stdout)  # fmt: skip
    for pid in processes(own.sampan.home, b"network.main"):
        os.kill(int(pid), signal.SIGKILL)
    until(lambda: "0" not in own("get", "pods", "-o", RESTARTS).split()[:2])
    until(lambda: own.addresses("web"))
    until(lambda: "web" in own("exec", "asker", "--", "python3", "-c",
                               ASK.format("http://web:8080"), check=False).stdout)  # fmt: skip
    assert not os.path.exists(f"/proc/{ground}/ns/net")


def processes(home, also=b""):
    """Those of a home, by what they were started with."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
            command = file.read()
            if os.fsencode(str(home)) in command and also in command:
                found.append(pid)
    return found
