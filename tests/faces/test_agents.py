"""Templates that the workflow's agent carries out: http, and plugins."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytestmark = pytest.mark.slow

PLUGIN = """
import json
from http.server import BaseHTTPRequestHandler, HTTPServer
word = open("/var/run/argo/token").read()
asked = {}
class Plugin(BaseHTTPRequestHandler):
    def do_POST(self):
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.headers["Authorization"] == "Bearer " + word
        wish = told["template"]["plugin"].get("count")
        reply = {}
        if wish is not None:
            asked[wish] = asked.get(wish, 0) + 1
            if asked[wish] < 3:
                reply = {"node": {"phase": "Running", "progress": "%d/3" % asked[wish]},
                         "requeue": "10ms"}
            else:
                name = told["workflow"]["metadata"]["name"]
                outputs = {"parameters": [{"name": "of", "value": name}]}
                reply = {"node": {"phase": "Succeeded", "message": "three", "outputs": outputs}}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(reply).encode())
HTTPServer(("", 4355), Plugin).serve_forever()
"""
SIDECAR = {
    "name": "counting",
    "image": "python:3.12",
    "command": ["python3", "-c", PLUGIN],
    "ports": [{"containerPort": 4355}],
    "securityContext": {"runAsNonRoot": True},
    "resources": {"requests": {"cpu": "10m"}, "limits": {"cpu": "1"}},
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self._answer("")

    def do_POST(self):
        self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _answer(self, body):
        kind, _, rest = self.path.removeprefix("/").partition("/")
        self.send_response(302 if kind in ("to", "loop") else int(rest or 200))
        if kind == "to":
            self.send_header("Location", f"/{rest}")
        if kind == "loop":
            self.send_header("Location", "/loop")
        self.end_headers()
        self.wfile.write(b"x" * (2 << 20) if kind == "long" else body.encode() or kind.encode())
        self.server.seen.append((self.command, self.path, dict(self.headers)))

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen = []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def run(sampan, namespace):
    """Runs a workflow; answers its nodes by their display names."""
    workflows = f"/apis/argoproj.io/v1alpha1/namespaces/{namespace}/workflows"

    def run(*templates, **spec):
        tasks = [{"name": each["name"], "template": each["name"]} for each in templates]
        main = {"name": "main", "failFast": False, "dag": {"tasks": tasks}}
        whole = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "metadata": {"generateName": "w-"},
            "spec": {"entrypoint": "main", "templates": [main, *templates], **spec},
        }
        _, made = sampan.request("POST", workflows, whole)
        run.name = made["metadata"]["name"]
        end = time.monotonic() + 40
        while True:
            _, found = sampan.request("GET", f"{workflows}/{run.name}")
            status = found.get("status") or {}
            if status.get("finishedAt"):
                return {each["displayName"]: each for each in status["nodes"].values()}
            assert time.monotonic() < end, status
            time.sleep(0.05)

    run.post = lambda path, body: sampan.request(
        "POST", f"/api/v1/namespaces/{namespace}/{path}", body
    )
    run.get = lambda path: sampan.request("GET", f"/api/v1/namespaces/{namespace}/{path}")[1]
    return run


def test_requests(run, server):
    secret = {"metadata": {"name": "word"}, "stringData": {"key": "hidden"}}
    run.post("secrets", {"apiVersion": "v1", "kind": "Secret", **secret})
    hidden = {"name": "X-Word", "valueFrom": {"secretKeyRef": {"name": "word", "key": "key"}}}
    condition = "response.statusCode == 418 && response.body == request.body"
    nodes = run(
        {"name": "good", "http": {"url": f"{server.url}/good"}},
        {"name": "bad", "http": {"url": f"{server.url}/bad/500"}},
        {"name": "post", "http": {"url": f"{server.url}/x/418", "method": "POST", "body": "tea",
                                  "successCondition": condition}},
        {"name": "onward", "http": {"url": f"{server.url}/to/good"}},
        {"name": "loop", "http": {"url": f"{server.url}/loop"}},
        {"name": "long", "http": {"url": f"{server.url}/long"}},
        {"name": "file", "http": {"url": "file:///etc/passwd"}},
        {"name": "closed", "http": {"url": "http://127.0.0.1:1/"}},
        {"name": "secret", "http": {"url": f"{server.url}/s", "headers": [hidden]}},
        {"name": "plain", "http": {"url": f"{server.url}/h",
                                   "headers": [{"name": "X-A", "value": "b"}]}},
    )  # fmt: skip
    assert {name: nodes[name]["phase"] for name in nodes if name != run.name} == {
        "good": "Succeeded", "bad": "Failed", "post": "Succeeded", "onward": "Succeeded",
        "loop": "Failed", "long": "Failed", "file": "Failed", "closed": "Failed",
        "secret": "Failed", "plain": "Succeeded",
    }  # fmt: skip
    assert nodes["good"]["outputs"] == {"result": "good"}
    assert nodes["good"]["type"] == "HTTP"
    assert nodes["bad"]["message"] == "received non-2xx response code: 500"
    assert "stopped after 10 redirects" in nodes["loop"]["message"]
    assert "longer than" in nodes["long"]["message"]
    assert 'unsupported protocol scheme "file"' in nodes["file"]["message"]
    assert 'secrets "word" is forbidden' in nodes["secret"]["message"]  # nobody gave the right
    assert any(headers.get("X-A") == "b" for _, path, headers in server.seen if path == "/h")
    agents = [
        each for each in run.get("pods")["items"] if each["metadata"]["name"].endswith("-agent")
    ]
    assert [each["metadata"]["labels"]["workflows.argoproj.io/component"] for each in agents] == [
        "agent"
    ]


def test_a_request_that_takes_too_long_is_given_up(run):
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as silent:  # accepts, and says nothing
        url = f"http://127.0.0.1:{silent.server_port}/"
        node = run({"name": "late", "http": {"url": url, "timeoutSeconds": 1}})["late"]
    assert (node["phase"], node["message"]) == ("Failed", f'Get "{url}": context deadline exceeded')


def test_plugins(run):
    data = {"sidecar.container": json.dumps(SIDECAR)}
    label = {"workflows.argoproj.io/configmap-type": "ExecutorPlugin"}
    head = {"apiVersion": "v1", "kind": "ConfigMap"}
    metadata = {"name": "counting-executor-plugin", "labels": label}
    run.post("configmaps", {**head, "metadata": metadata, "data": data})
    nodes = run(
        {"name": "one", "plugin": {"count": "a"}},
        {"name": "two", "plugin": {"count": "b"}},
        {"name": "none", "plugin": {"other": {}}},
    )
    assert [nodes[each]["phase"] for each in ("one", "two", "none")] == [
        "Succeeded", "Succeeded", "Failed",
    ]  # fmt: skip
    assert nodes["one"]["message"] == "three"
    assert nodes["one"]["outputs"]["parameters"] == [{"name": "of", "value": run.name}]
    assert nodes["none"]["message"] == "no plugin executed the template"


def test_a_workflow_may_bring_its_plugins(run):
    spec = {"sidecar": {"container": SIDECAR}}
    plugin = {"metadata": {"name": "counting"}, "spec": spec}
    nodes = run({"name": "one", "plugin": {"count": "a"}}, executorPlugins=[plugin])
    assert nodes["one"]["phase"] == "Succeeded"
