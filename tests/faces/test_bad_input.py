"""Nonsense gets the right Status; nothing is lost, nothing hangs, and it goes on serving."""

import json
import socket
import ssl
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.slow

IDLE_WATCHES = 1000


class Api:
    """Raw requests, as an administrator."""

    def __init__(self, sampan):
        self.url, self.token = sampan.state["api"], sampan("token").strip()
        self.tls = ssl.create_default_context(cafile=sampan.home / "keys" / "ca.crt")

    def __call__(self, method, path, body=None, kind="application/json", token=None):
        """(status code, decoded answer)"""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token or self.token}", "Content-Type": kind}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, context=self.tls, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            text = error.read()
            return error.code, json.loads(text) if text.startswith(b"{") else text.decode()

    def connect(self):
        parts = urlsplit(self.url)
        raw = socket.create_connection((parts.hostname, parts.port), timeout=20)
        return self.tls.wrap_socket(raw, server_hostname=parts.hostname)


@pytest.fixture(scope="module")
def api(sampan):
    return Api(sampan)


@pytest.fixture
def still_serving(api):
    yield
    assert api("GET", "/api/v1/namespaces/default")[0] == 200


CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"


def config_map(name, **fields):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **fields}


def pod(name, container=None, **spec):
    main = {"name": "main", "image": "busybox", "command": ["true"], **(container or {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"restartPolicy": "Never", "containers": [main], **spec},
    }


@pytest.mark.usefixtures("still_serving")
@pytest.mark.parametrize(
    ("method", "path", "body", "code", "says"),
    [
        pytest.param("POST", CONFIG_MAPS, b"{bad", 400, "invalid character 'b'", id="broken-json"),
        pytest.param("POST", CONFIG_MAPS, b"", 400, "unexpected end of JSON input", id="empty"),
        pytest.param("POST", CONFIG_MAPS, b"[" * 100_000, 400, "", id="deep-nesting"),
        pytest.param("POST", CONFIG_MAPS, b"\xff\xfe\x00", 400, "", id="no-utf-8"),
        pytest.param("POST", CONFIG_MAPS, b"[1]", 400, "", id="no-object"),
        pytest.param("POST", "/api/v1/namespaces/default/boats", config_map("x"), 404,
                     "could not find the requested resource", id="unknown-kind"),
        pytest.param("GET", "/apis/no.such.group/v1/x", None, 404, "404 page not found",
                     id="unknown-group"),
        pytest.param("POST", CONFIG_MAPS, config_map("x", data={"a": 1}), 400,
                     "cannot unmarshal number into Go struct field ConfigMap.data of type string",
                     id="wrong-type"),
        pytest.param("POST", CONFIG_MAPS, config_map("x" * 300), 422, "metadata.name",
                     id="name-of-300"),
        pytest.param("POST", CONFIG_MAPS, config_map("x", data={"a": "y" * 5_000_000}), 413, "",
                     id="5-mb"),
        pytest.param("POST", PODS, pod("p", containers=[]), 422, "spec.containers: Required",
                     id="no-container"),
        pytest.param("POST", PODS,
                     pod("p", {"volumeMounts": [
                         {"name": "v", "mountPath": "/v", "subPath": "../../etc"}]},
                         volumes=[{"name": "v", "emptyDir": {}}]),
                     422, "subPath", id="sub-path-that-leaves"),
        pytest.param("GET", f"{CONFIG_MAPS}?watch=true&resourceVersion=abc", None, 400,
                     "resourceVersion", id="watch-from-nonsense"),
        pytest.param("GET", f"{CONFIG_MAPS}?limit=x", None, 400, "ParseInt", id="limit-x"),
        pytest.param("GET", f"{CONFIG_MAPS}?labelSelector=a+b+c", None, 400, "requirement",
                     id="bad-selector"),
        pytest.param("GET", f"{CONFIG_MAPS}?continue=%FF", None, 400, "continue",
                     id="bad-continue"),
        pytest.param("POST", "/api/v1/namespaces/nonesuch/configmaps", config_map("x"), 404,
                     'namespaces "nonesuch" not found', id="missing-namespace"),
        pytest.param("PUT", CONFIG_MAPS, config_map("x"), 405, "does not allow", id="put-all"),
    ],
)  # fmt: skip
def test_answer(api, method, path, body, code, says):
    status, answer = api(method, path, body)
    assert status == code, answer
    assert says in (answer["message"] if isinstance(answer, dict) else answer)


@pytest.mark.usefixtures("still_serving")
def test_broken_yaml_names_the_line(api):
    status, answer = api("POST", CONFIG_MAPS, b"a: [1\nb: 2", "application/yaml")
    assert status == 400
    assert "line" in answer["message"]


@pytest.mark.parametrize(
    "token", [pytest.param("nonsense", id="nonsense"), pytest.param("a.b.c", id="like-a-jwt")]
)
def test_a_bad_token_is_nobody(api, token):
    assert api("GET", PODS, token=token)[0] == 401


def test_headers_do_not_make_anybody(api):
    request = urllib.request.Request(
        api.url + PODS,
        headers={"X-Remote-User": "admin", "X-Remote-Group": "system:masters",
                 "kubeflow-userid": "admin"},
    )  # fmt: skip
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, context=api.tls)
    with refused.value as answer:
        assert answer.code in (401, 403)


def test_owners_in_a_circle_can_be_deleted(api):
    made = {}
    for name in ("round-a", "round-b"):
        made[name] = api("POST", CONFIG_MAPS, config_map(name))[1]["metadata"]["uid"]
    for name, owner in (("round-a", "round-b"), ("round-b", "round-a")):
        reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": made[owner]}
        patch = {"metadata": {"ownerReferences": [reference]}}
        kind = "application/merge-patch+json"
        assert api("PATCH", f"{CONFIG_MAPS}/{name}", patch, kind)[0] == 200
    options = {"propagationPolicy": "Foreground"}
    assert api("DELETE", f"{CONFIG_MAPS}/round-a", options)[0] == 200
    end = time.monotonic() + 10
    while any(api("GET", f"{CONFIG_MAPS}/{name}")[0] == 200 for name in made):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_link_in_a_volume_cannot_leave_it(api):
    """The first pod plants a link to /etc in the volume; the second mounts it by subPath."""
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "trap"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
    assert api("POST", "/api/v1/namespaces/default/persistentvolumeclaims", claim)[0] == 201
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "trap"}}]
    mount = {"name": "v", "mountPath": "/data"}
    plant = pod("plant", {"command": ["ln", "-s", "/etc", "/data/out"], "volumeMounts": [mount]},
                volumes=volumes)  # fmt: skip
    assert api("POST", PODS, plant)[0] == 201
    until(api, "plant", lambda status: status.get("phase") == "Succeeded")
    inner = {"command": ["cat", "/data/passwd"], "volumeMounts": [{**mount, "subPath": "out"}]}
    step = pod("step", inner, volumes=volumes)
    assert api("POST", PODS, step)[0] == 201
    status = until(api, "step", lambda status: "subPath" in json.dumps(status))
    assert status["phase"] == "Pending"


def until(api, name, test, seconds=20):
    end = time.monotonic() + seconds
    while True:
        status = api("GET", f"{PODS}/{name}")[1].get("status", {})
        if test(status):
            return status
        assert time.monotonic() < end, status
        time.sleep(0.05)


@pytest.mark.usefixtures("still_serving")
def test_a_request_that_is_never_finished_holds_nobody_up(api):
    with api.connect() as half:
        half.sendall(b"POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: x\r\n")
        assert api("GET", "/api/v1/namespaces/default")[0] == 200


@pytest.mark.usefixtures("still_serving")
def test_a_thousand_idle_watches(api):
    request = (
        f"GET /api/v1/namespaces/kube-system/secrets?watch=true HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {api.token}\r\n\r\n"
    ).encode()
    watches = []
    try:
        for _ in range(IDLE_WATCHES):
            watch = api.connect()
            watch.sendall(request)
            watches.append(watch)
        started = time.monotonic()
        assert api("POST", CONFIG_MAPS, config_map("beside-watches"))[0] == 201
        assert time.monotonic() - started < 2
        assert all(b" 200 " in watch.recv(64) for watch in watches)
    finally:
        for watch in watches:
            watch.close()


@pytest.mark.parametrize("path", ["runs", "pipelines/upload?name=x"])
def test_a_pipeline_that_is_too_large_is_told_so(sampan, path):
    """To a client that sends all of it before it reads the answer."""
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    head = b'--b\r\nContent-Disposition: form-data; name="uploadfile"; filename="p.yaml"\r\n\r\n'
    url = f"{sampan.state['gateway']}/pipeline/apis/v2beta1/{path}"
    request = urllib.request.Request(url, head + b"#" * (40 << 20), form, method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=20)
    text = refused.value.read().decode()
    assert (refused.value.code, "too large" in text) == (400, True), text
